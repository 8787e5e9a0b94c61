"""Counts between two readings, each of which takes a while in which events go on.

The kernel calls those that look at an event in the order in which they were attached: a first trace
buffer, the probe, a second one. So a reading has each event that the second buffer had before the
reading began, and none that the first one had not before it ended: bounds that hold on a busy
machine too, and that are equal where an event's kind was quiet during both readings.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import NamedTuple


class Window(NamedTuple):
    """A reading took place somewhere between the two times."""

    before_ns: int
    after_ns: int


class Counts(NamedTuple):
    """What was seen, and what it is at least and at most by the kernel's trace."""

    least: int
    seen: int
    most: int

    @property
    def are_right(self) -> bool:
        return self.least <= self.seen <= self.most


class Traced(NamedTuple):
    """An event of a buffer; ``key`` is what it is counted under."""

    time_ns: int
    cpu: int
    key: Hashable


def between(
    start: Window,
    end: Window,
    first: Iterable[Traced],
    second: Iterable[Traced],
    seen: Mapping[Hashable, int],
) -> dict[Hashable, Counts]:
    """By key. Both buffers record from before the first reading until after the last; the second
    one began last. ``seen`` are the counters' differences between the readings."""
    firsts, seconds = _times(first), _times(second)
    least: Counter[Hashable] = Counter()
    most: Counter[Hashable] = Counter()
    for place, all_times in firsts.items():
        key = place[1]
        late = seconds.get(place, [])
        # Those of one kind on one CPU do not nest: the n-th of one buffer is that of the other.
        early = all_times[max(0, bisect_right(all_times, late[0]) - 1) :] if late else all_times
        least[key] += max(0, bisect_left(late, end.before_ns) - bisect_right(early, start.after_ns))
        most[key] += bisect_right(early, end.after_ns) - bisect_left(late, start.before_ns)
    keys = sorted(seen.keys() | most.keys(), key=str)
    return {key: Counts(least[key], seen.get(key, 0), most[key]) for key in keys}


def _times(events: Iterable[Traced]) -> dict[tuple[int, Hashable], list[int]]:
    found: defaultdict[tuple[int, Hashable], list[int]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.time_ns):
        found[event.cpu, event.key].append(event.time_ns)
    return found
