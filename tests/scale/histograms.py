"""How long things take: most about as long, a few a hundred times longer."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import log
from random import Random
from statistics import NormalDist

from irqwatch.model.histogram import BUCKETS, EMPTY, Histogram, bucket_of, lower_edge_ns

# Of the events, those that an unlucky moment delays (a busy bus, an SMI, a queue ahead): each
# octave further holds half of them.
TAIL = 0.002


@dataclass(frozen=True, slots=True)
class Shape:
    """Log-normal round a median, with a heavy tail."""

    median_ns: int
    spread: float = 0.35


@cache
def _weights(shape: Shape) -> tuple[tuple[int, float], ...]:
    """(bucket, share of the events), the longest first, the most frequent last."""
    normal = NormalDist(log(shape.median_ns), shape.spread)
    middle = bucket_of(shape.median_ns)
    shares = {}
    for bucket in range(1, BUCKETS - 1):
        low, high = lower_edge_ns(bucket), lower_edge_ns(bucket + 1)
        share = normal.cdf(log(high)) - normal.cdf(log(low))
        if bucket > middle:
            share += TAIL / 8 * 0.5 ** ((bucket - middle) / 4)
        if share > 1e-9 and bucket != middle:
            shares[bucket] = share
    return (*sorted(shares.items(), reverse=True), (middle, 1.0))


def draw(count: int, shape: Shape, rng: Random) -> Histogram:
    """``count`` events of a shape."""
    if not count:
        return EMPTY
    buckets = dict(_drawn(count, shape, rng))
    sum_ns = sum(n * (lower_edge_ns(b) + lower_edge_ns(b + 1)) // 2 for b, n in buckets.items())
    return Histogram(buckets, sum_ns)


def _drawn(count: int, shape: Shape, rng: Random) -> Iterator[tuple[int, int]]:
    left = count
    *rest, (most_frequent, _) = _weights(shape)
    for bucket, share in rest:
        here = min(left, int(count * share + rng.random()))
        if here:
            left -= here
            yield bucket, here
    if left:
        yield most_frequent, left


def longest_ns(histogram: Histogram, rng: Random) -> int:
    """A value that the histogram's last bucket may hold."""
    last = max(histogram.buckets)
    return rng.randrange(lower_edge_ns(last), lower_edge_ns(last + 1))
