"""Quantiles of a histogram, and its longest value."""

from irqwatch.model.histogram import OVERFLOW, Histogram, lower_edge_ns
from irqwatch.model.snapshot import Worst


def longest_ns(histogram: Histogram, worst: Worst | None) -> int | None:
    """The longest value, in nanoseconds; None where the worst event is not known.

    The worst event is read apart from the histogram, so one that ended in between may be in the
    histogram only: then its bucket's lower edge is the most that is sure.
    """
    if worst is None:
        return None
    return max(worst.ns, lower_edge_ns(max(histogram.buckets, default=0)))


def quantile_ns(histogram: Histogram, percent: int, longest: int | None) -> float | None:
    """The middle of the bucket that holds the nearest-rank quantile, in nanoseconds.

    ``longest`` (of ``longest_ns``) bounds it from above. From 32 ns on it is within 12.5 % of the
    exact quantile, up to the overflow bucket: that one has no middle, so the longest value stands
    in for it, or its lower edge. None for an empty histogram.
    """
    bucket = _bucket_of_rank(histogram, percent)
    if bucket is None:
        return None
    lower = lower_edge_ns(bucket)
    if bucket == OVERFLOW:
        return lower if longest is None else longest
    middle = (lower + lower_edge_ns(bucket + 1)) / 2
    return middle if longest is None else min(middle, longest)


def _bucket_of_rank(histogram: Histogram, percent: int) -> int | None:
    if not histogram.buckets:
        return None
    rank = -(-histogram.count * percent // 100)
    seen = 0
    for bucket in sorted(histogram.buckets):
        seen += histogram.buckets[bucket]
        if seen >= rank:
            return bucket
    return None
