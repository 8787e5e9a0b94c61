"""One frame of ``irqwatch top``: a View and the screen's state in, styled lines out. Pure."""

from dataclasses import replace

from irqwatch.cells import Span, TextLine, fit, left, text_of
from irqwatch.collectors import COLLECTORS
from irqwatch.model.view import View
from irqwatch.sink.top import cpus, detail, header, help, table
from irqwatch.sink.top.state import State, position, rows

SMALLEST = (40, 10)  # columns and lines


def lines(view: View | None, state: State, width: int, height: int) -> list[TextLine]:
    """At most ``height`` lines of at most ``width`` cells. ``view`` is None before the first."""
    if state.help:
        made = help.lines()[:height]
    elif view is None:
        made = [(Span("irqwatch", "title"), Span("  measuring the first interval; q quits"))]
    elif width < SMALLEST[0] or height < SMALLEST[1]:
        made = [(Span(f"too small: {width}x{height}, needs {SMALLEST[0]}x{SMALLEST[1]}"),)]
    else:
        made = _screen(view, state, width, height)
    return [fit(line, width) for line in made]


def page(view: View | None, state: State, width: int, height: int) -> int:
    """How many rows the table has room for."""
    if view is None:
        return 1
    return _room(_above(view, state, width, height), height)


def _room(above: list[TextLine], height: int) -> int:
    return max(1, height - len(above) - _below(height) - 1)


def _below(height: int) -> int:
    """The footer, and on all but the smallest screens three lines on the selected row."""
    return 1 if height < 20 else 4


def _above(view: View, state: State, width: int, height: int) -> list[TextLine]:
    above = header.lines(view, state.zone, state.paused)[: max(2, height // 4)]
    if state.view != "cpus" and view.cpus:
        above += cpus.block(view, width, max(2, height // 3))
    return [*above, ()]


def _screen(view: View, state: State, width: int, height: int) -> list[TextLine]:
    above = _above(view, state, width, height)
    room = _room(above, height)
    if state.view == "cpus":
        made = cpus.table(view.cpus, width)
        top = _top(min(state.cursor, len(view.cpus) - 1), len(view.cpus), room)
        body, number, below = [made[0], *made[1 + top : 1 + top + room]], len(view.cpus), []
    else:
        chosen = rows(view, state)
        cursor = position(chosen, state)
        top = _top(cursor, len(chosen), room)
        body = table.lines(chosen, state, width, range(top, top + room), cursor)
        if not chosen:
            body.append(_nothing(view, state, ": esc clears the filter"))
        number = len(chosen)
        below = detail.lines(chosen[cursor], view, state.zone) if chosen else []
    body += [()] * (room + 1 - len(body))
    below = below if _below(height) > 1 else []
    below += [()] * (_below(height) - 1 - len(below))
    return [*above, *body, *below, _footer(state, width, top, room, number)]


def _top(cursor: int, number: int, room: int) -> int:
    """The first row shown, so that the cursor is in the middle where it can be."""
    return max(0, min(cursor - room // 2, number - room))


def _nothing(view: View, state: State, way_out: str) -> TextLine:
    """Why there are no rows; ``way_out`` of a filter follows where there is one."""
    return (Span(f"  {_why_empty(view, state, way_out)}", "dim"),)


# Without these parts rows may be missing that would otherwise be there.
_ROWS_NEED = frozenset({"interrupts", "softirqs", "counts", "interval"})


def _why_empty(view: View, state: State, way_out: str) -> str:
    if state.filter and rows(view, replace(state, filter="")):
        return f'nothing matches "{state.filter}"{way_out}'
    unseen = [lack.reason for lack in view.unavailable if lack.part in _ROWS_NEED]
    if state.view in COLLECTORS and state.view not in view.collectors:
        # One that could not be had is in the header, with the reason.
        refused = not view.collectors or state.view in {lack.part for lack in view.unavailable}
        flag = "" if refused else f": --collector.{state.view}"
        seen = " of what can be seen" if unseen else ""
        return f"no {state.view} was counted{seen}; its collector is off{flag}"
    if unseen:
        return f"nothing was counted of what can be seen: {'; '.join(unseen)}"
    return "nothing was counted in this interval"


def _footer(state: State, width: int, top: int, room: int, number: int) -> TextLine:
    if state.typing:
        return (Span(f"/{state.filter}_", "title"), Span("  enter keeps, esc clears", "dim"))
    recorded = [str(state.playback), ", . step", "[ ] jump", "- + speed"] if state.playback else []
    parts = [
        *recorded,
        "q quit",
        "? help",
        f"s sort: {state.sort}",
        f"v view: {state.view}",
        f"/ filter: {state.filter}" if state.filter else "/ filter",
        "p go on" if state.paused else "p pause",
    ]
    keys = "   ".join(parts)
    seen = f"{top + 1}-{min(top + room, number)} of {number}" if number > room else ""
    return (Span(left(keys, max(0, width - len(seen) - 1)) + " " + seen, "footer"),)


def plain(view: View, state: State, width: int | None) -> str:
    """A frame as text for pipes and logs: no attributes and all rows. Lines are cut at ``width``;
    None is never. It ends in an empty line."""
    made = header.lines(view, state.zone)
    if state.view in ("all", "cpus"):
        made += [(), *cpus.table(view.cpus, width)]
    if state.view != "cpus":
        chosen = rows(view, state)
        made += [(), *table.lines(chosen, state, width, range(len(chosen)))]
        if not chosen:
            made.append(_nothing(view, state, ""))
    fitted = made if width is None else [fit(line, width) for line in made]
    return "".join(f"{text_of(line)}\n" for line in [*fitted, ()])
