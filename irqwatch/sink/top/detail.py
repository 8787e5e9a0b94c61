"""One row in at most three lines: what it did, and the stories of its worst events."""

from collections.abc import Iterator
from datetime import tzinfo

from irqwatch.cells import Span, TextLine, seconds
from irqwatch.model.snapshot import Worst
from irqwatch.model.view import View
from irqwatch.sink.top.header import clock
from irqwatch.sink.top.row import Row


def lines(row: Row, view: View, zone: tzinfo | None) -> list[TextLine]:
    number = "" if row.irq is None else f" {row.irq}"
    device = f" of {row.device}" if row.device else ""
    title = Span(f"{row.kind}{number} {row.title}{device}", "title")
    aside = row.source.aside() if row.source else None
    if aside is None:
        aside = "worst: " + (story(row.worst, view, zone) if row.worst else "not known")
    made: list[TextLine] = [(title, Span(": " + ", ".join(_did(row)))), (Span(aside, "dim"),)]
    if row.worst_latency:
        wait = "longest wait: " + story(row.worst_latency, view, zone)
        made.append((Span(wait, "dim"),))
    return made


def _did(row: Row) -> Iterator[str]:
    yield f"{row.count:,} times"
    if row.seconds is not None:
        yield f"{seconds(row.seconds)} in all"
    if row.source:
        yield from row.source.phrases()


def story(worst: Worst, view: View, zone: tzinfo | None) -> str:
    """When, where, and over whom: "230µs at 14:03:21.123 on CPU 1 over nginx[812]"."""
    at = clock(view.wall_ns - (view.monotonic_ns - worst.at_ns), zone, milliseconds=True)
    task = f"{worst.comm}[{worst.pid}]" if worst.pid else "the idle task"
    return f"{seconds(worst.ns / 1e9)} at {at} on CPU {worst.cpu} over {task}"
