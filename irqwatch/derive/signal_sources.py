"""Signals as sources: one for each signal and what sent it."""

from collections.abc import Iterable

from irqwatch.base.counters import longest
from irqwatch.base.measures import counting, rate, spread
from irqwatch.model.histogram import merge
from irqwatch.model.snapshot import SignalTime
from irqwatch.model.view import CpuPart, Source


def signals(times: Iterable[SignalTime], interval_ns: int) -> list[Source]:
    """By name and origin. What is counted is their generation; they have a latency and no time of
    their own."""
    kinds: dict[tuple[str, str], list[SignalTime]] = {}
    for part in times:
        kinds.setdefault((part.signal, part.origin), []).append(part)
    return [_signal(*kind, kinds[kind], interval_ns) for kind in sorted(kinds)]


def _signal(signal: str, origin: str, parts: list[SignalTime], interval_ns: int) -> Source:
    latency = merge(part.latency for part in parts)
    worst = longest([part.worst_latency for part in parts if part.worst_latency])
    p50_s, p99_s, max_s = spread(latency, worst)
    count = sum(part.generated_count for part in parts)
    return Source(
        kind="signal",
        name=signal,
        count=count,
        seconds=None,
        rate=rate(count, interval_ns),
        cpus=counting({part.cpu: CpuPart(part.generated_count, None) for part in parts}),
        origin=origin,
        latency_p50_s=p50_s,
        latency_p99_s=p99_s,
        latency_max_s=max_s,
        worst_latency=worst,
        delivered_count=latency.count,
        dropped_count=sum(part.dropped_count for part in parts),
    )
