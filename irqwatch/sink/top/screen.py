"""The terminal: draws frames and hands keys on. All that can be decided without one is decided in
``frame`` and ``state``."""

import curses
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from irqwatch import clock
from irqwatch.cells import TextLine, in_ascii
from irqwatch.collectors import ALL
from irqwatch.model.view import View
from irqwatch.sink.top import frame
from irqwatch.sink.top.playback import Playback
from irqwatch.sink.top.state import State, on_key

KEYS = {
    curses.KEY_UP: "up",
    curses.KEY_DOWN: "down",
    curses.KEY_PPAGE: "page_up",
    curses.KEY_NPAGE: "page_down",
    curses.KEY_LEFT: "left",
    curses.KEY_RIGHT: "right",
    curses.KEY_HOME: "home",
    curses.KEY_END: "end",
    curses.KEY_ENTER: "enter",
    curses.KEY_BACKSPACE: "backspace",
    "\n": "enter",
    "\r": "enter",
    "\x1b": "escape",
    "\x7f": "backspace",
    "\b": "backspace",
}

# Style → attribute, and the colour where there may be one.
ATTRIBUTES = {
    "title": curses.A_BOLD,
    "heading": curses.A_UNDERLINE,
    "sorted": curses.A_BOLD | curses.A_UNDERLINE,
    "selected": curses.A_REVERSE,
    "footer": curses.A_REVERSE,
    "dim": curses.A_DIM,
    "warning": curses.A_BOLD,
}
COLOURS = {
    **{one.name: one.shown.colour for one in ALL if one.shown and one.shown.colour},
    "other": "green",
    "warning": "red",
}
COLOUR = {
    "red": curses.COLOR_RED,
    "green": curses.COLOR_GREEN,
    "yellow": curses.COLOR_YELLOW,
    "blue": curses.COLOR_BLUE,
    "magenta": curses.COLOR_MAGENTA,
    "cyan": curses.COLOR_CYAN,
}

# An escape is a key of its own if nothing follows it this soon.
ESCAPE_MS = 25
# A terminal that answers at once without a key is asked this often.
GONE_NS = 50_000_000
# Between two views of a recording: keys are read then, however fast it is played.
SHORTEST_FRAME_NS = 10_000_000
STANDSTILL_NS = 3600 * 10**9


@dataclass(frozen=True, slots=True)
class Look:
    """What the terminal may be sent."""

    colour: bool
    ascii_only: bool


class Recording(Protocol):
    """Intervals to be shown, by number from 0."""

    @property
    def lengths_ns(self) -> Sequence[int]: ...
    def view(self, number: int) -> View: ...


def why_not(columns: int, lines: int) -> str:
    """Why this terminal cannot have the screen; empty if it can."""
    smallest = frame.SMALLEST
    if columns < smallest[0] or lines < smallest[1]:
        return f"the terminal is {columns}x{lines}, smaller than {smallest[0]}x{smallest[1]}"
    try:
        curses.setupterm()
    except curses.error as error:
        return f"the terminal is not known: {error}"
    return "" if curses.tigetstr("cup") else "the terminal cannot move its cursor"


def run(
    views: Callable[[], View], interval_ns: int, frames: int | None, state: State, look: Look
) -> None:
    """Show a view each ``interval_ns``, until ``q`` or ``frames`` are shown (None: no end).

    ``views`` gives the view of the time since it was last called. The terminal is put back however
    this ends.
    """
    curses.set_escdelay(ESCAPE_MS)
    curses.wrapper(lambda window: _Screen(window, state, look).loop(views, interval_ns, frames))


def play(recording: Recording, frames: int | None, state: State, look: Look) -> None:
    """Show a recording by its own clock, from its start, until ``q`` or ``frames`` are shown."""
    curses.set_escdelay(ESCAPE_MS)
    state = replace(state, playback=Playback(len(recording.lengths_ns)))
    curses.wrapper(lambda window: _Screen(window, state, look).play(recording, frames))


