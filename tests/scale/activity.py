"""What happens on a machine, second after second, as Snapshots of cumulative counters."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from irqwatch.collectors.hardirq import HardirqTime
from irqwatch.collectors.softirq import SoftirqTime
from irqwatch.collectors.vector import VectorTime
from irqwatch.collectors.work import WorkCause, WorkTime
from irqwatch.model.histogram import EMPTY, Histogram, merge
from irqwatch.model.snapshot import (
    SCHEMA,
    SOFTIRQ_VECTORS,
    CountAndTime,
    Host,
    Probe,
    Program,
    Snapshot,
    Worst,
)
from tests.probes import a_probe, shared_losses
from tests.scale.histograms import Shape, draw, longest_ns
from tests.scale.kernel_counts import KernelCounts
from tests.scale.machine import Machine, Queue, Size, build
from tests.scale.works import Work, works

NOTHING = CountAndTime(0, 0)
COLLECTORS = frozenset({"hardirq", "softirq", "vector", "work"})
INTERVAL_S = 1.0
ATTACHED_NS = 40 * 86_400 * 10**9  # after boot
SEEN_BEFORE_S = 600.0
FIRST_WALL_NS = 1_750_000_000 * 10**9

# Of the queues, how many have ever been used: a host of few clients leaves many idle.
IN_USE = 0.7
BUSIEST_LINE = 20_000.0  # interrupts a second
NOT_MINE_NS = 400  # to look at a device and see that it did not interrupt

HARDIRQS = tuple(Shape(median_ns, 0.4) for median_ns in (650, 900, 1_200, 1_700, 2_900))

# Vector → share of the CPUs that use it, events a second on each, latency, run time.
SOFTIRQS = {
    "HI": (0.02, 1.0, Shape(2_000), Shape(1_000)),
    "TIMER": (1.0, 120.0, Shape(1_500), Shape(2_500, 0.6)),
    "NET_TX": (0.3, 15.0, Shape(1_800), Shape(1_200)),
    "NET_RX": (1.0, 4_000.0, Shape(1_200, 0.5), Shape(6_000, 0.8)),
    "BLOCK": (1.0, 300.0, Shape(1_400), Shape(3_000, 0.5)),
    "TASKLET": (0.15, 20.0, Shape(1_600), Shape(900)),
    "SCHED": (1.0, 150.0, Shape(2_500, 0.6), Shape(4_000, 0.7)),
    "RCU": (1.0, 100.0, Shape(1_700, 0.6), Shape(1_300, 0.9)),
}
# Vector → its row of /proc/interrupts, events a second on each CPU, run time.
VECTORS = {
    "local_timer": ("LOC", 250.0, Shape(1_800, 0.5)),
    "reschedule": ("RES", 40.0, Shape(300)),
    "call_function_single": ("CAL", 90.0, Shape(700, 0.5)),
}
OF_THE_TIMER = frozenset({"TIMER", "SCHED", "RCU"})  # softirqs that it raises; the others, a line

TASKS = ((0, "swapper"), (4211, "postgres"), (977, "nginx"), (31, "ksoftirqd"), (8100, "java"))


def snapshots(size: Size, seed: int = 0) -> Iterator[Snapshot]:
    """Without end, ``INTERVAL_S`` apart. The same size and seed give the same snapshots."""
    rng = Random(f"{size} on {size.nodes} nodes, {seed}")
    host = _Running(build(size, rng), rng)
    host.advance(SEEN_BEFORE_S)
    while True:
        yield host.snapshot()
        host.advance(INTERVAL_S)


@dataclass(slots=True)
class _Stream:
    """One kind of event at one place: how often, how long, and what has been seen of it so far."""

    rate: float
    shape: Shape
    seen: Histogram = EMPTY
    worst: Worst | None = None

    def advance(self, count: int, now_ns: int, cpu: int, rng: Random) -> Histogram:
        """The events of one step."""
        step = draw(count, self.shape, rng)
        self.seen = merge((self.seen, step))
        self.worst = None
        if count:
            pid, comm = rng.choice(TASKS)
            at_ns = now_ns - rng.randrange(10**9)
            self.worst = Worst(longest_ns(step, rng), at_ns, cpu, pid, comm)
        return step

    def count(self, seconds: float, rng: Random) -> int:
        """How many events of a step."""
        return int(self.rate * seconds * rng.uniform(0.7, 1.3) + rng.random())


@dataclass(slots=True)
class _Softirq:
    latency: _Stream
    run: _Stream
    ksoftirqd: CountAndTime = NOTHING


@dataclass(slots=True)
class _Worked:
    latency: _Stream
    run: _Stream
    cpus: dict[int, CountAndTime] = field(default_factory=dict)
    stall: CountAndTime = NOTHING


class _Running:
    """A machine at work."""

    def __init__(self, machine: Machine, rng: Random) -> None:
        self._machine = machine
        self._rng = rng
        self._now_ns = ATTACHED_NS
        self._kernel = KernelCounts(machine, rng)
        self._hardirqs: dict[tuple[int, str, int], _Stream] = {}
        for queue in machine.queues:
            self._add_hardirqs(queue)
        self._not_mine: dict[tuple[int, str, int], int] = {}
        self._vectors = {
            (vector, cpu): _Stream(rate, shape)
            for cpu in machine.topology.cpus
            for vector, (_, rate, shape) in VECTORS.items()
        }
        self._first_line: dict[int, tuple[int, str]] = {}  # of each CPU that has one
        for irq, action, cpu in self._hardirqs:
            self._first_line.setdefault(cpu, (irq, action))
        self._softirqs = dict(_softirqs(len(machine.topology.cpus), rng))
        self._works: dict[Work, _Worked] = {
            work: _Worked(
                latency=_Stream(work.rate, work.latency), run=_Stream(work.rate, work.run)
            )
            for work in works(len(machine.topology.cpus), rng)
        }

    def _add_hardirqs(self, queue: Queue) -> None:
        if self._rng.random() > IN_USE:
            return
        # Few lines are busy, most do little.
        rate = min(BUSIEST_LINE, 20 * self._rng.paretovariate(0.6))
        shape = self._rng.choice(HARDIRQS)
        for place, cpu in enumerate(queue.ran_on):
            # On the CPU that it was moved from it is seldom seen again.
            here = rate if place == 0 else 0.05
            key = (queue.line.irq or 0, queue.line.actions[0], cpu)
            self._hardirqs[key] = _Stream(here, shape)

    def advance(self, seconds: float) -> None:
        self._now_ns += int(seconds * 10**9)
        self._advance_hardirqs(seconds)
        self._advance_vectors(seconds)
        self._advance_softirqs(seconds)
        self._advance_works(seconds)
        self._kernel.advance(seconds)

    def _advance_hardirqs(self, seconds: float) -> None:
        sharers = {q.line.irq or 0: q.line.actions[1:] for q in self._machine.queues}
        for (irq, _, cpu), stream in self._hardirqs.items():
            count = stream.count(seconds, self._rng)
            step = stream.advance(count, self._now_ns, cpu, self._rng)
            self._kernel.add_line(irq, cpu, count, step.sum_ns)
            for action in sharers[irq]:
                key = (irq, action, cpu)
                self._not_mine[key] = self._not_mine.get(key, 0) + count

    def _advance_vectors(self, seconds: float) -> None:
        for (vector, cpu), stream in self._vectors.items():
            count = stream.count(seconds, self._rng)
            step = stream.advance(count, self._now_ns, cpu, self._rng)
            self._kernel.add_vector(VECTORS[vector][0], cpu, count, step.sum_ns)

    def _advance_softirqs(self, seconds: float) -> None:
        for (vector, cpu), softirq in self._softirqs.items():
            count = softirq.run.count(seconds, self._rng)
            softirq.latency.advance(count, self._now_ns, cpu, self._rng)
            step = softirq.run.advance(count, self._now_ns, cpu, self._rng)
            self._kernel.add_softirq(vector, cpu, count, step.sum_ns)
            in_thread = CountAndTime(count // 200, step.sum_ns // 200)
            softirq.ksoftirqd = _sum(softirq.ksoftirqd, in_thread)

    def _advance_works(self, seconds: float) -> None:
        for work, worked in self._works.items():
            counts = {cpu: worked.run.count(seconds, self._rng) for cpu in work.cpus}
            total = sum(counts.values())
            busiest = max(counts, key=lambda cpu: counts[cpu])
            step = worked.run.advance(total, self._now_ns, busiest, self._rng)
            worked.latency.advance(total, self._now_ns, busiest, self._rng)
            for cpu, count in counts.items():
                if count:
                    part = CountAndTime(count, step.sum_ns * count // total)
                    worked.cpus[cpu] = _sum(worked.cpus.get(cpu, NOTHING), part)
            worked.stall = _sum(worked.stall, CountAndTime(total // 50, total // 50 * 40_000))

    def snapshot(self) -> Snapshot:
        queues = self._machine.queues
        return Snapshot(
            schema=SCHEMA,
            monotonic_ns=self._now_ns,
            wall_ns=FIRST_WALL_NS + self._now_ns - ATTACHED_NS,
            host=Host("large", "6.12.0", "5ca1ab1e-0000-4000-8000-000000000000"),
            topology=self._machine.topology,
            lines=self._kernel.lines(),
            softirq_counts=self._kernel.softirqs(),
            cpu_times=self._kernel.cpu_times(),
            settings=tuple(queue.setting for queue in queues),
            devices=tuple(queue.device for queue in queues if queue.device),
            softnet=self._kernel.softnet(),
            threads=self._kernel.threads(),
            probe=self._probe(),
        )

    def _probe(self) -> Probe:
        losses: dict[str, dict[str, int]] = {name: {} for name in sorted(COLLECTORS)}
        for number, (collector, reason) in enumerate(shared_losses()):
            losses[collector][reason] = number
        return a_probe(
            collectors=COLLECTORS,
            attached_ns=ATTACHED_NS,
            hardirqs=(*self._handled(), *self._shared()),
            softirqs=tuple(
                SoftirqTime(
                    vector,
                    cpu,
                    softirq.latency.seen,
                    softirq.run.seen,
                    softirq.ksoftirqd.count,
                    softirq.ksoftirqd.ns,
                    uncaused=_rest(softirq.run.seen, self._caused(vector, cpu)),
                    worst_latency=softirq.latency.worst,
                    worst_run=softirq.run.worst,
                )
                for (vector, cpu), softirq in self._softirqs.items()
                if softirq.run.seen.buckets
            ),
            works=tuple(
                _work_time(work, worked)
                for work, worked in self._works.items()
                if worked.run.seen.buckets
            ),
            vectors=tuple(
                VectorTime(
                    vector, cpu, stream.seen, stream.worst, self._softirqs_of((None, vector), cpu)
                )
                for (vector, cpu), stream in self._vectors.items()
                if stream.seen.buckets
            ),
            work_causes=tuple(sorted(self._work_causes(), key=_order)),
            losses=losses,
            programs=tuple(Program(name, 0) for name in ("irq_entry", "irq_exit", "softirq_exit")),
        )

    def _handled(self) -> Iterator[HardirqTime]:
        for (irq, action, cpu), stream in self._hardirqs.items():
            if stream.seen.buckets:
                softirqs = self._softirqs_of((irq, action), cpu)
                yield HardirqTime(
                    irq, action, cpu, stream.seen, worst=stream.worst, softirqs=softirqs
                )

    def _cause(self, vector: str, cpu: int) -> tuple[int | None, str] | None:
        """The interrupt that raises most of the softirqs: of the timer, or of a line."""
        return (None, "local_timer") if vector in OF_THE_TIMER else self._first_line.get(cpu)

    def _caused(self, vector: str, cpu: int) -> CountAndTime:
        """Three in four of them."""
        run = self._softirqs[vector, cpu].run.seen if (vector, cpu) in self._softirqs else EMPTY
        if self._cause(vector, cpu) is None:
            return NOTHING
        return CountAndTime(run.count * 3 // 4, run.sum_ns * 3 // 4)

    def _softirqs_of(
        self, interrupt: tuple[int | None, str], cpu: int
    ) -> Mapping[str, CountAndTime]:
        caused = {
            vector: self._caused(vector, cpu)
            for vector in SOFTIRQ_VECTORS
            if self._cause(vector, cpu) == interrupt
        }
        return {vector: runs for vector, runs in caused.items() if runs.count}

    def _work_causes(self) -> Iterator[WorkCause]:
        """NET_RX queues what a queue with a name of its own runs, tasks the rest."""
        for work, worked in self._works.items():
            for cpu, runs in worked.cpus.items():
                line = None if work.workqueue == "events" else self._first_line.get(cpu)
                irq, cause, via = (*line, "NET_RX") if line else (None, "", "task")
                yield WorkCause(irq, cause, via, work.function, work.workqueue, cpu, runs)

    def _shared(self) -> Iterator[HardirqTime]:
        for (irq, action, cpu), count in self._not_mine.items():
            if count:
                yield HardirqTime(irq, action, cpu, EMPTY, count, count * NOT_MINE_NS)


def _softirqs(cpus: int, rng: Random) -> Iterator[tuple[tuple[str, int], _Softirq]]:
    """By CPU, then vector, as the probe's map has them."""
    for cpu in range(cpus):
        for vector in SOFTIRQ_VECTORS:
            share, rate, latency, run = SOFTIRQS.get(vector, _NEVER)
            if rng.random() < share:
                here = min(5 * rate, rate * rng.expovariate(1))
                yield (vector, cpu), _Softirq(_Stream(here, latency), _Stream(here, run))


def _order(caused: WorkCause) -> tuple[object, ...]:
    parts = (caused.irq, caused.cause, caused.via, caused.function, caused.workqueue, caused.cpu)
    return (caused.irq is None, *map(str, parts))


def _rest(run: Histogram, caused: CountAndTime) -> CountAndTime:
    return CountAndTime(run.count - caused.count, run.sum_ns - caused.ns)


_NEVER = (0.0, 0.0, Shape(1_000), Shape(1_000))


def _work_time(work: Work, worked: _Worked) -> WorkTime:
    cpus: Mapping[int, CountAndTime] = dict(worked.cpus)
    return WorkTime(
        function=work.function,
        workqueue=work.workqueue,
        latency=worked.latency.seen,
        run=worked.run.seen,
        stall_count=worked.stall.count,
        stall_ns=worked.stall.ns,
        cpus=cpus,
        worst_latency=worked.latency.worst,
        worst_run=worked.run.worst,
        on_cpu=cpus,  # none sleeps
        is_on_cpu_known=True,
    )


def _sum(one: CountAndTime, other: CountAndTime) -> CountAndTime:
    return CountAndTime(one.count + other.count, one.ns + other.ns)
