"""Quantiles: the rank, the middle of its bucket, and what bounds it."""

import pytest

from irqwatch.base.measures import longest_ns, quantile_ns
from irqwatch.model.histogram import OVERFLOW, Histogram, bucket_of, lower_edge_ns
from irqwatch.model.snapshot import Worst


def worst(ns: int) -> Worst:
    return Worst(ns, 0, 0, 0, "")


def test_of_nothing_is_unknown() -> None:
    assert quantile_ns(Histogram(), 50, None) is None
    assert longest_ns(Histogram(), None) is None


@pytest.mark.parametrize(("percent", "bucket"), [(1, 10), (50, 10), (98, 10), (99, 20), (100, 20)])
def test_is_in_the_bucket_of_the_nearest_rank(percent: int, bucket: int) -> None:
    histogram = Histogram({10: 98, 20: 2}, 0)
    middle = (lower_edge_ns(bucket) + lower_edge_ns(bucket + 1)) / 2
    assert quantile_ns(histogram, percent, None) == middle


def test_is_never_above_the_longest() -> None:
    assert quantile_ns(Histogram({bucket_of(1025): 1}, 1025), 99, 1025) == 1025


def test_in_the_overflow_bucket_is_the_longest_or_its_edge() -> None:
    histogram = Histogram({OVERFLOW: 1}, 0)
    assert quantile_ns(histogram, 50, None) == lower_edge_ns(OVERFLOW)
    assert quantile_ns(histogram, 50, 90 * 10**9) == 90 * 10**9


def test_longest_is_no_less_than_the_last_bucket_says() -> None:
    edge_ns = lower_edge_ns(60)
    histogram = Histogram({60: 1}, 0)
    assert longest_ns(histogram, worst(5)) == edge_ns
    assert longest_ns(histogram, worst(edge_ns + 7)) == edge_ns + 7
    assert longest_ns(histogram, None) is None
