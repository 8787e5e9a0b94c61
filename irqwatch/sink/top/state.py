"""What the person at the screen has chosen, and what each key does to it. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import tzinfo

from irqwatch.model.view import Source, View
from irqwatch.sink.top.causes import tree
from irqwatch.sink.top.exceptions import by_process
from irqwatch.sink.top.playback import SPEEDS, STEPS, Playback

VIEWS = (
    "all",
    "hardirq",
    "softirq",
    "work",
    "cpus",
    "cause",
    "timer",
    "tasklet",
    "napi",
    "signal",
    "exception",
    "syscall",
    "thread",
    "blame",
)

SortKey = Callable[[Source], float | None]

# Name → what is the most first. Unknown comes last.
SORTS: dict[str, SortKey] = {
    "cpu": lambda source: source.share,
    "rate": lambda source: source.rate,
    "p50": lambda source: source.p50_s,
    "p99": lambda source: source.p99_s,
    "worst": lambda source: source.max_s,
    "latency": lambda source: source.latency_p99_s,
    "name": lambda source: None,
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

Identity = tuple[str, int | None, str, str | None, str | None]


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
    selected: Identity | None = None
    cursor: int = 0
    zone: tzinfo | None = None
    playback: Playback | None = None


Action = Callable[[State], State]


def identity(source: Source) -> Identity:
    beside = source.workqueue or source.origin or source.cgroup
    return (source.kind, source.irq, source.name, beside, source.cause)


def rows(view: View, state: State) -> tuple[Source, ...]:
    """The sources of the state's view that match its filter, in its order; of the causes, in the
    order of the tree; of exceptions, each with its processes."""
    if state.view == "cause":
        return tree(view, lambda source: matches(source, state.filter))
    chosen = [source for source in view.sources if _in_view(source, state.view)]
    if state.filter:
        chosen = [source for source in chosen if matches(source, state.filter)]
    key = SORTS[state.sort]
    ordered = tuple(sorted(chosen, key=lambda source: _order(source, key)))
    return by_process(ordered) if state.view == "exception" else ordered


def _in_view(source: Source, view: str) -> bool:
    if view == "all":
        return source.kind != "blame"  # its time is that of the other rows
    # An architecture row is the hardware's interrupt too, if not one of a line.
    return view == source.kind or (view, source.kind) == ("hardirq", "vector")


def _order(source: Source, key: SortKey) -> tuple[float, float, str, int]:
    value = key(source)
    rate = 0.0 if key is SORTS["name"] else source.rate
    unknown_is_last = 1.0 if value is None else -value
    return (unknown_is_last, -rate, source.name, source.irq or 0)


def matches(source: Source, text: str) -> bool:
    """Whether ``text`` is in what names the source, in any case; "irq34" is its number."""
    fields = [source.kind, source.name, source.device, source.workqueue, source.description]
    fields += [source.origin, source.cgroup, *(process.comm for process in source.processes)]
    fields += [of for taken in source.taken_by for of in (taken.name, taken.device, taken.cause)]
    if source.irq is not None:
        fields.append(f"irq{source.irq}")
    return any(text.casefold() in field.casefold() for field in fields if field)


def position(chosen: tuple[Source, ...], state: State) -> int:
    """The row of the cursor."""
    for index, source in enumerate(chosen):
        if identity(source) == state.selected:
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
    return replace(state, cursor=cursor, selected=identity(chosen[cursor]) if chosen else None)
