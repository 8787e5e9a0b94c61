"""Work items: how long they wait in their queue, whether max_active held them back, how long they
run, and what caused them: bpf/workqueue.c."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from irqwatch.base.collector import (
    RUN,
    TIME,
    WAIT,
    Collector,
    Field,
    Folded,
    Hook,
    Key,
    Metric,
    Probed,
    Room,
    Shown,
    Table,
    Words,
)
from irqwatch.base.counters import longest
from irqwatch.base.follows import Follows
from irqwatch.base.interval import Interval
from irqwatch.base.measures import NS, counting, durations, rate, share, total, waits
from irqwatch.base.parts import Naming, Part, Rename
from irqwatch.base.reading import Reading, count_and_time, histogram, text
from irqwatch.base.series import OTHER, Bound, Member, MemberKey
from irqwatch.base.sheet import Exporting, Sheet
from irqwatch.cells import seconds
from irqwatch.collectors import interrupt
from irqwatch.model.histogram import EMPTY, Histogram
from irqwatch.model.snapshot import (
    NEVER,
    SOFTIRQ_VECTORS,
    CountAndTime,
    Probe,
    Snapshot,
    Worst,
)
from irqwatch.model.view import CpuPart, Source

SHOWN_APART = Bound(2, 10)

# Of work that was queued before the probe was attached.
UNKNOWN_VIA = "unknown"

# What the probe keeps of a function on a queue is keyed by the address of the function and the
# queue's name.
WorkKey = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class WorkTime:
    """Work items of one function on one workqueue, on all CPUs. ``latency`` is queued-to-start of
    the items whose queueing was seen; ``run`` is wall time, sleeping included; ``on_cpu`` is the
    time on a CPU of the same runs, where the kernel tells it: ``is_on_cpu_known`` is None in
    recordings of before it was asked. A stall is an item that had to wait to be activated because
    the queue was at max_active."""

    function: str
    workqueue: str  # "" where the queueing was not seen
    latency: Histogram = EMPTY
    run: Histogram = EMPTY
    stall_count: int = 0
    stall_ns: int = 0
    cpus: Mapping[int, CountAndTime] = field(default_factory=dict)  # of ``run``
    worst_latency: Worst | None = None
    worst_run: Worst | None = None
    on_cpu: Mapping[int, CountAndTime] = field(default_factory=dict)
    is_on_cpu_known: bool | None = None

    @property
    def charged_ns(self) -> dict[int, int | None]:
        """By CPU, what its runs are charged for: their time on it, and wall time in recordings that
        have no other."""
        if self.is_on_cpu_known is None:
            return {cpu: runs.ns for cpu, runs in self.cpus.items()}
        known = self.is_on_cpu_known
        return {cpu: self.on_cpu.get(cpu, NEVER).ns if known else None for cpu in self.cpus}


@dataclass(frozen=True, slots=True)
class WorkCause:
    """Runs of one work function on one CPU that one interrupt caused: the action ``cause`` on line
    ``irq``, or the vector ``cause`` where ``irq`` is None, or none (""). ``via`` is what queued
    them: "" the top half itself, a softirq vector, "thread", "task". Their time is what
    WorkTime charges for."""

    irq: int | None
    cause: str
    via: str
    function: str
    workqueue: str
    cpu: int
    runs: CountAndTime = NEVER


def _cause_renamed(part: WorkCause, renames: Mapping[Naming, Rename]) -> Mapping[str, str]:
    """A cause is a vector, which the kernel named, where it is of no line."""
    return {"cause": part.cause if part.irq is None else renames[Naming.DEVICE](part.cause)}


WORKS = Part(
    "works",
    WorkTime,
    ("function", "workqueue"),
    {"function": Naming.KERNEL, "workqueue": Naming.DEVICE},
)
CAUSES = Part(
    "work_causes",
    WorkCause,
    ("irq", "cause", "via", "function", "workqueue", "cpu"),
    {
        "cause": Naming.DEVICE,
        "via": Naming.KERNEL,
        "function": Naming.KERNEL,
        "workqueue": Naming.DEVICE,
    },
    renamed=_cause_renamed,
)


def decode(reading: Reading) -> Mapping[str, tuple[Any, ...]]:
    """Sorted. Functions of one name (static ones of two modules) are counted together."""
    functions = _functions(reading)
    return {"works": _works(reading, functions), "work_causes": _causes(reading, functions)}


def _functions(reading: Reading) -> dict[WorkKey, str]:
    at = reading.at("work")
    return {
        (key.function, key.workqueue): reading.function(value, at.function)
        for key, value in reading.entries("works")
    }


def _works(reading: Reading, functions: Mapping[WorkKey, str]) -> tuple[WorkTime, ...]:
    """Of what all CPUs share and of each CPU's own part."""
    at, cpu_at = reading.at("work"), reading.at("work_cpu")
    of_cpus: dict[WorkKey, list[tuple[int, memoryview]]] = {}
    for key, value in reading.entries("work_cpus"):
        of_cpus.setdefault((key.key_function, key.key_workqueue), []).append((key.cpu, value))
    is_known = any(value[cpu_at.on_cpu] for _, value in reading.entries("work_cpus"))
    parts = []
    # Of a function that came into being between the two reads, its CPUs' parts come next time.
    for key, value in reading.entries("works"):
        name = (key.function, key.workqueue)
        cpus = of_cpus.get(name, [])
        runs = {cpu: CountAndTime(one[cpu_at.run_count], one[cpu_at.run_ns]) for cpu, one in cpus}
        on_cpu = {cpu: count_and_time(one, cpu_at.on_cpu) for cpu, one in cpus}
        part = WorkTime(
            function=functions[name],
            workqueue=text(key.workqueue),
            latency=histogram(value, at.latency),
            run=histogram(value, at.run),
            stall_count=sum(one[cpu_at.stall_count] for _, one in cpus),
            stall_ns=sum(one[cpu_at.stall_ns] for _, one in cpus),
            cpus={cpu: done for cpu, done in runs.items() if done.count},
            on_cpu={cpu: done for cpu, done in on_cpu.items() if done.count},
            is_on_cpu_known=is_known,
            worst_latency=_longest(reading, cpus, cpu_at.worst_latency),
            worst_run=_longest(reading, cpus, cpu_at.worst_run),
        )
        parts.append(part)
    return tuple(sorted(WORKS.merged(parts), key=lambda one: (one.function, one.workqueue)))


