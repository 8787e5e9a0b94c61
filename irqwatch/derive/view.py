"""The View of what happened between two snapshots."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from irqwatch.base.collector import Collector
from irqwatch.base.interval import Interval
from irqwatch.base.measures import NS, share, total
from irqwatch.base.names import behind_names
from irqwatch.collectors import ALL, without_blind
from irqwatch.derive.causes import NO_INTERRUPT, Causes, causes
from irqwatch.derive.coverage import coverage_by, losses, lowest
from irqwatch.derive.cpus import cpus
from irqwatch.derive.interval import between, probe_restarted
from irqwatch.model.snapshot import Snapshot, Unavailable
from irqwatch.model.view import InterruptSource, Source, View

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
        sources=_sources(interval, caused),
        cpus=cpus(current, previous, interval),
        collectors=current.probe.collectors if current.probe else frozenset(),
        coverage=lowest(coverage),
        coverage_by=coverage,
        losses=lost,
        unavailable=tuple(unavailable),
        unknown_lines=interval.unknown_lines,
        uncaused=caused.of(*NO_INTERRUPT),
        behind=behind_names(current.behind),
    )


def _unknown(interval: Interval) -> Iterator[Unavailable]:
    """Of which rows and CPUs of the kernel's counts it is not known what they counted: without this
    word they would look as if they had counted nothing."""
    unknown = [
        *map(str, sorted(interval.unknown_lines)),
        *sorted(interval.unknown_rows),
        *(f"CPU {cpu}" for cpu in sorted(interval.unknown_cpus)),
    ]
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


def _sources(interval: Interval, causes: Causes) -> tuple[Source, ...]:
    """Those that counted something, or caused it, collector by collector."""
    return tuple(source for source in _all(interval, causes) if source.happened)


def _all(interval: Interval, causes: Causes) -> Iterator[Source]:
    for collector in ALL:
        found = list(collector.sources(interval)) if collector.sources else []
        for source in (*found, *_quiet(collector, interval, causes, found)):
            if isinstance(source, InterruptSource):
                yield _with_caused(source, causes, interval.ns)
            else:
                yield source


def _quiet(
    collector: Collector, interval: Interval, causes: Causes, found: Iterable[Source]
) -> Iterator[Source]:
    """The interrupts that came before the interval and of which something ran in it: without them
    that would be told nowhere."""
    if collector.quiet:
        told = {(source.irq, source.name) for source in found if source.seconds is not None}
        missing = causes.by_interrupt.keys() - told - {NO_INTERRUPT}
        for irq, name in sorted(missing, key=str):
            if source := collector.quiet(interval, irq, name):
                yield source


def _with_caused(source: InterruptSource, causes: Causes, interval_ns: int) -> Source:
    if source.seconds is None:
        return source
    caused = causes.of(source.irq, source.name)
    whole_seconds = total((source.seconds, total(part.seconds for part in caused)))
    return replace(source, caused=caused, whole_share=share(whole_seconds, interval_ns))
