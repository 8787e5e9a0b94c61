"""The probe against the kernel's own counts: what was seen, and what was lost and why."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from irqwatch.base.counters import positive
from irqwatch.base.interval import Interval
from irqwatch.collectors import running
from irqwatch.model.snapshot import Probe, Snapshot


def coverage_by(interval: Interval) -> dict[str, float]:
    """Collector → seen / counted by the kernel, over the interval. Absent where the collector is
    off or the kernel counted nothing. A little over 1 where an event fell between the two reads."""
    ratios = {}
    for collector in running(interval.probe.collectors) if interval.probe else ():
        if collector.coverage:
            counted, seen = collector.coverage(interval)
            if counted:
                ratios[collector.name] = seen / counted
    return ratios


def of_coverage(snapshot: Snapshot) -> Snapshot:
    """Without the parts of which ``coverage_by`` asks nothing, for an interval of nothing else."""
    probe = snapshot.probe
    if probe is None:
        return snapshot
    asked = {part.name for one in running(probe.collectors) if one.coverage for part in one.parts}
    parts = {name: parts for name, parts in probe.parts.items() if name in asked}
    return replace(snapshot, probe=replace(probe, parts=parts))


def losses(current: Probe, previous: Probe) -> dict[str, int]:
    """ "collector.reason" → events lost in the interval; only what is not zero."""
    return positive(dict(_ledger(current)), dict(_ledger(previous)))


def _ledger(probe: Probe) -> Iterable[tuple[str, int]]:
    for collector, reasons in probe.losses.items():
        yield from ((f"{collector}.{reason}", count) for reason, count in reasons.items())
    for program in probe.programs:
        if program.recursion_misses is not None:
            yield f"{program.name}.recursion_miss", program.recursion_misses


def lowest(ratios: Mapping[str, float]) -> float | None:
    return min(ratios.values(), default=None)
