"""What was counted between two snapshots, in the snapshots' own types: a ``Line`` here holds the
counts of the interval, a ``Probe`` the events of the interval."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from irqwatch.derive import delta
from irqwatch.model.snapshot import (
    CountAndTime,
    CpuCounts,
    HardirqTime,
    Line,
    Probe,
    Snapshot,
    SoftirqTime,
    WorkTime,
)

Timed = TypeVar("Timed", HardirqTime, SoftirqTime, WorkTime)


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


def between(current: Snapshot, previous: Snapshot) -> Interval:
    ns = current.monotonic_ns - previous.monotonic_ns
    cpus = online(current) & online(previous)
    probe = None
    if current.probe and previous.probe and not probe_restarted(current, previous):
        probe = _probe(current.probe, previous.probe)
    return Interval(
        ns, cpus, _lines(current, previous, cpus, ns), _softirqs(current, previous, cpus, ns), probe
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
            counts = delta.cpu_counts(line.counts, old.counts, cpus, ns)
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
            steps = delta.cpu_counts(counts, previous.softirq_counts[vector], cpus, ns)
            if steps is not None:
                counted[vector] = steps
    return counted


def _probe(current: Probe, previous: Probe) -> Probe:
    return replace(
        current,
        hardirqs=_each(
            current.hardirqs,
            previous.hardirqs,
            lambda part: (part.irq, part.action, part.cpu),
            lambda part: (part.irq, part.action),
            _hardirq,
        ),
        softirqs=_each(
            current.softirqs,
            previous.softirqs,
            lambda part: (part.vector, part.cpu),
            lambda part: part.vector,
            _softirq,
        ),
        works=_each(
            current.works,
            previous.works,
            lambda part: (part.function, part.workqueue),
            lambda part: (part.function, part.workqueue),
            _work,
        ),
        losses={
            collector: delta.positive(reasons, previous.losses.get(collector, {}))
            for collector, reasons in current.losses.items()
        },
    )


def _each(
    current: Iterable[Timed],
    previous: Iterable[Timed],
    key: Callable[[Timed], Hashable],
    source: Callable[[Timed], Hashable],
    subtract: Callable[[Timed, Timed], Timed | None],
) -> tuple[Timed, ...]:
    """The interval's part of each of ``current``; one that is new counted from zero. A source of
    which one part went backwards is left out as a whole."""
    before = {key(part): part for part in previous}
    parts = []
    unknown = set()
    for now in current:
        old = before.get(key(now))
        part = now if old is None else subtract(now, old)
        if part is None:
            unknown.add(source(now))
        else:
            parts.append(part)
    return tuple(part for part in parts if source(part) not in unknown)


def _hardirq(now: HardirqTime, old: HardirqTime) -> HardirqTime | None:
    handled = delta.histogram(now.handled, old.handled)
    count = delta.steps(now.not_mine_count, old.not_mine_count)
    ns = delta.steps(now.not_mine_ns, old.not_mine_ns)
    if handled is None or count is None or ns is None:
        return None
    return HardirqTime(now.irq, now.action, now.cpu, handled, count, ns, now.worst)


def _softirq(now: SoftirqTime, old: SoftirqTime) -> SoftirqTime | None:
    latency = delta.histogram(now.latency, old.latency)
    run = delta.histogram(now.run, old.run)
    count = delta.steps(now.ksoftirqd_count, old.ksoftirqd_count)
    ns = delta.steps(now.ksoftirqd_ns, old.ksoftirqd_ns)
    if latency is None or run is None or count is None or ns is None:
        return None
    return SoftirqTime(
        now.vector, now.cpu, latency, run, count, ns, now.worst_latency, now.worst_run
    )


def _work(now: WorkTime, old: WorkTime) -> WorkTime | None:
    latency = delta.histogram(now.latency, old.latency)
    run = delta.histogram(now.run, old.run)
    count = delta.steps(now.stall_count, old.stall_count)
    ns = delta.steps(now.stall_ns, old.stall_ns)
    if latency is None or run is None or count is None or ns is None:
        return None
    zero = CountAndTime(0, 0)
    cpus = {}
    for cpu, total in now.cpus.items():
        before = old.cpus.get(cpu, zero)
        part = CountAndTime(total.count - before.count, total.ns - before.ns)
        if part.count < 0 or part.ns < 0:
            return None
        if part.count:
            cpus[cpu] = part
    return replace(now, latency=latency, run=run, stall_count=count, stall_ns=ns, cpus=cpus)
