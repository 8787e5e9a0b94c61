"""What was counted between two snapshots, in the snapshots' own types: a ``Line`` here holds the
counts of the interval, a ``Probe`` the events of the interval."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from irqwatch.base import counters
from irqwatch.model.snapshot import (
    Blame,
    CountAndTime,
    CpuCounts,
    ExceptionCount,
    HardirqTime,
    Line,
    NapiCount,
    Probe,
    ProcessFaults,
    SignalTime,
    Snapshot,
    SoftirqTime,
    SyscallTime,
    TaskletTime,
    ThreadTime,
    TimerTime,
    VectorTime,
    WorkCause,
    WorkTime,
)

Timed = TypeVar("Timed")


@dataclass(frozen=True, slots=True)
class Interval:
    """``lines`` and ``softirqs`` are the kernel's counts, on the CPUs (``cpus``) that were online
    at both ends; what went backwards is absent, and so is a line that counted nothing. ``probe`` is
    None where the same probe did not run at both ends."""

    ns: int
    cpus: frozenset[int]
    lines: tuple[Line, ...]
    softirqs: Mapping[str, CpuCounts]
    probe: Probe | None
    cgroups: Mapping[int, str] = field(default_factory=dict)  # paths by id, at its end


def between(current: Snapshot, previous: Snapshot) -> Interval:
    ns = current.monotonic_ns - previous.monotonic_ns
    cpus = online(current) & online(previous)
    probe = None
    if current.probe and previous.probe and not probe_restarted(current, previous):
        probe = _probe(current.probe, previous.probe)
    return Interval(
        ns,
        cpus,
        _lines(current, previous, cpus, ns),
        _softirqs(current, previous, cpus, ns),
        probe,
        current.cgroups,
    )


def online(snapshot: Snapshot) -> frozenset[int]:
    """The CPUs that are online: as the topology says, else those that /proc/stat has."""
    return frozenset(snapshot.topology.online or snapshot.cpu_times)


def probe_restarted(current: Snapshot, previous: Snapshot) -> bool:
    return bool(
        current.probe and previous.probe and current.probe.attached_ns != previous.probe.attached_ns
    )


def _lines(
    current: Snapshot, previous: Snapshot, cpus: frozenset[int], ns: int
) -> tuple[Line, ...]:
    if not previous.lines:
        return ()
    before = {line.label: line for line in previous.lines}
    lines = []
    for line in current.lines:
        # show_interrupts() in kernel/irq/proc.c leaves a line out while it has neither an action
        # nor a count: one that was not there before has counted from zero.
        old = before.get(line.label) or replace(line, counts={})
        if line.total is None and _same_line(line, old):
            counts = counters.cpu_counts(line.counts, old.counts, cpus, ns)
            if counts:
                lines.append(replace(line, counts=counts))
    return tuple(lines)


def _same_line(line: Line, old: Line) -> bool:
    """False where the interrupt's number was freed and given to another device."""
    if (line.controller, line.hwirq) != (old.controller, old.hwirq):
        return False
    kept = not set(line.actions).isdisjoint(old.actions)
    return kept or not line.actions or not old.actions


def _softirqs(
    current: Snapshot, previous: Snapshot, cpus: frozenset[int], ns: int
) -> dict[str, CpuCounts]:
    counted: dict[str, CpuCounts] = {}
    for vector, counts in current.softirq_counts.items():
        if vector in previous.softirq_counts:
            steps = counters.cpu_counts(counts, previous.softirq_counts[vector], cpus, ns)
            if steps is not None:
                counted[vector] = steps
    return counted


