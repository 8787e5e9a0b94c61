"""What sources are measured by: rate, share, quantiles."""

from collections.abc import Iterable, Mapping

from irqwatch.base.quantile import longest_ns, quantile_ns
from irqwatch.model.histogram import Histogram
from irqwatch.model.snapshot import Worst
from irqwatch.model.view import CpuPart

NS = 1e9


def counting(cpus: Mapping[int, CpuPart]) -> dict[int, CpuPart]:
    """By CPU number, those that counted nothing left out."""
    return {cpu: cpus[cpu] for cpu in sorted(cpus) if cpus[cpu].count}


def spread(
    histogram: Histogram, worst: Worst | None
) -> tuple[float | None, float | None, float | None]:
    """p50, p99 and the longest, in seconds."""
    most_ns = longest_ns(histogram, worst)
    all_ns = (quantile_ns(histogram, 50, most_ns), quantile_ns(histogram, 99, most_ns), most_ns)
    p50_s, p99_s, max_s = (None if ns is None else ns / NS for ns in all_ns)
    return p50_s, p99_s, max_s


def total(parts: Iterable[float | None]) -> float | None:
    """Unknown where one part is."""
    known = list(parts)
    return None if None in known else sum(part for part in known if part is not None)


def rate(count: int, interval_ns: int) -> float:
    """Events a second."""
    return count * NS / interval_ns if interval_ns else 0.0


def share(seconds: float | None, interval_ns: int) -> float | None:
    """Of one CPU."""
    return seconds * NS / interval_ns if interval_ns and seconds is not None else None
