"""The things that interrupt and that interrupts cause, each from what an interval counted of it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from irqwatch.base.collector import Collector
from irqwatch.base.interval import Interval
from irqwatch.base.measures import share, total
from irqwatch.collectors import ALL
from irqwatch.derive.causes import NO_INTERRUPT, Causes
from irqwatch.model.view import InterruptSource, Source


def sources(interval: Interval, causes: Causes) -> tuple[Source, ...]:
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
