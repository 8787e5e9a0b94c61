"""High-resolution timers as sources: hard and soft ones."""

from collections.abc import Iterable

from irqwatch.base.counters import longest
from irqwatch.base.measures import counting, rate, spread
from irqwatch.model.histogram import merge
from irqwatch.model.snapshot import TimerTime
from irqwatch.model.view import CpuPart, Source


def timers(times: Iterable[TimerTime], interval_ns: int) -> list[Source]:
    """One a mode, by name. They have a latency and no time of their own."""
    modes: dict[str, list[TimerTime]] = {}
    for part in times:
        modes.setdefault(part.mode, []).append(part)
    return [_timer(mode, modes[mode], interval_ns) for mode in sorted(modes)]


def _timer(mode: str, parts: list[TimerTime], interval_ns: int) -> Source:
    latency = merge(part.latency for part in parts)
    early_count = sum(part.early_count for part in parts)
    worst = longest([part.worst_latency for part in parts if part.worst_latency])
    p50_s, p99_s, max_s = spread(latency, worst)
    count = latency.count + early_count
    by_cpu = {
        part.cpu: spread(part.latency, part.worst_latency)
        for part in sorted(parts, key=lambda part: part.cpu)
        if part.latency.buckets
    }
    return Source(
        kind="timer",
        name=mode,
        count=count,
        seconds=None,
        rate=rate(count, interval_ns),
        cpus=counting(
            {part.cpu: CpuPart(part.latency.count + part.early_count, None) for part in parts}
        ),
        latency_p50_s=p50_s,
        latency_p99_s=p99_s,
        latency_max_s=max_s,
        worst_latency=worst,
        early_count=early_count,
        cpu_latency_p99_s={cpu: p99_s for cpu, (_, p99_s, _) in by_cpu.items()},
        cpu_latency_max_s={cpu: max_s for cpu, (_, _, max_s) in by_cpu.items()},
    )
