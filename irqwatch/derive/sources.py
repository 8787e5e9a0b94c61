"""The things that interrupt, each from what an interval counted of it."""

from collections.abc import Iterable, Mapping

from irqwatch.derive.delta import longest
from irqwatch.derive.interval import Interval
from irqwatch.derive.quantile import longest_ns, quantile_ns
from irqwatch.model.histogram import Histogram, merge
from irqwatch.model.snapshot import (
    SOFTIRQ_VECTORS,
    CpuCounts,
    HardirqTime,
    Line,
    SoftirqTime,
    WorkTime,
    Worst,
)
from irqwatch.model.view import CpuPart, Source

NS = 1e9


def sources(interval: Interval, devices: Mapping[int, str]) -> tuple[Source, ...]:
    """Those that counted something: lines by number, softirqs by vector, work and architecture
    rows by name. ``devices`` is by interrupt number."""
    found = (
        *_hardirqs(interval, devices),
        *_softirqs(interval),
        *_works(interval),
        *_vectors(interval),
    )
    return tuple(source for source in found if source.count)


def _hardirqs(interval: Interval, devices: Mapping[int, str]) -> list[Source]:
    actions: dict[tuple[int, str], list[HardirqTime]] = {}
    timed = set()
    for part in interval.probe.hardirqs if interval.probe else ():
        timed.add(part.irq)
        if part.handled.buckets or part.not_mine_count:
            actions.setdefault((part.irq, part.action), []).append(part)
    found = [
        _timed_hardirq(irq, action, parts, interval.ns, devices.get(irq))
        for (irq, action), parts in actions.items()
    ]
    for line in interval.lines:
        if line.irq is not None and line.irq not in timed:
            found.append(_counted_line(line, line.irq, interval.ns, devices.get(line.irq)))
    return sorted(found, key=lambda source: (source.irq or 0, source.name))


def _timed_hardirq(
    irq: int, action: str, parts: list[HardirqTime], interval_ns: int, device: str | None
) -> Source:
    handled = merge(part.handled for part in parts)
    not_mine_count = sum(part.not_mine_count for part in parts)
    not_mine_ns = sum(part.not_mine_ns for part in parts)
    worst = longest([part.worst for part in parts if part.worst])
    cpus = {
        part.cpu: CpuPart(
            part.handled.count + part.not_mine_count,
            (part.handled.sum_ns + part.not_mine_ns) / NS,
        )
        for part in parts
    }
    count = handled.count + not_mine_count
    seconds = (handled.sum_ns + not_mine_ns) / NS
    p50_s, p99_s, max_s = _spread(handled, worst)
    return Source(
        kind="hardirq",
        name=action,
        count=count,
        seconds=seconds,
        rate=_rate(count, interval_ns),
        cpus=_counting(cpus),
        irq=irq,
        device=device,
        share=_share(seconds, interval_ns),
        p50_s=p50_s,
        p99_s=p99_s,
        max_s=max_s,
        worst=worst,
        not_mine_count=not_mine_count,
        not_mine_seconds=not_mine_ns / NS,
    )


def _counted_line(line: Line, irq: int, interval_ns: int, device: str | None) -> Source:
    # One source for all actions of a shared line: the kernel counts the line, not them.
    name = ", ".join(line.actions) or line.description or line.label
    return _counted("hardirq", name, line.counts, interval_ns, irq=irq, device=device)


def _counted(
    kind: str,
    name: str,
    counts: CpuCounts,
    interval_ns: int,
    *,
    irq: int | None = None,
    device: str | None = None,
    description: str | None = None,
) -> Source:
    """A source that only the kernel counted: how long it took is unknown."""
    count = sum(counts.values())
    return Source(
        kind=kind,
        name=name,
        count=count,
        seconds=None,
        rate=_rate(count, interval_ns),
        cpus=_counting({cpu: CpuPart(part, None) for cpu, part in counts.items()}),
        irq=irq,
        device=device,
        description=description,
    )