def _longest(reading: Reading, cpus: Iterable[tuple[int, memoryview]], at: int) -> Worst | None:
    worsts = (reading.worst(value, at, cpu) for cpu, value in cpus)
    return longest([worst for worst in worsts if worst])


def _causes(reading: Reading, functions: Mapping[WorkKey, str]) -> tuple[WorkCause, ...]:
    actions = interrupt.action_names(reading)
    vias = _vias(reading)
    found = (
        WorkCause(
            *interrupt.named_cause(key.cause_action, key.cause_irq, actions),
            via=vias[key.via],
            function=functions[key.key_function, key.key_workqueue],
            workqueue=text(key.key_workqueue),
            cpu=key.cpu,
            runs=count_and_time(value),
        )
        for key, value in reading.entries("work_causes")
        if (key.key_function, key.key_workqueue) in functions
    )
    return tuple(sorted(CAUSES.merged(found), key=_order))


def _order(part: WorkCause) -> tuple[object, ...]:
    names = (part.irq, part.cause, part.via, part.function, part.workqueue, part.cpu)
    return part.irq is None, *map(str, names)


def _vias(reading: Reading) -> tuple[str, ...]:
    """In the order of enum via, whose last is the first softirq vector's."""
    words = {"VIA_TASK": "task", "VIA_HARDIRQ": "", "VIA_THREAD": "thread"}
    return tuple(
        via
        for name in reading.layouts.enum("via")
        for via in (SOFTIRQ_VECTORS if name == "VIA_SOFTIRQ" else (words[name],))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSource(Source):
    """A function on a workqueue. ``stall_*`` are the items that waited at max_active;
    ``wall_seconds`` is from start to end of all, None where that is what they are charged for."""

    workqueue: str
    wall_seconds: float | None
    stall_count: int
    stall_seconds: float

    @property
    def beside(self) -> str | None:
        return self.workqueue

    def words(self) -> Iterator[str | None]:
        yield from (self.kind, self.name, self.workqueue)

    def phrases(self) -> Iterator[str]:
        if self.wall_seconds is not None:
            yield f"{seconds(self.wall_seconds)} from start to end"
        if self.stall_count:
            held_back = f"{self.stall_count:,} held back at max_active"
            yield f"{held_back} for {seconds(self.stall_seconds)}"


def sources(interval: Interval) -> list[WorkSource]:
    """By name."""
    works = WORKS.of(interval.probe)
    found = [_work(part, interval.ns) for part in works if part.run.buckets]
    return sorted(found, key=lambda source: (source.name, source.workqueue))


def _work(part: WorkTime, interval_ns: int) -> WorkSource:
    count, wall_seconds = part.run.count, part.run.sum_ns / NS
    charged = {cpu: None if ns is None else ns / NS for cpu, ns in part.charged_ns.items()}
    is_wall = part.is_on_cpu_known is None
    run_seconds = wall_seconds if is_wall else total(charged.values())
    return WorkSource(
        kind="work",
        name=part.function,
        count=count,
        seconds=run_seconds,
        rate=rate(count, interval_ns),
        cpus=counting({cpu: CpuPart(done.count, charged[cpu]) for cpu, done in part.cpus.items()}),
        workqueue=part.workqueue,
        wall_seconds=None if is_wall else wall_seconds,
        share=share(run_seconds, interval_ns),
        **durations(part.run, (part.worst_run,)),
        **waits(part.latency, (part.worst_latency,)),
        stall_count=part.stall_count,
        stall_seconds=part.stall_ns / NS,
    )


def follows(probe: Probe) -> Iterator[Follows]:
    is_timed = not any(part.is_on_cpu_known is False for part in WORKS.of(probe))
    for part in CAUSES.of(probe):
        yield Follows(
            part.irq,
            part.cause,
            kind="work",
            name=part.function,
            cpu=part.cpu,
            runs=part.runs,
            via=part.via if part.workqueue else UNKNOWN_VIA,
            workqueue=part.workqueue,
            is_timed=is_timed,
        )


def export(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    """By function and workqueue."""
    probe = snapshot.probe
    if probe is None:
        return
    works = exporting.groups("work", "work", SHOWN_APART, (OTHER, OTHER), probe.attached_ns)
    times = WORKS.of(probe)
    is_known = any(time.is_on_cpu_known for time in times)
    members: dict[MemberKey, Member] = {}
    for time in times:
        name = (time.function, time.workqueue)
        on_cpu_ns = sum(part.ns for part in time.on_cpu.values())
        counts = (time.stall_count, time.stall_ns, on_cpu_ns)
        ns = on_cpu_ns if is_known else time.run.sum_ns
        members[name] = Member(name, ns, counts, (time.latency, time.run))
    for labels, sums in works.update(members, exporting.now_ns).items():
        count, ns, on_cpu_ns = sums.counts
        latency, run = sums.times
        if not (latency.count or run.count):
            continue
        sheet.histograms["irqwatch_work_latency_seconds"][labels] = latency
        sheet.histograms["irqwatch_work_duration_seconds"][labels] = run
        if is_known:
            sheet.values["irqwatch_work_cpu_seconds_total"][labels] = on_cpu_ns / NS
        if count:
            sheet.values["irqwatch_work_stalls_total"][labels] = count
            sheet.values["irqwatch_work_stall_seconds_total"][labels] = ns / NS
    for time in times:
        group = works.group((time.function, time.workqueue))
        sheet.note("irqwatch_work_latency_max_seconds", group, time.worst_latency)
        sheet.note("irqwatch_work_duration_max_seconds", group, time.worst_run)


WORK = "struct work_struct *"


COLLECTOR = Collector(
    name="work",
    what="work items",
    probed=Probed(
        file="workqueue.c",
        hooks=(
            Hook("irqw_work_end", "workqueue_execute_end", (WORK,)),
            Hook("irqw_work_start", "workqueue_execute_start", (WORK,)),
            Hook("irqw_work_act", "workqueue_activate_work", (WORK,)),
            Hook(
                "irqw_work_queue",
                "workqueue_queue_work",
                ("", "struct pool_workqueue *", WORK),
            ),
        ),
        fields=(
            Field("work_struct", "data", ("atomic64_t",)),
            Field("work_struct", "func", ("function *",)),
            Field("pool_workqueue", "wq", ("struct workqueue_struct *",)),
            Field("workqueue_struct", "name", ("char[]",)),
        ),
        optional_fields=(
            Field("task_struct", "se.exec_start", ("u64",)),
            Field("task_struct", "se.sum_exec_runtime", ("u64",)),
            Field("task_struct", "se.cfs_rq", ("struct cfs_rq *",)),
            Field("cfs_rq", "rq", ("struct rq *",)),
            Field("rq", "clock", ("u64",)),
            Field("rq", "clock_task", ("u64",)),
        ),
        constants=(("WORK_STRUCT_PENDING_BIT", 0),),
        formats=("function_format",),
        tables=(
            # A sync of many small files queues thousands.
            Table("works_waiting", lambda size: max(2048, size.on_each_cpu(64)), Room.ABANDONED),
            Table("works_running", lambda size: max(256, size.on_each_cpu(16)), is_read=False),
            Table("works", lambda size: 512, Room.IDLE),
            Table("work_cpus", lambda size: max(512, size.on_each_cpu(64)), Room.IDLE),
            Table("work_causes", lambda size: max(1024, size.on_each_cpu(128)), Room.IDLE),
        ),
    ),
    parts=(WORKS, CAUSES),
    decode=decode,
    sources=sources,
    follows=follows,
    export=export,
    chosen_by="function",
    keys=(
        Key("workqueue", "", "empty where the queueing was not seen"),
        Key(
            "wall_seconds",
            "seconds",
            "from start to end of all, sleep included; not there in a recording of before "
            "`seconds` was time on a CPU",
            is_left_out=True,
        ),
        Key("latency_p50_s", "seconds", "the median time from queueing to start"),
        Key("latency_max_s", "seconds", "the longest such wait"),
        Key(
            "stall_count",
            "events",
            "items that had to wait because the workqueue was at max_active",
        ),
        Key("stall_seconds", "seconds", "how long those waited for that, added up"),
        Key("worst", "", "the event of `max_s`"),
        Key("worst_latency", "", "the event of `latency_max_s`"),
    ),
    metrics=(
        Metric(
            name="irqwatch_work_latency_seconds",
            kind="histogram",
            labels=("function", "workqueue"),
            help="Time from queueing to start of a work item.",
            unit="seconds",
            meaning="From queueing to start, of the items whose queueing was seen.",
            example=(
                "histogram_quantile(0.99, sum by (le, function) "
                "(rate(irqwatch_work_latency_seconds_bucket[5m])))"
            ),
        ),
        Metric(
            name="irqwatch_work_latency_max_seconds",
            kind="gauge",
            labels=("function", "workqueue"),
            help="Longest wait of a work item seen in the last one to two minutes.",
            unit="seconds",
            meaning="The longest such wait seen in the last one to two minutes.",
            example="topk(5, irqwatch_work_latency_max_seconds)",
        ),
        Metric(
            name="irqwatch_work_duration_seconds",
            kind="histogram",
            labels=("function", "workqueue"),
            help="Time from start to end of a work item, sleeping included.",
            unit="seconds",
            meaning="Start to end in wall time: a work item may sleep.",
            example="topk(5, rate(irqwatch_work_duration_seconds_sum[5m]))",
        ),
        Metric(
            name="irqwatch_work_cpu_seconds_total",
            kind="counter",
            labels=("function", "workqueue"),
            help="Time that work items were on a CPU.",
            unit="seconds",
            meaning=(
                "Their time on a CPU: without sleep, and without what else ran meanwhile. Not "
                "there where the kernel does not tell it (without CONFIG_FAIR_GROUP_SCHED)."
            ),
            example="topk(5, rate(irqwatch_work_cpu_seconds_total[5m]))",
        ),
        Metric(
            name="irqwatch_work_duration_max_seconds",
            kind="gauge",
            labels=("function", "workqueue"),
            help="Longest run of a work item seen in the last one to two minutes.",
            unit="seconds",
            meaning="The longest such run seen in the last one to two minutes.",
            example="topk(5, irqwatch_work_duration_max_seconds)",
        ),
        Metric(
            name="irqwatch_work_stalls_total",
            kind="counter",
            labels=("function", "workqueue"),
            help="Work items that had to wait because their workqueue was at max_active.",
            unit="work items",
            meaning="Items held back because their workqueue was at max_active.",
            example="rate(irqwatch_work_stalls_total[5m])",
        ),
        Metric(
            name="irqwatch_work_stall_seconds_total",
            kind="counter",
            labels=("function", "workqueue"),
            help="Time that work items waited because their workqueue was at max_active.",
            unit="seconds",
            meaning="How long those items were held back, added up.",
            example="topk(5, rate(irqwatch_work_stall_seconds_total[5m]))",
        ),
    ),
    shown=Shown(
        "LAT99: queueing to start; P50 with sleep",
        digit="4",
        says=frozenset({TIME, RUN, WAIT}),
        colour="cyan",
    ),
    slow_kinds=("work", "work wait"),
    words=Words(
        title="Work",
        json="""\
`seconds`, `share` and `cpu_seconds` are time on a CPU, `p50_s` to `max_s` from start to end, with
its sleep. Where a run left its CPU, the time of interrupts that came over it is in it, unless the
kernel accounts for that (CONFIG_IRQ_TIME_ACCOUNTING).
""",
        event="a work item (queue, activate, start, end)",
        cost="2.0 µs",
        folded=(Folded("work (`function`, `workqueue`), by its time on a CPU", SHOWN_APART),),
    ),
)
