"""The probe against the kernel's own counts: what was seen, and what was lost and why."""

from collections.abc import Iterable, Mapping

from irqwatch.base.counters import positive
from irqwatch.derive.interval import Interval
from irqwatch.model.snapshot import Probe


def coverage_by(interval: Interval) -> dict[str, float]:
    """Collector → seen / counted by the kernel, over the interval. Absent where the collector is
    off or the kernel counted nothing. A little over 1 where an event fell between the two reads."""
    probe = interval.probe
    if probe is None:
        return {}
    counted_and_seen = {
        "hardirq": _hardirqs(interval, probe),
        "softirq": _softirqs(interval, probe),
    }
    return {
        collector: seen / counted
        for collector, (counted, seen) in counted_and_seen.items()
        if collector in probe.collectors and counted
    }


def _hardirqs(interval: Interval, probe: Probe) -> tuple[int, int]:
    """Without the lines of which the probe has never seen an interrupt: handle_nested_irq() in
    kernel/irq/chip.c, which serves the lines behind PMICs and I2C expanders, counts and fires no
    tracepoint. So a line is left out too while all its interrupts so far were lost, except to a
    full map."""
    actions: dict[int, dict[str, int]] = {}
    for part in probe.hardirqs:
        by_action = actions.setdefault(part.irq, {})
        count = part.handled.count + part.not_mine_count if part.cpu in interval.cpus else 0
        by_action[part.action] = by_action.get(part.action, 0) + count
    counted = seen = 0
    unseen_are_missed = _unseen_are_missed(probe)
    for line in interval.lines:
        if line.irq is not None and (line.irq in actions or unseen_are_missed):
            counts = actions.get(line.irq, {"": 0}).values()
            counted += sum(line.counts.values())
            # Each action of a shared line is called for each of its interrupts.
            seen += max(counts) if len(line.actions) > 1 else sum(counts)
    return counted, seen


def _unseen_are_missed(probe: Probe) -> bool:
    """Whether a line the probe has nothing of may be one it should have: its map was full, or it is
    blind, since a nested interrupt comes by that of its parent, which is seen."""
    return not probe.hardirqs or "map_full" in probe.losses.get("hardirq", {})


def _softirqs(interval: Interval, probe: Probe) -> tuple[int, int]:
    counted = sum(sum(counts.values()) for counts in interval.softirqs.values())
    seen = sum(
        part.run.count
        for part in probe.softirqs
        if part.cpu in interval.cpus and part.vector in interval.softirqs
    )
    return counted, seen


def losses(current: Probe, previous: Probe) -> dict[str, int]:
    """ "collector.reason" → events lost in the interval; only what is not zero."""
    return positive(dict(_ledger(current)), dict(_ledger(previous)))


def _ledger(probe: Probe) -> Iterable[tuple[str, int]]:
    for collector, reasons in probe.losses.items():
        yield from ((f"{collector}.{reason}", count) for reason, count in reasons.items())
    yield from ((f"{p.name}.recursion_miss", p.recursion_misses) for p in probe.programs)


def lowest(ratios: Mapping[str, float]) -> float | None:
    return min(ratios.values(), default=None)