def _softirqs(interval: Interval) -> list[Source]:
    vectors: dict[str, list[SoftirqTime]] = {}
    for part in interval.probe.softirqs if interval.probe else ():
        vectors.setdefault(part.vector, []).append(part)
    found = [_timed_softirq(vector, parts, interval.ns) for vector, parts in vectors.items()]
    found += [
        _counted("softirq", vector, counts, interval.ns)
        for vector, counts in interval.softirqs.items()
        if vector not in vectors
    ]
    order = {vector: index for index, vector in enumerate(SOFTIRQ_VECTORS)}
    return sorted(found, key=lambda source: (order.get(source.name, len(order)), source.name))


def _timed_softirq(vector: str, parts: list[SoftirqTime], interval_ns: int) -> Source:
    run = merge(part.run for part in parts)
    latency = merge(part.latency for part in parts)
    worst = longest([part.worst_run for part in parts if part.worst_run])
    worst_latency = longest([part.worst_latency for part in parts if part.worst_latency])
    p50_s, p99_s, max_s = _spread(run, worst)
    latency_p50_s, latency_p99_s, latency_max_s = _spread(latency, worst_latency)
    count, seconds = run.count, run.sum_ns / NS
    return Source(
        kind="softirq",
        name=vector,
        count=count,
        seconds=seconds,
        rate=_rate(count, interval_ns),
        cpus=_counting({part.cpu: CpuPart(part.run.count, part.run.sum_ns / NS) for part in parts}),
        share=_share(seconds, interval_ns),
        p50_s=p50_s,
        p99_s=p99_s,
        max_s=max_s,
        latency_p50_s=latency_p50_s,
        latency_p99_s=latency_p99_s,
        latency_max_s=latency_max_s,
        worst=worst,
        worst_latency=worst_latency,
        ksoftirqd_count=sum(part.ksoftirqd_count for part in parts),
        ksoftirqd_seconds=sum(part.ksoftirqd_ns for part in parts) / NS,
    )


def _works(interval: Interval) -> list[Source]:
    found = [_work(part, interval.ns) for part in (interval.probe.works if interval.probe else ())]
    return sorted(found, key=lambda source: (source.name, source.workqueue or ""))


def _work(part: WorkTime, interval_ns: int) -> Source:
    p50_s, p99_s, max_s = _spread(part.run, part.worst_run)
    latency_p50_s, latency_p99_s, latency_max_s = _spread(part.latency, part.worst_latency)
    count, seconds = part.run.count, part.run.sum_ns / NS
    return Source(
        kind="work",
        name=part.function,
        count=count,
        seconds=seconds,
        rate=_rate(count, interval_ns),
        cpus=_counting({cpu: CpuPart(done.count, done.ns / NS) for cpu, done in part.cpus.items()}),
        workqueue=part.workqueue,
        share=_share(seconds, interval_ns),
        p50_s=p50_s,
        p99_s=p99_s,
        max_s=max_s,
        latency_p50_s=latency_p50_s,
        latency_p99_s=latency_p99_s,
        latency_max_s=latency_max_s,
        worst=part.worst_run,
        worst_latency=part.worst_latency,
        stall_count=part.stall_count,
        stall_seconds=part.stall_ns / NS,
    )


def _vectors(interval: Interval) -> Iterable[Source]:
    found = [
        _counted(
            "vector", line.label, line.counts, interval.ns, description=line.description or None
        )
        for line in interval.lines
        if line.irq is None
    ]
    return sorted(found, key=lambda source: source.name)


def _counting(cpus: Mapping[int, CpuPart]) -> dict[int, CpuPart]:
    """By CPU number, those that counted nothing left out."""
    return {cpu: cpus[cpu] for cpu in sorted(cpus) if cpus[cpu].count}


def _spread(
    histogram: Histogram, worst: Worst | None
) -> tuple[float | None, float | None, float | None]:
    """p50, p99 and the longest, in seconds."""
    most_ns = longest_ns(histogram, worst)
    all_ns = (quantile_ns(histogram, 50, most_ns), quantile_ns(histogram, 99, most_ns), most_ns)
    p50_s, p99_s, max_s = (None if ns is None else ns / NS for ns in all_ns)
    return p50_s, p99_s, max_s


def _rate(count: int, interval_ns: int) -> float:
    return count * NS / interval_ns if interval_ns else 0.0


def _share(seconds: float, interval_ns: int) -> float | None:
    return seconds * NS / interval_ns if interval_ns else None
