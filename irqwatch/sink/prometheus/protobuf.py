"""Prometheus' protobuf format, in which alone it takes native histograms.

Written here and not by a library: the messages are seven, and the library for protobuf alone is
larger than all that `serve` has in memory for its answers. Source: prometheus/client_model,
io/prometheus/client/metrics.proto (the numbers below are its fields'); the wire format,
https://protobuf.dev/programming-guides/encoding/.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from irqwatch.base.collector import Metric
from irqwatch.base.fold import BOUNDS_SECONDS, to_bounds
from irqwatch.base.measures import NS
from irqwatch.base.series import Labels
from irqwatch.base.sheet import Sheet
from irqwatch.model.histogram import FIRST_EDGE, OVERFLOW, Histogram

CONTENT_TYPE = (
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
)

SCHEMA = 2  # edges at 2**(n / 2**SCHEMA) seconds
ZERO_THRESHOLD_SECONDS = 2.0 ** (FIRST_EDGE / 2**SCHEMA)
# The index of the bucket above the largest float64: its upper edge is infinity (native histograms'
# specification, "Schema": the index of the bucket of MaxFloat64 plus 1).
INFINITE = (1024 << SCHEMA) + 1

# MetricType and the field of Metric that has the value.
_COUNTER, _GAUGE, _HISTOGRAM = (0, 3), (1, 2), (4, 7)
_KINDS = {"counter": _COUNTER, "gauge": _GAUGE, "info": _GAUGE, "histogram": _HISTOGRAM}

_VARINT, _FIXED64, _BYTES = 0, 1, 2


def encode(metrics: Iterable[Metric], sheet: Sheet) -> bytes:
    """One scrape: families that have samples."""
    families = []
    for metric in metrics:
        head = (metric.name, metric.help)
        if histograms := sheet.histograms.get(metric.name):
            families.append(histogram_family(*head, metric.labels, histograms))
        elif values := sheet.values.get(metric.name):
            families.append(family(*head, metric.kind, metric.labels, values))
    return b"".join(families)


def family(
    name: str, help: str, kind: str, names: Sequence[str], values: Mapping[Labels, float]
) -> bytes:
    """A counter, gauge or info with a value for each set of labels, delimited."""
    type_number, field = _KINDS[kind]
    return _family(
        name,
        help,
        type_number,
        (
            _labels(names, labels) + _message(field, _double(1, value))
            for labels, value in values.items()
        ),
    )


def histogram_family(
    name: str, help: str, names: Sequence[str], histograms: Mapping[Labels, Histogram]
) -> bytes:
    """Native histograms, with classic buckets beside for who takes protobuf but not these."""
    type_number, field = _HISTOGRAM
    return _family(
        name,
        help,
        type_number,
        (
            _labels(names, labels) + _message(field, _histogram(histogram))
            for labels, histogram in histograms.items()
        ),
    )


def _family(name: str, help: str, type_number: int, metrics: Iterable[bytes]) -> bytes:
    message = b"".join(
        (
            _text(1, name),
            _text(2, help),
            _number(3, type_number),
            *(_message(4, m) for m in metrics),
        )
    )
    return _varint(len(message)) + message


def _labels(names: Sequence[str], values: Labels) -> bytes:
    """A label without a value is one that Prometheus does not keep."""
    return b"".join(
        _message(1, _text(1, name) + _text(2, value))
        for name, value in zip(names, values, strict=True)
        if value
    )


def _histogram(histogram: Histogram) -> bytes:
    *cumulative, count, sum_ns = to_bounds(histogram)
    counts = {
        INFINITE if bucket == OVERFLOW else FIRST_EDGE + bucket: number
        for bucket, number in sorted(histogram.buckets.items())
        if bucket and number
    }
    parts = [
        _number(1, count),
        _double(2, sum_ns / NS),
        *(
            _message(3, _number(1, below) + _double(2, bound))
            for bound, below in zip(BOUNDS_SECONDS, cumulative, strict=True)
        ),
        _signed(5, SCHEMA),
        _double(6, ZERO_THRESHOLD_SECONDS),
        _number(7, histogram.buckets.get(0, 0)),
        *(_message(12, _signed(1, gap) + _number(2, length)) for gap, length in spans(counts)),
    ]
    if counts:
        deltas = (one - before for before, one in pairwise((0, *counts.values())))
        parts.append(_message(13, b"".join(_varint(_zigzag(delta)) for delta in deltas)))
    return b"".join(parts)


def spans(indexes: Iterable[int]) -> list[tuple[int, int]]:
    """Runs of indexes in order, each as the gap before it (of the first, its index) and its
    length."""
    runs: list[tuple[int, int]] = []  # first, and the one after the last
    for index in indexes:
        first = runs.pop()[0] if runs and runs[-1][1] == index else index
        runs.append((first, index + 1))
    ends = (0, *(end for _, end in runs))
    return [(first - before, end - first) for (first, end), before in zip(runs, ends, strict=False)]


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _number(field: int, value: int) -> bytes:
    return _key(field, _VARINT) + _varint(value)


def _signed(field: int, value: int) -> bytes:
    return _number(field, _zigzag(value))


def _double(field: int, value: float) -> bytes:
    return _key(field, _FIXED64) + struct.pack("<d", value)


def _message(field: int, encoded: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(encoded)) + encoded


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())