class _Screen:
    def __init__(self, window: curses.window, state: State, look: Look) -> None:
        self._window = window
        self._state = state
        self._view: View | None = None
        self._look = look
        self._styles = _styles(look.colour)
        with suppress(curses.error):  # a terminal that cannot hide its cursor
            curses.curs_set(0)

    def loop(self, views: Callable[[], View], interval_ns: int, frames: int | None) -> None:
        deadline_ns = clock.monotonic_ns()
        shown = 0
        while frames is None or shown < frames:
            # On a fixed grid, so that intervals do not drift; what was missed is left out.
            deadline_ns = max(deadline_ns + interval_ns, clock.monotonic_ns())
            self._draw()
            if not self._handle_keys(deadline_ns):
                return
            view = views()
            if not self._state.paused:
                self._view = view
            shown += 1
        self._draw()

    def play(self, recording: Recording, frames: int | None) -> None:
        shown, number = 0, -1
        while (playback := self._state.playback) and (frames is None or shown < frames):
            if playback.number != number:
                number = playback.number
                self._view = recording.view(number)
                shown += 1
            self._draw()
            paused = self._state.paused
            still = paused or playback.at_end
            wait_ns = STANDSTILL_NS if still else recording.lengths_ns[number] / playback.speed
            deadline_ns = clock.monotonic_ns() + max(SHORTEST_FRAME_NS, int(wait_ns))
            if not self._handle_keys(deadline_ns):
                return
            untouched = (self._state.playback, self._state.paused) == (playback, paused)
            if untouched and not still:
                self._state = replace(self._state, playback=playback.moved(1))

    def _handle_keys(self, deadline_ns: int) -> bool:
        """Until ``deadline_ns``, or until the playback is another; False to quit."""
        before = (self._state.playback, self._state.paused)
        while (left_ns := deadline_ns - clock.monotonic_ns()) > 0:
            wait_ns = min(clock.LONGEST_WAIT_NS, left_ns)
            self._window.timeout(max(1, wait_ns // 1_000_000))
            try:
                key = self._window.get_wch()
            except curses.error:  # no key in that time
                clock.sleep_until(min(deadline_ns, clock.monotonic_ns() + GONE_NS))
                continue
            if key == curses.KEY_RESIZE:
                self._window.erase()
            else:
                self._on_key(KEYS.get(key, key))
            if self._state.quit:
                return False
            if self._state.playback and (self._state.playback, self._state.paused) != before:
                return True
            self._draw()
        return True

    def _on_key(self, key: str | int) -> None:
        if isinstance(key, str):
            height, width = self._window.getmaxyx()
            rows = frame.page(self._view, self._state, width, height)
            self._state = on_key(self._state, key, self._view, rows)

    def _draw(self) -> None:
        height, width = self._window.getmaxyx()
        self._window.erase()
        for row, line in enumerate(frame.lines(self._view, self._state, width, height)):
            self._draw_line(row, line)
        self._window.refresh()

    def _draw_line(self, row: int, line: TextLine) -> None:
        # The last cell of the last line, or a terminal that has just shrunk.
        with suppress(curses.error):
            self._window.move(row, 0)
            for span in line:
                text = in_ascii(span.text) if self._look.ascii_only else span.text
                self._window.addstr(text, self._styles.get(span.style, 0))


def _styles(colour: bool) -> dict[str, int]:
    styles = dict(ATTRIBUTES)
    if not curses.has_colors():
        return styles
    # curses.wrapper() has switched colours on, which paints all in white on black but for this.
    curses.use_default_colors()
    if colour:
        for number, (style, foreground) in enumerate(COLOURS.items(), 1):
            curses.init_pair(number, COLOUR[foreground], -1)
            styles[style] = styles.get(style, 0) | curses.color_pair(number)
    return styles
