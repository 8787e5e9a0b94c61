"""The bucket rule, on values of all sizes."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from irqwatch.model.histogram import (
    BUCKETS,
    EMPTY,
    OVERFLOW,
    Histogram,
    bucket_of,
    lower_edge_ns,
    merge,
)

VALUES_NS = st.one_of(
    st.integers(0, 1 << 12),
    st.integers(0, 70 * 10**9),
    st.builds(
        lambda bucket, off: max(0, lower_edge_ns(bucket) + off),
        st.integers(0, OVERFLOW),
        st.integers(-1, 1),
    ),
)
HISTOGRAMS = st.builds(
    Histogram,
    st.dictionaries(st.integers(0, BUCKETS - 1), st.integers(1, 1 << 40)),
    st.integers(0, 1 << 60),
)


@given(VALUES_NS)
def test_every_value_falls_in_the_bucket_whose_edges_hold_it(value_ns: int) -> None:
    bucket = bucket_of(value_ns)
    assert lower_edge_ns(bucket) <= value_ns
    assert bucket == OVERFLOW or value_ns < lower_edge_ns(bucket + 1)


@given(st.integers(30, 64 * 10**9))
def test_an_edge_is_the_last_value_of_its_bucket(value_ns: int) -> None:
    """By the definition, with no root: 2**(n/4) seconds, to the fourth power."""
    edge = bucket_of(value_ns) - 1 - 100  # of its bucket the lower one, in quarters of an octave
    assert Fraction(2) ** edge * 10**36 < value_ns**4 <= Fraction(2) ** (edge + 1) * 10**36


@given(st.integers(30, 64 * 10**9))
def test_the_middle_of_its_bucket_is_within_a_tenth_of_a_value(value_ns: int) -> None:
    bucket = bucket_of(value_ns)
    middle_ns = (lower_edge_ns(bucket) + lower_edge_ns(bucket + 1)) / 2
    assert abs(middle_ns - value_ns) <= value_ns / 10


@given(VALUES_NS, VALUES_NS)
def test_a_larger_value_is_never_in_a_lower_bucket(one_ns: int, other_ns: int) -> None:
    lower_ns, higher_ns = sorted((one_ns, other_ns))
    assert bucket_of(lower_ns) <= bucket_of(higher_ns)


@given(HISTOGRAMS, HISTOGRAMS, HISTOGRAMS)
def test_merging_is_associative_and_commutative(a: Histogram, b: Histogram, c: Histogram) -> None:
    assert merge((merge((a, b)), c)) == merge((a, merge((b, c)))) == merge((c, b, a))
    assert merge((a, EMPTY)) == a
    assert merge((a, b)).count == a.count + b.count
