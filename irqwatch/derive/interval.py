"""What was counted between two snapshots."""

from dataclasses import replace

from irqwatch.base import counters
from irqwatch.base.columns import is_incomplete, line_cpus, softirq_cpus
from irqwatch.base.interval import Interval
from irqwatch.base.names import device_names, row_keys
from irqwatch.collectors import PARTS
from irqwatch.model.snapshot import CpuCounts, Line, Probe, Snapshot


def between(current: Snapshot, previous: Snapshot) -> Interval:
    """Of two snapshots of one boot, in order."""
    ns = current.monotonic_ns - previous.monotonic_ns
    of_lines = line_cpus(current) & line_cpus(previous)
    of_softirqs = softirq_cpus(current) & softirq_cpus(previous)
    lines, unknown = _lines(current, previous, of_lines, ns)
    softirqs, unknown_softirqs = _softirqs(current, previous, of_softirqs, ns)
    probe = None
    if current.probe and previous.probe and not probe_restarted(current, previous):
        probe = _probe(current.probe, previous.probe)
    return Interval(
        ns=ns,
        line_cpus=of_lines,
        softirq_cpus=of_softirqs,
        lines=tuple(lines),
        unknown_lines=frozenset(line.irq for line in unknown if line.irq is not None),
        unknown_rows=unknown_softirqs | {line.label for line in unknown if line.irq is None},
        softirqs=softirqs,
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
) -> tuple[list[Line], list[Line]]:
    """Those that counted something, and those of which it is not known."""
    before = dict(zip(row_keys(previous.lines), previous.lines, strict=True))
    now = dict(zip(row_keys(current.lines), current.lines, strict=True))
    lines, unknown = [], []
    if is_incomplete(current):
        unknown += [old for key, old in before.items() if key not in now]
    for key, line in now.items():
        if line.total is not None:
            continue
        counts, old = None, before.get(key)
        if old is None and not is_incomplete(previous):
            # show_interrupts() in kernel/irq/proc.c leaves a line out while it has neither an
            # action nor a count: one that was not there before has counted from zero.
            old = replace(line, counts={})
        if old is not None and _same_line(line, old):
            counts = counters.cpu_counts(line.counts, old.counts, cpus, ns)
        if counts:
            lines.append(replace(line, counts=counts))
        elif counts is None:
            unknown.append(line)
    return lines, unknown


def _same_line(line: Line, old: Line) -> bool:
    """False where the interrupt's number was freed and given to another device."""
    if (line.controller, line.hwirq) != (old.controller, old.hwirq):
        return False
    kept = not set(line.actions).isdisjoint(old.actions)
    return kept or not line.actions or not old.actions


def _softirqs(
    current: Snapshot, previous: Snapshot, cpus: frozenset[int], ns: int
) -> tuple[dict[str, CpuCounts], frozenset[str]]:
    """What each counted, and those of which it is not known."""
    counted: dict[str, CpuCounts] = {}
    for vector, counts in current.softirq_counts.items():
        if vector in previous.softirq_counts:
            steps = counters.cpu_counts(counts, previous.softirq_counts[vector], cpus, ns)
            if steps is not None:
                counted[vector] = steps
    had = current.softirq_counts.keys() | previous.softirq_counts.keys()
    return counted, frozenset(had - counted.keys())


def _probe(current: Probe, previous: Probe) -> Probe:
    return replace(
        current,
        parts={part.name: part.between(current, previous) for part in PARTS},
        losses={
            collector: counters.positive(reasons, previous.losses.get(collector, {}))
            for collector, reasons in current.losses.items()
        },
    )
