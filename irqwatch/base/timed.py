"""What sources have in common, as the fields of a Source: counts, run times, waits."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

from irqwatch.base.counters import longest
from irqwatch.base.measures import NS, counting, rate, share, spread
from irqwatch.model.histogram import Histogram, merge
from irqwatch.model.snapshot import Worst
from irqwatch.model.view import CpuPart

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
    count = sum(cpus.values())
    return {
        "count": count,
        "seconds": None,
        "rate": rate(count, interval_ns),
        "cpus": counting({cpu: CpuPart(part, None) for cpu, part in cpus.items()}),
    }


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
