"""What the probe measured from one event to another, against the times that two ring buffers have:
one was asked before the probe, the other after it (tests/live/recording.py)."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from irqwatch.model.histogram import Histogram, bucket_of
from tests.live.recording import Seen


class Span(NamedTuple):
    """What lies between two events is at least and at most this long."""

    low_ns: int
    high_ns: int


def paired(first: Sequence[Seen], second: Sequence[Seen]) -> list[Span]:
    """Of events that start and end in turn, the same ones in both buffers."""
    assert [seen.name for seen in first] == [seen.name for seen in second]
    assert len({seen.name for seen in first[::2]}) == len({seen.name for seen in first[1::2]}) == 1
    return [
        Span(max(0, end.time_ns - late_start.time_ns), late_end.time_ns - start.time_ns)
        for start, end, late_start, late_end in zip(
            first[::2], first[1::2], second[::2], second[1::2], strict=True
        )
    ]


def fits(histogram: Histogram, spans: Iterable[Span]) -> bool:
    """Whether the histogram can be of just these: the n-th smallest of all values is between the
    n-th smallest of what they are at least and of what they are at most, and so is the sum."""
    spans = list(spans)
    buckets = [bucket for bucket, count in sorted(histogram.buckets.items()) for _ in range(count)]
    lows = sorted(bucket_of(span.low_ns) for span in spans)
    highs = sorted(bucket_of(span.high_ns) for span in spans)
    return (
        len(buckets) == len(spans)
        and all(low <= b <= high for low, b, high in zip(lows, buckets, highs, strict=True))
        and sum(s.low_ns for s in spans) <= histogram.sum_ns <= sum(s.high_ns for s in spans)
    )