def _probe(current: Probe, previous: Probe) -> Probe:
    return replace(
        current,
        hardirqs=_each(
            current.hardirqs,
            previous.hardirqs,
            lambda part: ((part.irq, part.action), part.cpu),
            _hardirq,
        ),
        softirqs=_each(
            current.softirqs, previous.softirqs, lambda part: (part.vector, part.cpu), _softirq
        ),
        works=_each(
            current.works,
            previous.works,
            lambda part: ((part.function, part.workqueue), None),
            _work,
        ),
        vectors=_each(
            current.vectors, previous.vectors, lambda part: (part.vector, part.cpu), _vector
        ),
        work_causes=_each(current.work_causes, previous.work_causes, _work_cause_key, _work_cause),
        timers=_each(current.timers, previous.timers, lambda part: (part.mode, part.cpu), _timer),
        tasklets=_each(
            current.tasklets, previous.tasklets, lambda part: (part.function, part.cpu), _tasklet
        ),
        napis=_each(current.napis, previous.napis, lambda part: (part.device, part.cpu), _napi),
        exceptions=_each(
            current.exceptions, previous.exceptions, lambda part: (part.exception, None), _exception
        ),
        faulting=_each(
            current.faulting, previous.faulting, lambda part: (part.pid, None), _process_faults
        ),
        signals=_each(
            current.signals,
            previous.signals,
            lambda part: ((part.signal, part.origin), part.cpu),
            _signal,
        ),
        syscalls=_each(
            current.syscalls, previous.syscalls, lambda part: (part.syscall, part.cpu), _syscall
        ),
        irq_threads=_each(
            current.irq_threads,
            previous.irq_threads,
            lambda part: ((part.irq, part.action), part.cpu),
            _thread,
        ),
        blames=_each(
            current.blames, previous.blames, lambda part: (_blame_key(part), None), _blame
        ),
        losses={
            collector: counters.positive(reasons, previous.losses.get(collector, {}))
            for collector, reasons in current.losses.items()
        },
    )


def _work_cause_key(part: WorkCause) -> tuple[Hashable, int]:
    return (part.irq, part.cause, part.via, part.function, part.workqueue), part.cpu


def _each(
    current: Iterable[Timed],
    previous: Iterable[Timed],
    key: Callable[[Timed], tuple[Hashable, int | None]],
    subtract: Callable[[Timed, Timed], Timed | None],
) -> tuple[Timed, ...]:
    """The interval's part of each of ``current``; one that is new counted from zero. ``key`` is the
    source and the CPU, if it has one. A source of which one part went backwards is left out as a
    whole."""
    before = {key(part): part for part in previous}
    parts = []
    unknown = set()
    for now in current:
        source, _ = of_now = key(now)
        old = before.get(of_now)
        part = now if old is None else subtract(now, old)
        if part is None:
            unknown.add(source)
        else:
            parts.append((source, part))
    return tuple(part for source, part in parts if source not in unknown)


# Where a host has many parts they are made anew: dataclasses.replace() takes three times as long.
def _hardirq(now: HardirqTime, old: HardirqTime) -> HardirqTime | None:
    handled = counters.histogram(now.handled, old.handled)
    count = counters.steps(now.not_mine_count, old.not_mine_count)
    ns = counters.steps(now.not_mine_ns, old.not_mine_ns)
    softirqs = counters.by_name(now.softirqs, old.softirqs)
    if handled is None or count is None or ns is None or softirqs is None:
        return None
    return HardirqTime(now.irq, now.action, now.cpu, handled, count, ns, now.worst, softirqs)


def _vector(now: VectorTime, old: VectorTime) -> VectorTime | None:
    run = counters.histogram(now.run, old.run)
    softirqs = counters.by_name(now.softirqs, old.softirqs)
    if run is None or softirqs is None:
        return None
    return replace(now, run=run, softirqs=softirqs)


def _work_cause(now: WorkCause, old: WorkCause) -> WorkCause | None:
    runs = counters.count_and_time(now.runs, old.runs)
    return None if runs is None else replace(now, runs=runs)


