"""The protobuf format, read back by its wire format alone."""

import struct
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from irqwatch.model.histogram import BUCKETS, OVERFLOW, Histogram, bucket_of
from irqwatch.sink.prometheus.protobuf import INFINITE, family, histogram_family, spans

Fields = dict[int, list[int | float | bytes]]


def varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        number |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return number, at


def fields(message: bytes) -> Fields:
    """Values by field number."""
    found: Fields = {}
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        value: int | float | bytes
        if key & 7 == 0:
            value, at = varint(message, at)
        elif key & 7 == 1:
            (value,), at = struct.unpack_from("<d", message, at), at + 8
        else:
            length, at = varint(message, at)
            value, at = message[at : at + length], at + length
        found.setdefault(key >> 3, []).append(value)
    return found


def one(of: Fields, field: int) -> Fields:
    (message,) = of[field]
    assert isinstance(message, bytes)
    return fields(message)


def delimited(data: bytes) -> Fields:
    length, at = varint(data, 0)
    assert len(data) - at == length
    return fields(data[at:])


def signed(zigzag: int | float | bytes) -> int:
    assert isinstance(zigzag, int)
    return zigzag >> 1 if not zigzag & 1 else -(zigzag + 1 >> 1)


def numbers(packed: bytes) -> list[int]:
    found, at = [], 0
    while at < len(packed):
        number, at = varint(packed, at)
        found.append(number)
    return found


def read(histogram: Histogram) -> Fields:
    made = delimited(histogram_family("x_seconds", "What.", ("cpu",), {("3",): histogram}))
    assert (made[1], made[2], made[3]) == ([b"x_seconds"], [b"What."], [4])
    return one(one(made, 4), 7)


def buckets(histogram: Fields) -> dict[int, int]:
    """Counts by index."""
    (packed,) = histogram.get(13, [b""])
    assert isinstance(packed, bytes)
    counts = accumulate(map(signed, numbers(packed)))
    found, index = {}, 0
    for span in histogram.get(12, []):
        assert isinstance(span, bytes)
        parts = fields(span)
        index += signed(parts[1][0])
        length = parts[2][0]
        assert isinstance(length, int)
        for _ in range(length):
            found[index] = next(counts)
            index += 1
    assert list(counts) == []
    return found


HISTOGRAMS = st.builds(
    Histogram,
    st.dictionaries(st.integers(0, BUCKETS - 1), st.integers(1, 1 << 60)),
    st.integers(0, 1 << 60),
)


@given(HISTOGRAMS)
def test_a_native_histogram_has_each_bucket_as_it_is(histogram: Histogram) -> None:
    found = read(histogram)
    expected = {
        INFINITE if bucket == OVERFLOW else bucket - 100: count
        for bucket, count in histogram.buckets.items()
        if bucket
    }
    assert buckets(found) == expected
    assert found[1] == [histogram.count]
    assert found[2] == [histogram.sum_ns / 1e9]
    assert [signed(n) for n in found[5]] == [2]
    assert (found[6], found[7]) == ([2.0**-25], [histogram.buckets.get(0, 0)])


def test_an_index_is_of_the_bucket_whose_edges_hold_the_value() -> None:
    """Index n is above 2**((n-1)/4) and not above 2**(n/4) seconds."""
    for value_ns in (30, 1000, 10**6, 1_953_125, 10**9, 64 * 10**9):
        (index,) = buckets(read(Histogram({bucket_of(value_ns): 1}, value_ns)))
        assert 2 ** ((index - 1) / 4) < value_ns / 1e9 <= 2 ** (index / 4)


def test_an_empty_one_is_native_too() -> None:
    """Its zero bucket has a threshold, which no classic histogram has."""
    found = read(Histogram())
    assert buckets(found) == {} and found[6] == [2.0**-25] and found[1] == [0]


def test_classic_buckets_are_beside() -> None:
    pairs = []
    for bucket in read(Histogram({bucket_of(300): 2, bucket_of(2 * 10**9): 1}, 0))[3]:
        assert isinstance(bucket, bytes)
        parts = fields(bucket)
        pairs.append((parts[2][0], parts[1][0]))
    assert pairs == [(4.0**power, 2 if power > -11 else 0) for power in range(-11, 1)]


def test_a_counter_and_a_gauge() -> None:
    for kind, number, field in (("counter", 0, 3), ("gauge", 1, 2), ("info", 1, 2)):
        made = delimited(family("x", "", kind, ("a", "b"), {("1", ""): 2.5}))
        assert made[3] == [number]
        metric = one(made, 4)
        assert one(metric, field)[1] == [2.5]
        assert one(metric, 1) == {1: [b"a"], 2: [b"1"]}  # and no label without a value


@given(st.sets(st.integers(-200, 200)))
def test_spans_are_gaps_and_lengths(indexes: set[int]) -> None:
    found, at = [], 0
    for gap, length in spans(sorted(indexes)):
        assert length and (gap or not found)
        found += range(at + gap, at + gap + length)
        at += gap + length
    assert found == sorted(indexes)
