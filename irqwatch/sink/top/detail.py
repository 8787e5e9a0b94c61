"""One source in at most three lines: what it did, and the stories of its worst events."""

from datetime import tzinfo

from irqwatch.model.snapshot import Worst
from irqwatch.model.view import Source, View
from irqwatch.sink.top.cells import Line, Span, percent, seconds
from irqwatch.sink.top.header import clock
from irqwatch.sink.top.table import name


def lines(source: Source, view: View, zone: tzinfo | None) -> list[Line]:
    number = "" if source.irq is None else f" {source.irq}"
    device = f" of {source.device}" if source.device else ""
    first = (Span(f"{source.kind}{number} {name(source)}{device}", "title"), Span(_did(source)))
    worst = "worst: " + story(source.worst, view, zone) if source.worst else "worst: not known"
    stories: list[Line] = [(Span(worst, "dim"),)]
    if source.worst_latency:
        wait = "longest wait: " + story(source.worst_latency, view, zone)
        stories.append((Span(wait, "dim"),))
    return [first, *stories]


def _did(source: Source) -> str:
    parts = [f": {source.count:,} times"]
    if source.seconds is not None:
        parts.append(f"{seconds(source.seconds)} in all")
    if source.not_mine_count:
        parts.append(f"{percent(source.not_mine_count / source.count)} not mine")
    if source.ksoftirqd_count:
        parts.append(f"{percent(source.ksoftirqd_count / source.count)} in ksoftirqd")
    if source.stall_count:
        stalled = f"{source.stall_count:,} held back at max_active"
        parts.append(f"{stalled} for {seconds(source.stall_seconds)}")
    return ", ".join(parts)


def story(worst: Worst, view: View, zone: tzinfo | None) -> str:
    """When, where, and over whom: "230µs at 14:03:21.123 on CPU 1 over nginx[812]"."""
    at = clock(view.wall_ns - (view.monotonic_ns - worst.at_ns), zone, milliseconds=True)
    task = f"{worst.comm}[{worst.pid}]" if worst.pid else "the idle task"
    return f"{seconds(worst.ns / 1e9)} at {at} on CPU {worst.cpu} over {task}"
