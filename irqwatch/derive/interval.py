"""What was counted between two snapshots."""

from dataclasses import replace

from irqwatch.base import counters
from irqwatch.base.columns import line_cpus, softirq_cpus
from irqwatch.base.interval import Interval
from irqwatch.base.names import device_names, row_keys
from irqwatch.collectors import PARTS
from irqwatch.model.snapshot import CpuCounts, Line, Probe, Snapshot


def between(current: Snapshot, previous: Snapshot) -> Interval:
    """Of two snapshots of one boot, in order."""
    ns = current.monotonic_ns - previous.monotonic_ns
    of_lines = line_cpus(current) & line_cpus(previous)
    of_softirqs = softirq_cpus(current) & softirq_cpus(previous)
    lines, unknown_lines = _lines(current, previous, of_lines, ns)
    probe = None
    if current.probe and previous.probe and not probe_restarted(current, previous):
        probe = _probe(current.probe, previous.probe)
    return Interval(
        ns=ns,
        line_cpus=of_lines,
        softirq_cpus=of_softirqs,
        lines=lines,
        unknown_lines=unknown_lines,
        softirqs=_softirqs(current, previous, of_softirqs, ns),
        probe=probe,
        devices=device_names(current.devices),
        cgroups=current.cgroups,
    )


def probe_restarted(current: Snapshot, previous: Snapshot) -> bool:
    return bool(
        current.probe and previous.probe and current.probe.attached_ns != previous.probe.attached_ns
    )


def _lines(
    current: Snapshot, previous: Snapshot, cpus: frozenset[int], ns: int
) -> tuple[tuple[Line, ...], frozenset[int]]:
    """Those that counted something, and the numbers of those of which it is not known."""
    if not previous.lines:
        return (), frozenset(line.irq for line in current.lines if line.irq is not None)
    before = dict(zip(row_keys(previous.lines), previous.lines, strict=True))
    lines, unknown = [], set()
    for key, line in zip(row_keys(current.lines), current.lines, strict=True):
        # show_interrupts() in kernel/irq/proc.c leaves a line out while it has neither an action
        # nor a count: one that was not there before has counted from zero.
        old = before.get(key) or replace(line, counts={})
        if line.total is not None:
            continue
        counts = None
        if _same_line(line, old):
            counts = counters.cpu_counts(line.counts, old.counts, cpus, ns)
        if counts:
            lines.append(replace(line, counts=counts))
        elif counts is None and line.irq is not None:
            unknown.add(line.irq)
    return tuple(lines), frozenset(unknown)


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
        parts={part.name: part.between(current, previous) for part in PARTS},
        losses={
            collector: counters.positive(reasons, previous.losses.get(collector, {}))
            for collector, reasons in current.losses.items()
        },
    )
