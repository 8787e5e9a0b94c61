"""The histogram rule: four buckets an octave. The probe's twin is bpf/histogram.h.

The edges are 2**(n/4) seconds, those of schema 2 of Prometheus' native histograms
(https://prometheus.io/docs/specs/native_histograms/), so that what the probe counted is what
Prometheus gets. As there, a bucket holds its upper edge and not its lower one. Bucket 0 is all from
0 to 2**-25 s (29.8 ns); each that follows ends a fourth root of two higher, up to 64 s; the last
one holds all that is longer. The middle of a bucket is within (2**0.25 - 1) / 2 = 9.5 % of any
value in it, and with the rounding to whole nanoseconds within 10 %.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isqrt

# In quarters of an octave from one second: of bucket 0 the upper edge, of the last the lower one.
FIRST_EDGE = -100
LAST_EDGE = 24
BUCKETS = LAST_EDGE - FIRST_EDGE + 2
OVERFLOW = BUCKETS - 1

_NS = 10**9


def _whole_ns(quarters: int) -> int:
    """2**(quarters/4) seconds in nanoseconds, rounded down: a fourth root of whole numbers."""
    fourth_power = _NS**4
    raised = fourth_power << quarters if quarters > 0 else fourth_power >> -quarters
    return isqrt(isqrt(raised))


_LOWEST_NS = (0, *(_whole_ns(edge) + 1 for edge in range(FIRST_EDGE, LAST_EDGE + 1)))


def bucket_of(value_ns: int) -> int:
    """The bucket that holds ``value_ns`` (nanoseconds, not negative)."""
    return bisect_right(_LOWEST_NS, value_ns) - 1


def lower_edge_ns(bucket: int) -> int:
    """The smallest value in ``bucket``; ``lower_edge_ns(bucket + 1)`` is the first above it."""
    return _LOWEST_NS[bucket]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts by bucket (buckets that hold nothing are absent) and the exact sum of all values."""

    buckets: Mapping[int, int] = field(default_factory=dict)
    sum_ns: int = 0

    @property
    def count(self) -> int:
        return sum(self.buckets.values())


EMPTY = Histogram()


def merge(parts: Iterable[Histogram]) -> Histogram:
    """All values of all parts in one histogram."""
    held = [part for part in parts if part.buckets or part.sum_ns]
    if len(held) <= 1:
        return held[0] if held else EMPTY
    buckets: dict[int, int] = {}
    sum_ns = 0
    for part in held:
        sum_ns += part.sum_ns
        for bucket, count in part.buckets.items():
            buckets[bucket] = buckets.get(bucket, 0) + count
    return Histogram(buckets, sum_ns)