def _softirq(now: SoftirqTime, old: SoftirqTime) -> SoftirqTime | None:
    latency = counters.histogram(now.latency, old.latency)
    run = counters.histogram(now.run, old.run)
    in_ksoftirqd = counters.count_and_time(
        CountAndTime(now.ksoftirqd_count, now.ksoftirqd_ns),
        CountAndTime(old.ksoftirqd_count, old.ksoftirqd_ns),
    )
    after_interrupt = counters.count_and_time(
        CountAndTime(now.interrupt_count, now.interrupt_ns),
        CountAndTime(old.interrupt_count, old.interrupt_ns),
    )
    restarts = counters.steps(now.restarts, old.restarts)
    uncaused = counters.count_and_time(now.uncaused, old.uncaused)
    if latency is None or run is None or uncaused is None:
        return None
    if in_ksoftirqd is None or after_interrupt is None or restarts is None:
        return None
    return replace(
        now,
        latency=latency,
        run=run,
        ksoftirqd_count=in_ksoftirqd.count,
        ksoftirqd_ns=in_ksoftirqd.ns,
        interrupt_count=after_interrupt.count,
        interrupt_ns=after_interrupt.ns,
        restarts=restarts,
        uncaused=uncaused,
    )


def _work(now: WorkTime, old: WorkTime) -> WorkTime | None:
    latency = counters.histogram(now.latency, old.latency)
    run = counters.histogram(now.run, old.run)
    count = counters.steps(now.stall_count, old.stall_count)
    ns = counters.steps(now.stall_ns, old.stall_ns)
    if latency is None or run is None or count is None or ns is None:
        return None
    cpus = counters.by_name(now.cpus, old.cpus)
    if cpus is None:
        return None
    return replace(now, latency=latency, run=run, stall_count=count, stall_ns=ns, cpus=cpus)


def _timer(now: TimerTime, old: TimerTime) -> TimerTime | None:
    latency = counters.histogram(now.latency, old.latency)
    early_count = counters.steps(now.early_count, old.early_count)
    if latency is None or early_count is None:
        return None
    return replace(now, latency=latency, early_count=early_count)


def _tasklet(now: TaskletTime, old: TaskletTime) -> TaskletTime | None:
    run = counters.histogram(now.run, old.run)
    return None if run is None else replace(now, run=run)


def _napi(now: NapiCount, old: NapiCount) -> NapiCount | None:
    polls = counters.steps(now.poll_count, old.poll_count)
    packets = counters.steps(now.packet_count, old.packet_count)
    exhausted = counters.steps(now.exhausted_count, old.exhausted_count)
    if polls is None or packets is None or exhausted is None:
        return None
    return NapiCount(now.device, now.cpu, polls, packets, exhausted)


def _exception(now: ExceptionCount, old: ExceptionCount) -> ExceptionCount | None:
    cpus = {cpu: counters.steps(count, old.cpus.get(cpu, 0)) for cpu, count in now.cpus.items()}
    if None in cpus.values():
        return None
    return replace(now, cpus={cpu: step for cpu, step in cpus.items() if step})


def _process_faults(now: ProcessFaults, old: ProcessFaults) -> ProcessFaults:
    """One that is lower was forgotten in between, to make room, and counted from zero again."""
    user = counters.steps(now.user_count, old.user_count)
    kernel = counters.steps(now.kernel_count, old.kernel_count)
    if user is None or kernel is None:
        return now
    return ProcessFaults(now.pid, now.comm, user, kernel)


def _signal(now: SignalTime, old: SignalTime) -> SignalTime | None:
    generated = counters.steps(now.generated_count, old.generated_count)
    dropped = counters.steps(now.dropped_count, old.dropped_count)
    latency = counters.histogram(now.latency, old.latency)
    if generated is None or dropped is None or latency is None:
        return None
    return replace(now, generated_count=generated, dropped_count=dropped, latency=latency)


def _thread(now: ThreadTime, old: ThreadTime) -> ThreadTime | None:
    latency = counters.histogram(now.latency, old.latency)
    run = counters.histogram(now.run, old.run)
    if latency is None or run is None:
        return None
    return replace(now, latency=latency, run=run)


def _blame_key(part: Blame) -> Hashable:
    return part.pid, part.cgroup, part.kind, part.name, part.irq, part.cause, part.cpu


def _blame(now: Blame, old: Blame) -> Blame:
    """One that is lower was forgotten in between, to make room, and counted from zero again."""
    taken = counters.count_and_time(now.taken, old.taken)
    return now if taken is None else replace(now, taken=taken)


def _syscall(now: SyscallTime, old: SyscallTime) -> SyscallTime | None:
    run = counters.histogram(now.run, old.run)
    return None if run is None else replace(now, run=run)
