"""Many into few, so that a scrape stays small: histograms to a few bounds, and the longest event of
a while. Which series there are is decided in ``irqwatch.base.series``."""

from collections.abc import Mapping
from itertools import accumulate

from irqwatch.base.series import Labels
from irqwatch.model.histogram import BUCKETS, FIRST_EDGE, Histogram

# In octaves from one second, 238 ns to 1 s: each bound is the upper edge of a bucket.
_BOUNDS = range(-22, 1, 2)
BOUNDS_SECONDS = tuple(2.0**octaves for octaves in _BOUNDS)
_BOUND_OF_BUCKET = tuple(
    sum(bucket > 4 * octaves - FIRST_EDGE for octaves in _BOUNDS) for bucket in range(BUCKETS)
)

Vector = tuple[int, ...]


def to_bounds(histogram: Histogram) -> Vector:
    """How many values were not above each of BOUNDS_SECONDS, then how many there were, then their
    sum in nanoseconds."""
    counts = [0] * (len(_BOUNDS) + 1)
    for bucket, count in histogram.buckets.items():
        counts[_BOUND_OF_BUCKET[bucket]] += count
    return (*accumulate(counts), histogram.sum_ns)


class LongestLately:
    """The longest event by key in the last one to two minutes of snapshots, however often and by
    however many they are asked for."""

    PERIOD_NS = 60 * 10**9

    def __init__(self) -> None:
        self._period = 0
        self._previous: dict[tuple[str, Labels], int] = {}
        self._current: dict[tuple[str, Labels], int] = {}

    def update(
        self, now_ns: int, events: Mapping[tuple[str, Labels], int]
    ) -> dict[tuple[str, Labels], int]:
        """The longest by key, from the longest by key since the last update; in nanoseconds."""
        period = now_ns // self.PERIOD_NS
        if period != self._period:
            self._previous = self._current if period == self._period + 1 else {}
            self._current = {}
            self._period = period
        for key, ns in events.items():
            self._current[key] = max(ns, self._current.get(key, 0))
        longest = dict(self._previous)
        for key, ns in self._current.items():
            longest[key] = max(ns, longest.get(key, 0))
        return longest
