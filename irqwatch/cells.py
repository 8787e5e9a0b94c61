"""Text in terminal cells: widths, units, and numbers of fixed width."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

UNKNOWN = "-"
ELLIPSIS = "…"

IN_ASCII = {"µ": "u", ELLIPSIS: "~"}

TIME_UNITS = ((1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s"))


@dataclass(frozen=True, slots=True)
class Span:
    text: str
    style: str = ""


TextLine = tuple[Span, ...]


def text_of(line: TextLine) -> str:
    """The line without its styles."""
    return "".join(span.text for span in line).rstrip()


def width_of(text: str) -> int:
    """Terminal cells that ``text`` takes."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


@lru_cache(1024)
def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def in_ascii(text: str) -> str:
    """As wide, for a terminal or a file that takes ASCII only."""
    if text.isascii():
        return text
    return "".join(
        character if character.isascii() else IN_ASCII.get(character, "?" * _cells(character))
        for character in text
    )


def cut(text: str, width: int) -> str:
    """At most ``width`` cells of it; what is cut ends in an ellipsis."""
    if width_of(text) <= width:
        return text
    kept, used = [], 0
    for character in text:
        used += _cells(character)
        if used > width - 1:
            break
        kept.append(character)
    return "".join(kept) + ELLIPSIS if width > 0 else ""


def left(text: str, width: int) -> str:
    """Exactly ``width`` cells, the text at the left."""
    text = cut(text, width)
    return text + " " * (width - width_of(text))


def right(text: str, width: int) -> str:
    """Exactly ``width`` cells, the text at the right."""
    text = cut(text, width)
    return " " * (width - width_of(text)) + text


def fit(line: TextLine, width: int) -> TextLine:
    """At most ``width`` cells of a styled line."""
    spans: list[Span] = []
    room = width
    for span in line:
        if room <= 0:
            break
        text = cut(span.text, room)
        spans.append(Span(text, span.style))
        room -= width_of(text)
    return tuple(spans)


def seconds(value: float | None) -> str:
    """A duration in at most 5 cells: 850ns, 1.2µs, 34ms, 1.5s, 120s."""
    if value is None:
        return UNKNOWN
    if value == 0:
        return "0"
    for scale, unit in TIME_UNITS:
        number = value / scale
        # 999.5 would be written as 1000.
        if number < 999.5 or unit == "s":
            return f"{_three(number)}{unit}"
    raise AssertionError("seconds end the units")


def count(value: float | None) -> str:
    """A number in at most 5 cells: 0.5, 12, 850, 12.3k, 280k, 1.2M."""
    if value is None:
        return UNKNOWN
    for unit in ("", "k", "M", "G"):
        if value < 999.5 or unit == "G":
            whole = value == int(value) and not unit
            return f"{value:.0f}" if whole else f"{_three(value)}{unit}"
        value /= 1000
    raise AssertionError("G ends the units")


def _three(number: float) -> str:
    """About three digits: 0.12, 1.2, 12, 123."""
    if number < 0.095:
        return f"{number:.2f}"
    return f"{number:.1f}" if number < 9.95 else f"{number:.0f}"


def percent(share: float | None) -> str:
    """A share (1 is the whole) in at most 6 cells: 0.3%, 12.5%, 250%."""
    if share is None:
        return UNKNOWN
    value = 100 * share
    if 0 < value < 0.05:
        return "<0.1%"
    return f"{value:.1f}%" if value < 99.95 else f"{value:.0f}%"


def ratio(share: float | None) -> str:
    """A share of which every missing event matters: 100% is said of all or more only."""
    if share is None:
        return UNKNOWN
    return f"{min(share, 0.9999):.2%}" if share < 1 else percent(share)


def cpu_list(cpus: Iterable[int]) -> str:
    """CPU numbers as the kernel lists them: "0-3,8"."""
    runs: list[tuple[int, int]] = []
    for cpu in sorted(cpus):
        if runs and runs[-1][1] == cpu - 1:
            runs[-1] = (runs[-1][0], cpu)
        else:
            runs.append((cpu, cpu))
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs)


def where(counts: Mapping[int, int]) -> str:
    """The CPUs a source runs on. One that takes at least half comes first: "5,0-4,6-7"."""
    busiest = max(counts, key=lambda cpu: counts[cpu], default=None)
    if busiest is None:
        return UNKNOWN
    if 2 * counts[busiest] < sum(counts.values()) or len(counts) == 1:
        return cpu_list(counts)
    others = cpu_list(cpu for cpu in counts if cpu != busiest)
    return f"{busiest},{others}"
