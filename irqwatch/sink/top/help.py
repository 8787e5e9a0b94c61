"""The help screen."""

import textwrap
from collections.abc import Iterable, Iterator

from irqwatch.cells import Span, TextLine
from irqwatch.collectors import ALL
from irqwatch.sink.top.state import VIEW_KEYS, VIEWS

WIDTH = 80
NAME_WIDTH = 10  # of what stands first in a line
TOGETHER = "\0"  # a space at which no line ends

KEYS = """\
sort by   c cpu share  r rate  m p50 (median)  t p99 (tail)  w worst
          l latency p99  n name                             s S next, previous
rows      up down j k  page up page down  g G first, last
filter    / then text: kind, name, device, queue or irqN    esc clears
replay    , . step   [ ] jump a tenth   { } first, last   - + slower, faster
other     p space pause   q quit   ? h this help
"""

FIGURES = """\
CPU       part of one CPU's time   HARDIRQ  with vectors if VECTOR has no room
CPUS      where it ran; one that took at least half comes first   -   not known
WORST     of this interval; the last lines say when, where and over which task
coverage  events the probe saw / events the kernel counted
lost      events that the probe could not use, by reason
"""


def lines() -> list[TextLine]:
    text = [*_views(), *KEYS.splitlines(), "", *_kinds(), *FIGURES.splitlines()]
    made: list[TextLine] = [(Span("irqwatch top", "title"), Span("  any key goes back", "dim")), ()]
    made += [(Span(line[:NAME_WIDTH], "heading"), Span(line[NAME_WIDTH:])) for line in text]
    return made


def _views() -> Iterator[str]:
    """The keys of the views, and the names of those that have none."""
    keys = "  ".join(f"{key}{TOGETHER}{view}" for key, view in VIEW_KEYS.items())
    rest = " ".join(view for view in VIEWS if view not in VIEW_KEYS.values())
    return _wrapped("views", f"{keys}  v{TOGETHER}V more: {rest}")


def _kinds() -> list[str]:
    """What the collectors have to say; short ones share a line, the first that has room."""
    found: list[str] = []
    for collector in ALL:
        if collector.shown:
            _place(found, collector.name, collector.shown.help)
    return found


def _place(found: list[str], name: str, words: str) -> None:
    beside = f"   {name}  {words}"
    for number, line in enumerate(found):
        if len(line) + len(beside) <= WIDTH:
            found[number] = line + beside
            return
    found += _wrapped(name, words)


def _wrapped(name: str, words: str) -> Iterator[str]:
    wrapped: Iterable[str] = textwrap.wrap(words, WIDTH - NAME_WIDTH)
    for number, line in enumerate(wrapped):
        yield f"{'' if number else name:{NAME_WIDTH}}{line}".replace(TOGETHER, " ")
