"""What sources are measured by: rate, share, quantiles, and the fields of a Source made of them."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

from irqwatch.base.counters import longest
from irqwatch.model.histogram import OVERFLOW, Histogram, lower_edge_ns, merge
from irqwatch.model.snapshot import Worst
from irqwatch.model.view import CpuPart

NS = 1e9

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

Fields = dict[str, Any]


def grouped(parts: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    """By key, in the order of keys."""
    groups: dict[K, list[T]] = {}
    for part in parts:
        groups.setdefault(key(part), []).append(part)
    return {one: groups[one] for one in sorted(groups)}  # type: ignore[type-var]


def counted(cpus: Mapping[int, int], interval_ns: int) -> Fields:
    """Of what is counted by CPU and not timed."""
    return {
        **in_all(sum(cpus.values()), interval_ns),
        "cpus": counting({cpu: CpuPart(part, None) for cpu, part in cpus.items()}),
    }


def in_all(count: int, interval_ns: int) -> Fields:
    """Of what is counted for the machine and not timed."""
    return {"count": count, "seconds": None, "rate": rate(count, interval_ns), "cpus": {}}


def timed(
    runs: Iterable[tuple[int, Histogram]], worsts: Iterable[Worst | None], interval_ns: int
) -> Fields:
    """``runs`` are the run times of each CPU, one histogram each."""
    by_cpu = list(runs)
    run = merge(part for _, part in by_cpu)
    seconds = run.sum_ns / NS
    return {
        "count": run.count,
        "seconds": seconds,
        "rate": rate(run.count, interval_ns),
        "cpus": counting({cpu: CpuPart(part.count, part.sum_ns / NS) for cpu, part in by_cpu}),
        "share": share(seconds, interval_ns),
        **durations(run, worsts),
    }


def durations(run: Histogram, worsts: Iterable[Worst | None]) -> Fields:
    """How long runs took."""
    worst = longest([worst for worst in worsts if worst])
    p50_s, p99_s, max_s = spread(run, worst)
    return {"p50_s": p50_s, "p99_s": p99_s, "max_s": max_s, "worst": worst}


def waits(latency: Histogram, worsts: Iterable[Worst | None]) -> Fields:
    """How long it waited, or how late it was."""
    worst = longest([worst for worst in worsts if worst])
    p50_s, p99_s, max_s = spread(latency, worst)
    return {
        "latency_p50_s": p50_s,
        "latency_p99_s": p99_s,
        "latency_max_s": max_s,
        "worst_latency": worst,
    }


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


def longest_ns(histogram: Histogram, worst: Worst | None) -> int | None:
    """The longest value, in nanoseconds; None where the worst event is not known.

    The worst event is read apart from the histogram, so one that ended in between may be in the
    histogram only: then its bucket's lower edge is the most that is sure.
    """
    if worst is None:
        return None
    return max(worst.ns, lower_edge_ns(max(histogram.buckets, default=0)))


def quantile_ns(histogram: Histogram, percent: int, most_ns: int | None) -> float | None:
    """The middle of the bucket that holds the nearest-rank quantile, in nanoseconds.

    ``most_ns`` (of ``longest_ns``) bounds it from above. From 30 ns on it is within 10 % of the
    exact quantile, up to the overflow bucket: that one has no middle, so the longest value stands
    in for it, or its lower edge. None for an empty histogram.
    """
    bucket = _bucket_of_rank(histogram, percent)
    if bucket is None:
        return None
    lower = lower_edge_ns(bucket)
    if bucket == OVERFLOW:
        return lower if most_ns is None else most_ns
    middle = (lower + lower_edge_ns(bucket + 1)) / 2
    return middle if most_ns is None else min(middle, most_ns)


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
