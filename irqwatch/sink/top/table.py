"""The table of rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from irqwatch.base.collector import LINE, RUN, TIME, WAIT, Collector, Column
from irqwatch.cells import (
    UNKNOWN,
    Span,
    TextLine,
    count,
    left,
    percent,
    right,
    seconds,
    where,
    width_of,
)
from irqwatch.collectors import ALL, BY_NAME
from irqwatch.sink.top.row import Row
from irqwatch.sink.top.state import VIEWS, State

NARROWEST_NAME = 12
NARROWEST_CPUS = 7


@dataclass(frozen=True, slots=True)
class TableColumn:
    """``from_width``: how wide the screen must be for it. ``width`` 0: as wide as there is room.
    ``views``: those in which it can say something."""

    title: str
    width: int
    text: Callable[[Row], str]
    sort: str = ""
    from_width: int = 0
    at_left: bool = False
    views: tuple[str, ...] = VIEWS


def _cpus(row: Row) -> str:
    return where({cpu: part.count for cpu, part in row.cpus.items()})


def _saying(what: str) -> tuple[str, ...]:
    """The views whose rows can say it; all kinds together can say everything, CPUs are no rows."""
    return tuple(view for view in VIEWS if view in ("all", "cpus") or what in _says(view))


def _says(view: str) -> frozenset[str]:
    shown = BY_NAME[view].shown
    return shown.says if shown else frozenset()


def _own(collector: Collector, column: Column) -> TableColumn:
    """One that only a collector's own view has; its parts have nothing to say there."""
    return TableColumn(
        column.title,
        column.width,
        lambda row: column.text(row.source) if row.source else UNKNOWN,
        from_width=column.from_width,
        at_left=column.at_left,
        views=(collector.name,),
    )


NAME = TableColumn("SOURCE", 0, lambda row: row.title, "name", at_left=True)
CPUS = TableColumn("CPUS", 0, _cpus, from_width=72, at_left=True)

COLUMNS = (
    TableColumn("KIND", 9, lambda row: row.kind, from_width=64, at_left=True, views=_saying(LINE)),
    TableColumn(
        "IRQ", 4, lambda row: UNKNOWN if row.irq is None else str(row.irq), views=_saying(LINE)
    ),
    NAME,
    TableColumn(
        "DEVICE",
        12,
        lambda row: row.device or UNKNOWN,
        from_width=120,
        at_left=True,
        views=_saying(LINE),
    ),
    TableColumn("RATE/S", 6, lambda row: count(row.rate), "rate"),
    TableColumn("CPU", 6, lambda row: percent(row.share), "cpu", views=_saying(TIME)),
    *(
        _own(collector, column)
        for collector in ALL
        if collector.shown
        for column in collector.shown.columns
    ),
    TableColumn("WHOLE", 6, lambda row: percent(row.whole_share), views=("cause",)),
    TableColumn("P50", 5, lambda row: seconds(row.p50_s), "p50", from_width=56, views=_saying(RUN)),
    TableColumn("P99", 5, lambda row: seconds(row.p99_s), "p99", views=_saying(RUN)),
    TableColumn(
        "WORST", 5, lambda row: seconds(row.max_s), "worst", from_width=48, views=_saying(RUN)
    ),
    TableColumn(
        "LAT50", 5, lambda row: seconds(row.latency_p50_s), from_width=120, views=_saying(WAIT)
    ),
    TableColumn(
        "LAT99",
        5,
        lambda row: seconds(row.latency_p99_s),
        "latency",
        from_width=56,
        views=_saying(WAIT),
    ),
    TableColumn(
        "LATMAX", 6, lambda row: seconds(row.latency_max_s), from_width=120, views=_saying(WAIT)
    ),
    CPUS,
)


def widths(rows: Sequence[Row], view: str, width: int | None) -> dict[TableColumn, int]:
    """The columns there is room for, and how wide each is. ``width`` None: all, each as wide as
    its longest text."""
    shown = [
        column
        for column in COLUMNS
        if view in column.views and (width is None or width >= column.from_width)
    ]
    natural = {column: _natural(column, rows, width) for column in shown}
    if width is None:
        return natural
    fixed = 1 + sum(1 + natural[column] for column in shown if column.width)
    room = width - fixed - 1 - (CPUS in natural)  # a space before each of the two that give way
    if CPUS in natural:
        most = max(NARROWEST_CPUS, room // 3, room - natural[NAME])
        natural[CPUS] = min(max(natural[CPUS], NARROWEST_CPUS), most)
        room -= natural[CPUS]
    return {**natural, NAME: min(natural[NAME], max(room, NARROWEST_NAME))}


def _natural(column: TableColumn, rows: Sequence[Row], width: int | None) -> int:
    """As wide as its longest text; those of a fixed width give way to nothing on a screen."""
    if column.width and width is not None:
        return column.width
    longest = max((width_of(column.text(row)) for row in rows), default=0)
    return max(column.width, width_of(column.title), longest)


def title(columns: dict[TableColumn, int], sort: str) -> TextLine:
    spans = [Span(" ")]
    for column, width in columns.items():
        place = left if column.at_left else right
        style = "sorted" if column.sort == sort else "heading"
        spans += [Span(" "), Span(place(column.title, width), style)]
    return tuple(spans)


def line(row: Row, columns: dict[TableColumn, int], selected: bool) -> TextLine:
    """One row; the selected one is marked at its left too, for screens without attributes."""
    cells = []
    for column, width in columns.items():
        place = left if column.at_left else right
        cells.append(place(column.text(row), width))
    if selected:
        return (Span("> " + " ".join(cells), "selected"),)
    kind_and_rest = " ".join(cells)
    styled = len(row.kind) if kind_and_rest.startswith(row.kind) else 0
    return (Span("  "), Span(kind_and_rest[:styled], row.kind), Span(kind_and_rest[styled:]))


def lines(
    rows: Sequence[Row],
    state: State,
    width: int | None,
    shown: range,
    cursor: int | None = None,
) -> list[TextLine]:
    """A title and the rows whose indices are in ``shown``; the one of ``cursor`` is marked. Where
    ``width`` is less than the columns need they are longer."""
    columns = widths(rows, state.view, width)
    made = [title(columns, state.sort)]
    for index, row in enumerate(rows[shown.start : shown.stop], shown.start):
        made.append(line(row, columns, index == cursor))
    return made
