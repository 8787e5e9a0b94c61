"""The table of sources."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from irqwatch.cells import (
    UNKNOWN,
    Line,
    Span,
    count,
    left,
    percent,
    right,
    seconds,
    where,
    width_of,
)
from irqwatch.model.view import Source, Taken
from irqwatch.sink.top.state import VIEWS, State

NARROWEST_NAME = 12
NARROWEST_CPUS = 7
TAKERS_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Column:
    """``from_width``: how wide the screen must be for it. ``width`` 0: as wide as there is room.
    ``views``: those in which it can say something."""

    title: str
    width: int
    text: Callable[[Source], str]
    sort: str = ""
    from_width: int = 0
    at_left: bool = False
    views: tuple[str, ...] = VIEWS


def _cpus(source: Source) -> str:
    return where({cpu: part.count for cpu, part in source.cpus.items()})


def _packet_rate(source: Source) -> float:
    return source.rate * (source.packet_count or 0) / source.count


def _exhausted_share(source: Source) -> float:
    """Of the polls those that used up their budget."""
    return (source.exhausted_count or 0) / source.count


def name(source: Source) -> str:
    """A work item with its queue: "vmstat_update (mm_percpu_wq)"; a vector with what it is;
    a signal with what sent it, a process with its cgroup."""
    beside = source.workqueue or source.description or source.origin
    if source.pid is not None:
        beside = source.cgroup
    by = f" by {source.via}" if source.via else ""
    return (f"{source.name} ({beside})" if beside else source.name) + by


def taken_by(source: Source) -> str:
    """What took most of a blame's time: "NET_RX of eth0 63%, local_timer 20%"."""
    whole = source.seconds or 1.0
    shown = source.taken_by[:TAKERS_SHOWN]
    return ", ".join(f"{_taker(taken)} {percent(taken.seconds / whole)}" for taken in shown)


def _taker(taken: Taken) -> str:
    if taken.kind == "softirq" and (taken.device or taken.cause):
        return f"{taken.name or taken.kind} of {taken.device or taken.cause}"
    return taken.device or taken.name or taken.kind


OF_LINES = ("all", "hardirq", "cause", "thread")
OF_WAITS = ("all", "softirq", "work", "timer", "signal", "thread")

OF_TIMES = tuple(view for view in VIEWS if view not in ("timer", "napi"))
OF_RUNS = tuple(view for view in OF_TIMES if view != "blame")

NAME = Column("SOURCE", 0, name, "name", at_left=True)
CPUS = Column("CPUS", 0, _cpus, from_width=72, at_left=True)

COLUMNS = (
    Column("KIND", 9, lambda of: of.kind, from_width=64, at_left=True, views=OF_LINES),
    Column("IRQ", 4, lambda of: UNKNOWN if of.irq is None else str(of.irq), views=OF_LINES),
    NAME,
    Column(
        "DEVICE", 12, lambda of: of.device or UNKNOWN, from_width=120, at_left=True, views=OF_LINES
    ),
    Column("RATE/S", 6, lambda of: count(of.rate), "rate"),
    Column("CPU", 6, lambda of: percent(of.share), "cpu", views=OF_TIMES),
    Column("TAKEN BY", 40, taken_by, from_width=72, at_left=True, views=("blame",)),
    Column("WHOLE", 6, lambda of: percent(of.whole_share), views=("cause",)),
    Column("P50", 5, lambda of: seconds(of.p50_s), "p50", from_width=56, views=OF_RUNS),
    Column("P99", 5, lambda of: seconds(of.p99_s), "p99", views=OF_RUNS),
    Column("WORST", 5, lambda of: seconds(of.max_s), "worst", from_width=48, views=OF_RUNS),
    Column("LAT50", 5, lambda of: seconds(of.latency_p50_s), from_width=120, views=OF_WAITS),
    Column(
        "LAT99", 5, lambda of: seconds(of.latency_p99_s), "latency", from_width=56, views=OF_WAITS
    ),
    Column("LATMAX", 6, lambda of: seconds(of.latency_max_s), from_width=120, views=OF_WAITS),
    Column("PKTS/S", 6, lambda of: count(_packet_rate(of)), views=("napi",)),
    Column("FULL", 6, lambda of: percent(_exhausted_share(of)), from_width=48, views=("napi",)),
    CPUS,
)


def widths(sources: Sequence[Source], view: str, width: int | None) -> dict[Column, int]:
    """The columns there is room for, and how wide each is. ``width`` None: all, each as wide as
    its longest text."""
    shown = [
        column
        for column in COLUMNS
        if view in column.views and (width is None or width >= column.from_width)
    ]
    natural = {column: _natural(column, sources, width) for column in shown}
    if width is None:
        return natural
    fixed = 1 + sum(1 + natural[column] for column in shown if column.width)
    room = width - fixed - 1 - (CPUS in natural)  # a space before each of the two that give way
    if CPUS in natural:
        most = max(NARROWEST_CPUS, room // 3, room - natural[NAME])
        natural[CPUS] = min(max(natural[CPUS], NARROWEST_CPUS), most)
        room -= natural[CPUS]
    return {**natural, NAME: min(natural[NAME], max(room, NARROWEST_NAME))}


def _natural(column: Column, sources: Sequence[Source], width: int | None) -> int:
    """As wide as its longest text; those of a fixed width give way to nothing on a screen."""
    if column.width and width is not None:
        return column.width
    longest = max((width_of(column.text(source)) for source in sources), default=0)
    return max(column.width, width_of(column.title), longest)


def title(columns: dict[Column, int], sort: str) -> Line:
    spans = [Span(" ")]
    for column, width in columns.items():
        place = left if column.at_left else right
        style = "sorted" if column.sort == sort else "heading"
        spans += [Span(" "), Span(place(column.title, width), style)]
    return tuple(spans)


def row(source: Source, columns: dict[Column, int], selected: bool) -> Line:
    """One source; the selected one is marked at its left too, for screens without attributes."""
    cells = []
    for column, width in columns.items():
        place = left if column.at_left else right
        cells.append(place(column.text(source), width))
    if selected:
        return (Span("> " + " ".join(cells), "selected"),)
    kind_and_rest = " ".join(cells)
    styled = len(source.kind) if kind_and_rest.startswith(source.kind) else 0
    return (Span("  "), Span(kind_and_rest[:styled], source.kind), Span(kind_and_rest[styled:]))


def lines(
    sources: Sequence[Source],
    state: State,
    width: int | None,
    shown: range,
    cursor: int | None = None,
) -> list[Line]:
    """A title and the rows whose indices are in ``shown``; the one of ``cursor`` is marked. Where
    ``width`` is less than the columns need they are longer."""
    columns = widths(sources, state.view, width)
    made = [title(columns, state.sort)]
    for index, source in enumerate(sources[shown.start : shown.stop], shown.start):
        made.append(row(source, columns, index == cursor))
    return made
