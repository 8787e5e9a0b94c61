"""What the person at the screen has chosen, and what each key does to it. Pure."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import tzinfo

from irqwatch.base.collector import Default
from irqwatch.collectors import ALL, BY_NAME
from irqwatch.model.view import Source, View
from irqwatch.sink.top.causes import tree
from irqwatch.sink.top.playback import SPEEDS, STEPS, Playback
from irqwatch.sink.top.row import Row, of_source, under


def _views() -> tuple[str, ...]:
    """Those with a key of their own in the order of keys, then those that are on by default."""
    own = {"all": "1", "cpus": "5"}
    shown = {one.name: one for one in ALL if one.shown and not one.shown.view}
    keys = own | {name: one.shown.digit for name, one in shown.items() if one.shown}
    with_key = sorted((name for name in keys if keys[name]), key=lambda name: keys[name])
    without = [name for name in keys if not keys[name]]
    without.sort(key=lambda name: shown[name].default is not Default.ON)
    return (*with_key, *without)


VIEWS = _views()

SortKey = Callable[[Row], float | None]

# Name → what is the most first. Unknown comes last.
SORTS: dict[str, SortKey] = {
    "cpu": lambda row: row.share,
    "rate": lambda row: row.rate,
    "p50": lambda row: row.p50_s,
    "p99": lambda row: row.p99_s,
    "worst": lambda row: row.max_s,
    "latency": lambda row: row.latency_p99_s,
    "name": lambda row: None,
}

SORT_KEYS = {
    "c": "cpu",
    "r": "rate",
    "m": "p50",
    "t": "p99",
    "w": "worst",
    "l": "latency",
    "n": "name",
}
VIEW_KEYS = dict(zip("123456789", VIEWS, strict=False))  # the rest by v and V
MOVE_KEYS = {"k": "up", "j": "down", "g": "home", "G": "end"}


@dataclass(frozen=True, slots=True)
class State:
    """``selected`` is the identity of the chosen row, and stays on it when rows move; None is the
    first row, whichever that is. ``cursor`` is where it was, for when it goes away. ``zone`` is the
    time zone of times shown; None is the host's. ``playback`` is None on a live host."""

    view: str = "all"
    sort: str = "cpu"
    filter: str = ""
    typing: bool = False  # the filter is being typed
    paused: bool = False
    help: bool = False
    quit: bool = False
    selected: Hashable = None
    cursor: int = 0
    zone: tzinfo | None = None
    playback: Playback | None = None


Action = Callable[[State], State]


def rows(view: View, state: State) -> tuple[Row, ...]:
    """Those of the state's view that match its filter, in its order; of the causes, in the
    order of the tree; elsewhere each with its parts, where it has any."""
    if state.view == "cause":
        return tree(view, lambda row: matches(row, state.filter))
    chosen = [of_source(one, view) for one in view.sources if _in_view(one, state.view)]
    if state.filter:
        chosen = [row for row in chosen if matches(row, state.filter)]
    key = SORTS[state.sort]
    chosen.sort(key=lambda row: _order(row, key))
    if state.view == "all":
        return tuple(chosen)
    return tuple(one for row in chosen for one in (row, *(under(row.source) if row.source else ())))


def _in_view(source: Source, view: str) -> bool:
    shown = BY_NAME[source.kind].shown
    if shown is None:
        return False
    return shown.in_all if view == "all" else view in (source.kind, shown.view)


def _order(row: Row, key: SortKey) -> tuple[float, float, str, int]:
    value = key(row)
    rate = 0.0 if key is SORTS["name"] else row.rate
    unknown_is_last = 1.0 if value is None else -value
    return (unknown_is_last, -rate, row.name, row.irq or 0)


def matches(row: Row, text: str) -> bool:
    """Whether ``text`` is in what names the row, in any case; "irq34" is its number."""
    wanted = text.casefold()
    return any(wanted in word.casefold() for word in row.words())


def position(chosen: tuple[Row, ...], state: State) -> int:
    """The row of the cursor."""
    for index, row in enumerate(chosen):
        if row.identity == state.selected:
            return index
    return max(0, min(state.cursor, len(chosen) - 1))


def on_key(state: State, key: str, view: View | None, page: int) -> State:
    """The state after a key: one character, or "up", "down", "page_up", "page_down", "home",
    "end", "enter", "escape", "backspace". ``page`` is how many rows the table shows."""
    if state.typing:
        return _on_filter_key(state, key)
    if key == "q":
        return replace(state, quit=True)
    if state.help:  # any key leaves it
        return replace(state, help=False)
    actions = {**ACTIONS, **PLAYBACK_ACTIONS} if state.playback else ACTIONS
    if key in actions:
        return actions[key](state)
    return _on_move(state, MOVE_KEYS.get(key, key), view, page)


def _on_filter_key(state: State, key: str) -> State:
    if key == "enter":
        return replace(state, typing=False)
    if key == "escape":
        return _first_row(replace(state, typing=False, filter=""))
    if key == "backspace":
        return _first_row(replace(state, filter=state.filter[:-1]))
    if len(key) == 1 and key.isprintable():
        return _first_row(replace(state, filter=state.filter + key))
    return state


def _first_row(state: State) -> State:
    return replace(state, selected=None, cursor=0)


def _next(names: tuple[str, ...], name: str, step: int) -> str:
    return names[(names.index(name) + step) % len(names)]


def _to_sort(sort: str) -> Action:
    return lambda state: replace(state, sort=sort)


def _to_view(view: str) -> Action:
    return lambda state: _first_row(replace(state, view=view))


def _to_interval(step: Callable[[Playback], Playback]) -> Action:
    """From there on it stands still, to be looked at."""
    return lambda state: replace(
        state, playback=state.playback and step(state.playback), paused=True
    )


def _to_speed(change: Callable[[Playback], Playback]) -> Action:
    return lambda state: replace(state, playback=state.playback and change(state.playback))


PLAYBACK_ACTIONS: dict[str, Action] = {
    **{key: _to_interval(step) for key, step in STEPS.items()},
    **{key: _to_speed(change) for key, change in SPEEDS.items()},
}

ACTIONS: dict[str, Action] = {
    **{key: _to_sort(sort) for key, sort in SORT_KEYS.items()},
    **{key: _to_view(view) for key, view in VIEW_KEYS.items()},
    "s": lambda state: replace(state, sort=_next(tuple(SORTS), state.sort, 1)),
    "S": lambda state: replace(state, sort=_next(tuple(SORTS), state.sort, -1)),
    "v": lambda state: _first_row(replace(state, view=_next(VIEWS, state.view, 1))),
    "V": lambda state: _first_row(replace(state, view=_next(VIEWS, state.view, -1))),
    "p": lambda state: replace(state, paused=not state.paused),
    " ": lambda state: replace(state, paused=not state.paused),
    "?": lambda state: replace(state, help=True),
    "h": lambda state: replace(state, help=True),
    "/": lambda state: replace(state, typing=True),
    "escape": lambda state: _first_row(replace(state, filter="")),
}


def _on_move(state: State, key: str, view: View | None, page: int) -> State:
    steps = {"up": -1, "down": 1, "page_up": -page, "page_down": page}
    ends = {"home": 0, "end": 10**9}
    if view is None or (key not in steps and key not in ends):
        return state
    chosen = rows(view, state)
    last = len(view.cpus if state.view == "cpus" else chosen) - 1
    now = position(chosen, state) if chosen else state.cursor
    cursor = ends[key] if key in ends else now + steps[key]
    cursor = max(0, min(cursor, last))
    return replace(state, cursor=cursor, selected=chosen[cursor].identity if chosen else None)
