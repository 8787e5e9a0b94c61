"""The View of what happened between two snapshots."""

from collections.abc import Iterator
from dataclasses import replace

from irqwatch.base.interval import Interval
from irqwatch.base.measures import NS
from irqwatch.collectors import without_blind
from irqwatch.derive.causes import NO_INTERRUPT, causes
from irqwatch.derive.coverage import coverage_by, losses, lowest
from irqwatch.derive.cpus import cpus
from irqwatch.derive.interval import between, probe_restarted
from irqwatch.derive.sources import sources
from irqwatch.model.snapshot import Snapshot, Unavailable
from irqwatch.model.view import View

_TOLD = 8  # rows by name


def derive(current: Snapshot, previous: Snapshot) -> View:
    """What happened from ``previous`` to ``current``.

    What cannot be known is None or absent, never a guess: see ``irqwatch.base.counters`` for
    counters that wrapped or went backwards. Two snapshots that are not of one boot, or not in
    order, have nothing to compare: the view is of an empty interval, and says why.
    """
    current = without_blind(current)
    unavailable = list(current.unavailable)
    if reason := _why_not_comparable(current, previous):
        unavailable.append(Unavailable("interval", reason))
        # Counters at the end of the interval for those at its start: nothing was counted.
        previous = replace(current, cpu_times={})
    if probe_restarted(current, previous):
        unavailable.append(Unavailable("interval", "the probe was attached anew within it"))
    interval = between(current, previous)
    unavailable += _unknown(interval)
    coverage = coverage_by(interval)
    caused = causes(interval.probe)
    lost = {}
    if interval.probe and current.probe and previous.probe:
        lost = losses(current.probe, previous.probe)
    return View(
        interval_s=interval.ns / NS,
        monotonic_ns=current.monotonic_ns,
        wall_ns=current.wall_ns,
        host=current.host,
        sources=sources(interval, caused),
        cpus=cpus(current, previous, interval),
        collectors=current.probe.collectors if current.probe else frozenset(),
        coverage=lowest(coverage),
        coverage_by=coverage,
        losses=lost,
        unavailable=tuple(unavailable),
        unknown_lines=interval.unknown_lines,
        uncaused=caused.of(*NO_INTERRUPT),
    )


def _unknown(interval: Interval) -> Iterator[Unavailable]:
    """Of which rows of the kernel's counts it is not known what they counted: without this word
    they would look as if they had counted nothing."""
    unknown = [*map(str, sorted(interval.unknown_lines)), *sorted(interval.unknown_rows)]
    if unknown:
        told = ", ".join(unknown[:_TOLD])
        more = f" and {len(unknown) - _TOLD} more" if len(unknown) > _TOLD else ""
        yield Unavailable("counts", f"not known of this interval: {told}{more}")


def _why_not_comparable(current: Snapshot, previous: Snapshot) -> str:
    if current.host.boot_id != previous.host.boot_id:
        return "the host was restarted within it"
    if current.monotonic_ns < previous.monotonic_ns:
        return "its end is before its start"
    return ""
