"""Where the ring buffer does not name workqueues: workqueue_queue_work of Linux 5.10 has
an address only. There work is told by its function alone, on both sides."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from irqwatch.model.snapshot import Worst
from tests.events import ARGUMENTS, Event
from tests.oracle.compare import Reading
from tests.oracle.reference import Distribution, Series

QUEUED = "workqueue_queue_work"
NAME = ARGUMENTS[QUEUED].index("wqname")


def are_named(events: Iterable[Event]) -> bool:
    return not any(
        event.name == QUEUED and str(event.args[NAME]).lstrip("-").isdigit() for event in events
    )


def events_without(events: Iterable[Event]) -> list[Event]:
    """The same, of queues without a name."""
    return [
        replace(event, args=(*event.args[:NAME], "", *event.args[NAME + 1 :]))
        if event.name == QUEUED
        else event
        for event in events
    ]


def reading_without(reading: Reading) -> Reading:
    """What all queues have of a function, together."""
    counted: defaultdict[Series, list[Distribution]] = defaultdict(list)
    for series, found in reading.counted.items():
        counted[series_without(series)].append(found)
    worsts: dict[Series, Worst] = {}
    for series, worst in reading.worsts.items():
        key = series_without(series)
        worsts[key] = max(worsts.get(key, worst), worst, key=lambda one: one.ns)
    return reading._replace(
        counted={series: _sum(parts) for series, parts in counted.items()}, worsts=worsts
    )


def series_without(series: Series) -> Series:
    """("work", function, queue, …), or ("cause", irq, cause, "work", via, function, queue, …)."""
    at = 2 if series[0] == "work" else 6 if series[0] == "cause" and series[3] == "work" else None
    return series if at is None else (*series[:at], "", *series[at + 1 :])


def _sum(parts: Iterable[Distribution]) -> Distribution:
    events = sum_ns = 0
    buckets: defaultdict[int, int] = defaultdict(int)
    for part in parts:
        events += part.events
        sum_ns += part.sum_ns
        _add(buckets, part.buckets)
    return Distribution(events, sum_ns, dict(buckets))


def _add(to: defaultdict[int, int], buckets: Mapping[int, int]) -> None:
    for bucket, count in buckets.items():
        to[bucket] += count
