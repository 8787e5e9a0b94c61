"""What all sources have in common that the probe times on each CPU."""

from collections.abc import Iterable
from dataclasses import replace

from irqwatch.base.counters import longest
from irqwatch.base.measures import NS, counting, rate, share, spread
from irqwatch.model.histogram import Histogram, merge
from irqwatch.model.snapshot import Worst
from irqwatch.model.view import CpuPart, Source


def timed(
    kind: str,
    name: str,
    runs: Iterable[tuple[int, Histogram]],
    worsts: Iterable[Worst | None],
    interval_ns: int,
) -> Source:
    """``runs`` are the run times of each CPU, one histogram each."""
    by_cpu = list(runs)
    run = merge(part for _, part in by_cpu)
    worst = longest([worst for worst in worsts if worst])
    p50_s, p99_s, max_s = spread(run, worst)
    seconds = run.sum_ns / NS
    return Source(
        kind=kind,
        name=name,
        count=run.count,
        seconds=seconds,
        rate=rate(run.count, interval_ns),
        cpus=counting({cpu: CpuPart(part.count, part.sum_ns / NS) for cpu, part in by_cpu}),
        share=share(seconds, interval_ns),
        p50_s=p50_s,
        p99_s=p99_s,
        max_s=max_s,
        worst=worst,
    )


def with_latency(
    source: Source, latencies: Iterable[Histogram], worsts: Iterable[Worst | None]
) -> Source:
    """And how long it waited before it ran."""
    worst = longest([worst for worst in worsts if worst])
    p50_s, p99_s, max_s = spread(merge(latencies), worst)
    return replace(
        source,
        latency_p50_s=p50_s,
        latency_p99_s=p99_s,
        latency_max_s=max_s,
        worst_latency=worst,
    )
