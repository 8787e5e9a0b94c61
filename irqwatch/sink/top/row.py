"""A row of the table: a source, or a part of one that stands under it."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass

from irqwatch.base.measures import total
from irqwatch.base.names import with_behind
from irqwatch.model.snapshot import Worst
from irqwatch.model.view import Caused, CpuPart, InterruptSource, Source, View

INDENT = "  "
NO_INTERRUPT = "no interrupt: tasks, loopback"


@dataclass(slots=True)  # not frozen, which takes four times as long: a large host has thousands
class Row:
    """``identity`` tells it from other rows, in this frame and the next. ``source`` is None of a
    part, and of what only a screen shows, which has ``own_words``; the figures are as in a
    Source."""

    kind: str
    name: str
    title: str  # the same as it is shown: with what stands beside it
    identity: Hashable
    count: int
    seconds: float | None
    rate: float
    cpus: Mapping[int, CpuPart]
    source: Source | None = None
    own_words: tuple[str | None, ...] = ()
    irq: int | None = None
    device: str | None = None
    share: float | None = None
    whole_share: float | None = None
    p50_s: float | None = None
    p99_s: float | None = None
    max_s: float | None = None
    latency_p50_s: float | None = None
    latency_p99_s: float | None = None
    latency_max_s: float | None = None
    worst: Worst | None = None
    worst_latency: Worst | None = None

    def words(self) -> Iterator[str]:
        """What a filter looks in."""
        yield from filter(None, self.source.words() if self.source else self.own_words)
        if self.device:
            yield self.device
        if self.irq is not None:
            yield f"irq{self.irq}"


def of_source(source: Source, view: View) -> Row:
    return Row(
        kind=source.kind,
        name=source.name,
        title=_named(source.name, source.beside),
        identity=(source.kind, source.irq, source.name, source.beside),
        count=source.count,
        seconds=source.seconds,
        rate=source.rate,
        cpus=source.cpus,
        source=source,
        irq=source.irq,
        device=source.device and with_behind(source.device, view.behind),
        share=source.share,
        whole_share=source.whole_share if isinstance(source, InterruptSource) else None,
        p50_s=source.p50_s,
        p99_s=source.p99_s,
        max_s=source.max_s,
        latency_p50_s=source.latency_p50_s,
        latency_p99_s=source.latency_p99_s,
        latency_max_s=source.latency_max_s,
        worst=source.worst,
        worst_latency=source.worst_latency,
    )


def under(source: Source) -> Iterator[Row]:
    """Its parts, of which only count and rate are known."""
    for part in source.parts():
        yield Row(
            kind=source.kind,
            name=INDENT + part.name,
            title=INDENT + part.name,
            identity=(source.kind, source.irq, source.name, part.name, "part"),
            count=part.count,
            seconds=None,
            rate=part.rate,
            cpus={},
        )


def caused_by(row: Row, caused: tuple[Caused, ...], view: View) -> Iterator[Row]:
    """What followed from the interrupt that ``row`` is."""
    for part in caused:
        yield Row(
            kind=part.kind,
            name=INDENT + part.name,
            title=_named(INDENT + part.name, part.workqueue)
            + (f" by {part.via}" if part.via else ""),
            identity=(part.kind, row.irq, part.name, part.workqueue, part.via, row.identity),
            count=part.count,
            seconds=part.seconds,
            rate=_per_second(part.count, view),
            cpus=part.cpus,
            own_words=(part.kind, part.name, part.workqueue),
            irq=row.irq,
            share=_share(part.seconds, view),
        )


def no_interrupt(view: View) -> Row:
    """What followed from none, as one row."""
    seconds = total(part.seconds for part in view.uncaused)
    count = sum(part.count for part in view.uncaused)
    return Row(
        kind="-",
        name=NO_INTERRUPT,
        title=NO_INTERRUPT,
        identity=("-", NO_INTERRUPT),
        count=count,
        seconds=seconds,
        rate=_per_second(count, view),
        cpus={},
        own_words=("-", NO_INTERRUPT),
        whole_share=_share(seconds, view),
    )


def _named(name: str, beside: str | None) -> str:
    """A work item with its queue: "vmstat_update (mm_percpu_wq)"; a vector with what it is."""
    return f"{name} ({beside})" if beside else name


def _per_second(amount: float, view: View) -> float:
    return amount / view.interval_s if view.interval_s else 0.0


def _share(seconds: float | None, view: View) -> float | None:
    return None if seconds is None else _per_second(seconds, view)
