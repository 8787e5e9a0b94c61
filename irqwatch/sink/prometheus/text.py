"""The text formats of Prometheus (0.0.4) and OpenMetrics (1.0.0), as prometheus_client writes them,
byte for byte: that one takes most of a scrape's time, for it goes through every label anew each
time. Here what is the same from scrape to scrape is kept."""

from collections.abc import Iterable, Mapping
from functools import cache

from irqwatch.base.collector import Metric
from irqwatch.base.fold import BOUNDS_SECONDS, to_bounds
from irqwatch.base.measures import NS
from irqwatch.base.series import Labels
from irqwatch.base.sheet import Sheet
from irqwatch.model.histogram import Histogram

BOUNDS = (*map(str, BOUNDS_SECONDS), "+Inf")

# What the name of a family in OpenMetrics is without.
_SUFFIXES = {"counter": "_total", "info": "_info"}


class Encoder:
    """Writes one scrape after the other."""

    def __init__(self) -> None:
        # Family → label values → all of each of its lines but the number.
        self._starts: dict[str, dict[Labels, tuple[str, ...]]] = {}

    def encode(self, metrics: Iterable[Metric], sheet: Sheet, *, is_openmetrics: bool) -> str:
        """Families that have samples, without the end that OpenMetrics asks for."""
        lines: list[str] = []
        known, self._starts = self._starts, {}
        for metric in metrics:
            if metric.kind == "histogram":
                samples = {
                    labels: _numbers(histogram)
                    for labels, histogram in sheet.histograms.get(metric.name, {}).items()
                }
            else:
                samples = {
                    labels: (value,) for labels, value in sheet.values.get(metric.name, {}).items()
                }
            if not samples:
                continue
            lines.append(_head(metric, is_openmetrics=is_openmetrics))
            before = known.get(metric.name, {})
            starts = {labels: before.get(labels) or _starts(metric, labels) for labels in samples}
            self._starts[metric.name] = starts
            for labels, numbers in samples.items():
                lines += [
                    f"{start}{_number(number)}\n"
                    for start, number in zip(starts[labels], numbers, strict=True)
                ]
        return "".join(lines)


def _numbers(histogram: Histogram) -> tuple[float, ...]:
    *counts, sum_ns = to_bounds(histogram)
    return (*counts, sum_ns / NS, counts[-1])


def _number(value: float) -> str:
    """As Go writes a float64, which takes to exponents sooner than Python."""
    if type(value) is int and -1e6 < value < 1e6:
        return f"{value}.0"
    text = repr(float(value))
    point = text.find(".")
    if point > 6 and value > 0:
        digits = (text[:point] + text[point + 1 :]).rstrip("0")
        return f"{digits[0]}{'.' * (len(digits) > 1)}{digits[1:]}e+{point - 1:02}"
    return _NOT_FINITE.get(text, text)


_NOT_FINITE = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}


def _starts(metric: Metric, labels: Labels) -> tuple[str, ...]:
    pairs = dict(zip(metric.labels, labels, strict=True))
    if metric.kind != "histogram":
        return (_start(metric.name, pairs),)
    buckets = (_start(f"{metric.name}_bucket", {**pairs, "le": bound}) for bound in BOUNDS)
    return (*buckets, _start(f"{metric.name}_sum", pairs), _start(f"{metric.name}_count", pairs))


def _start(name: str, labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{label}="{_escaped(value)}"' for label, value in sorted(labels.items()))
    return f"{name}{{{pairs}}} " if pairs else f"{name} "


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


@cache
def _head(metric: Metric, *, is_openmetrics: bool) -> str:
    if is_openmetrics:
        name = metric.name.removesuffix(_SUFFIXES.get(metric.kind, ""))
        help_text, kind = _escaped(metric.help), metric.kind
    else:  # which knows no type "info"
        name, kind = metric.name, "gauge" if metric.kind == "info" else metric.kind
        help_text = metric.help.replace("\\", r"\\").replace("\n", r"\n")
    return f"# HELP {name} {help_text}\n# TYPE {name} {kind}\n"
