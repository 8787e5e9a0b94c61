"""The histogram rule: four buckets an octave. The probe's twin is bpf/histogram.h.

Bucket 0 holds [0, 32) ns. From 32 ns to 2**36 ns (68.7 s) each octave [2**k, 2**(k+1)) is cut into
four equal parts. The last bucket holds all that is longer. The widest part relative to its lower
edge is the first of an octave (1/4), so its middle is within 1/8 = 12.5 % of any value in it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

FIRST_OCTAVE = 5
LAST_OCTAVE = 36
BUCKETS = 4 * (LAST_OCTAVE - FIRST_OCTAVE) + 2
OVERFLOW = BUCKETS - 1


def bucket_of(value_ns: int) -> int:
    """The bucket that holds ``value_ns`` (nanoseconds, not negative)."""
    if value_ns < 1 << FIRST_OCTAVE:
        return 0
    octave = value_ns.bit_length() - 1
    if octave >= LAST_OCTAVE:
        return OVERFLOW
    quarter = (value_ns >> (octave - 2)) & 3
    return 4 * (octave - FIRST_OCTAVE) + quarter + 1


def lower_edge_ns(bucket: int) -> int:
    """The smallest value in ``bucket``; ``lower_edge_ns(bucket + 1)`` is the first above it."""
    if bucket == 0:
        return 0
    octave, quarter = divmod(bucket - 1, 4)
    return (4 + quarter) << (octave + FIRST_OCTAVE - 2)


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
