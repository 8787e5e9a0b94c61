"""What was counted between two snapshots."""

from dataclasses import replace

from irqwatch.base import counters
from irqwatch.base.columns import is_incomplete, line_cpus, one_sided, softirq_cpus
from irqwatch.base.interval import Interval
from irqwatch.base.names import device_names, row_keys
from irqwatch.base.rows import counted_again
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
        unknown_cpus=one_sided(current, previous),
        softirqs=softirqs,
        probe=probe,
        devices=device_names(current.devices),
        cgroups=current.cgroups,
        counted_again=counted_again(current.lines, current.host.kernel),
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
        old = before.get(key)
        if old is None and _counts_from_zero(line, previous):
            old = replace(line, counts={}, total=line.total and 0)
        counted = _steps(line, old, cpus, ns) if old and _same_line(line, old) else None
        if counted is None:
            unknown.append(line)
        elif counted.counts or counted.total:
            lines.append(counted)
    return lines, unknown


def _counts_from_zero(line: Line, previous: Snapshot) -> bool:
    """Whether a row that ``previous`` has not has all its counts from since then. Rows of the
    architecture come with their first count, or with the driver. A line comes with its action, and
    its counts outlive that: a network device that goes down and up again has them all (since 6.x,
    kernel/irq/proc.c leaves out a line without an action; before, only one without a count too)."""
    return line.irq is None and not is_incomplete(previous)


def _steps(line: Line, old: Line, cpus: frozenset[int], ns: int) -> Line | None:
    """What a row counted; None where that is not known."""
    if line.total is not None and old.total is not None:
        total = counters.steps_32bit(line.total, old.total, ns)
        return None if total is None else replace(line, total=total)
    if line.total is not None or old.total is not None:
        return None
    counts = counters.cpu_counts(line.counts, old.counts, cpus, ns)
    return None if counts is None else replace(line, counts=counts)


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
