"""The things that interrupt, each from what an interval counted of it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from irqwatch.base.counters import longest
from irqwatch.base.measures import NS, counting, rate, share, spread
from irqwatch.derive.blame_sources import Names, blamed
from irqwatch.derive.causes import Causes
from irqwatch.derive.exception_sources import exceptions
from irqwatch.derive.interval import Interval
from irqwatch.derive.napi_sources import napis
from irqwatch.derive.signal_sources import signals
from irqwatch.derive.syscall_sources import syscalls
from irqwatch.derive.tasklet_sources import tasklets
from irqwatch.derive.thread_sources import threads
from irqwatch.derive.timed import timed, with_latency
from irqwatch.derive.timer_sources import timers
from irqwatch.model.histogram import merge
from irqwatch.model.snapshot import (
    SOFTIRQ_VECTORS,
    CpuCounts,
    HardirqTime,
    Line,
    SoftirqTime,
    VectorTime,
    WorkTime,
)
from irqwatch.model.view import CpuPart, Source


def sources(interval: Interval, devices: Mapping[int, str], causes: Causes) -> tuple[Source, ...]:
    """Those that counted something, or caused it: lines by number, softirqs by vector, work and
    vectors by name. ``devices`` is by interrupt number."""
    found = (
        *(_with_caused(source, causes, interval.ns) for source in _hardirqs(interval, devices)),
        *_softirqs(interval),
        *_works(interval),
        *(_with_caused(source, causes, interval.ns) for source in _vectors(interval)),
        *_of_collectors(interval, devices),
    )
    return tuple(
        source for source in found if source.count or source.caused or source.delivered_count
    )


def _of_collectors(interval: Interval, devices: Mapping[int, str]) -> Iterable[Source]:
    """Of those that only the probe counts."""
    probe = interval.probe
    if probe:
        yield from timers(probe.timers, interval.ns)
        yield from tasklets(probe.tasklets, interval.ns)
        yield from napis(probe.napis, interval.ns)
        yield from exceptions(probe.exceptions, probe.faulting, interval.ns)
        yield from signals(probe.signals, interval.ns)
        yield from syscalls(probe.syscalls, interval.ns)
        yield from threads(probe.irq_threads, devices, interval.ns)
        yield from blamed(probe.blames, Names(interval.cgroups, devices), interval.ns)


def _with_caused(source: Source, causes: Causes, interval_ns: int) -> Source:
    if source.seconds is None:
        return source
    caused = causes.of(source.irq, source.name)
    whole_seconds = source.seconds + sum(part.seconds for part in caused)
    return replace(source, caused=caused, whole_share=share(whole_seconds, interval_ns))


def _hardirqs(interval: Interval, devices: Mapping[int, str]) -> list[Source]:
    actions: dict[tuple[int, str], list[HardirqTime]] = {}
    timed = set()
    for part in interval.probe.hardirqs if interval.probe else ():
        timed.add(part.irq)
        if part.handled.buckets or part.not_mine_count or part.softirqs:
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
    p50_s, p99_s, max_s = spread(handled, worst)
    return Source(
        kind="hardirq",
        name=action,
        count=count,
        seconds=seconds,
        rate=rate(count, interval_ns),
        cpus=counting(cpus),
        irq=irq,
        device=device,
        share=share(seconds, interval_ns),
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
        rate=rate(count, interval_ns),
        cpus=counting({cpu: CpuPart(part, None) for cpu, part in counts.items()}),
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
    runs = ((part.cpu, part.run) for part in parts)
    source = timed("softirq", vector, runs, (part.worst_run for part in parts), interval_ns)
    return replace(
        with_latency(
            source, (part.latency for part in parts), (part.worst_latency for part in parts)
        ),
        ksoftirqd_count=sum(part.ksoftirqd_count for part in parts),
        ksoftirqd_seconds=sum(part.ksoftirqd_ns for part in parts) / NS,
        interrupt_count=sum(part.interrupt_count for part in parts),
        interrupt_seconds=sum(part.interrupt_ns for part in parts) / NS,
        restarts=sum(part.restarts for part in parts),
    )


def _works(interval: Interval) -> list[Source]:
    works = interval.probe.works if interval.probe else ()
    found = [_work(part, interval.ns) for part in works if part.run.buckets]
    return sorted(found, key=lambda source: (source.name, source.workqueue or ""))


def _work(part: WorkTime, interval_ns: int) -> Source:
    p50_s, p99_s, max_s = spread(part.run, part.worst_run)
    latency_p50_s, latency_p99_s, latency_max_s = spread(part.latency, part.worst_latency)
    count, seconds = part.run.count, part.run.sum_ns / NS
    return Source(
        kind="work",
        name=part.function,
        count=count,
        seconds=seconds,
        rate=rate(count, interval_ns),
        cpus=counting({cpu: CpuPart(done.count, done.ns / NS) for cpu, done in part.cpus.items()}),
        workqueue=part.workqueue,
        share=share(seconds, interval_ns),
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


# The row of /proc/interrupts that counts a vector (arch/x86/kernel/irq.c, arch_show_interrupts()).
ROW_OF_VECTOR = {
    "local_timer": "LOC",
    "reschedule": "RES",
    "call_function": "CAL",
    "call_function_single": "CAL",
    "irq_work": "IWI",
    "thermal_apic": "TRM",
    "threshold_apic": "THR",
    "deferred_error_apic": "DFR",
    "spurious_apic": "SPU",
    "x86_platform_ipi": "PLT",
}


def _vectors(interval: Interval) -> Iterable[Source]:
    """Those the probe timed, and the rows of those that it did not."""
    vectors: dict[str, list[VectorTime]] = {}
    for part in interval.probe.vectors if interval.probe else ():
        if part.run.buckets or part.softirqs:
            vectors.setdefault(part.vector, []).append(part)
    rows = {line.label: line for line in interval.lines if line.irq is None}
    found = [
        _timed_vector(name, parts, interval.ns, rows.get(ROW_OF_VECTOR.get(name, "")))
        for name, parts in vectors.items()
    ]
    for name in vectors:
        rows.pop(ROW_OF_VECTOR.get(name, ""), None)
    found += [
        _counted(
            "vector", line.label, line.counts, interval.ns, description=line.description or None
        )
        for line in rows.values()
    ]
    return sorted(found, key=lambda source: source.name)


def _timed_vector(name: str, parts: list[VectorTime], interval_ns: int, row: Line | None) -> Source:
    runs = ((part.cpu, part.run) for part in parts)
    source = timed("vector", name, runs, (part.worst for part in parts), interval_ns)
    return replace(source, description=row.description or None if row else None)
