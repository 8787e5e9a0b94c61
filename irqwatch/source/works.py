"""Merges what the probe keeps of work items, per address and CPU, into one part per name. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from irqwatch.model.histogram import EMPTY, Histogram, merge
from irqwatch.model.snapshot import CountAndTime, WorkTime, Worst
from irqwatch.source.abi import WorkCpuValue, WorkValue, longer

# The address of the function, and the name of the workqueue, "" where it is not known.
Key = tuple[int, str]


@dataclass(slots=True)
class _Parts:
    latency: Histogram = EMPTY
    run: Histogram = EMPTY
    stall_count: int = 0
    stall_ns: int = 0
    cpus: dict[int, CountAndTime] = field(default_factory=dict)
    worst_latency: Worst | None = None
    worst_run: Worst | None = None


def merge_works(
    shared: Iterable[tuple[Key, WorkValue]], by_cpu: Iterable[tuple[Key, int, WorkCpuValue]]
) -> tuple[WorkTime, ...]:
    """One WorkTime per (function name, workqueue name), sorted, of what all CPUs share and of each
    CPU's own part. Functions of one name (static ones of two modules) are counted together."""
    merged: dict[tuple[str, str], _Parts] = {}
    named: dict[Key, tuple[str, str]] = {}
    for key, work in shared:
        named[key] = (work.function, key[1])
        parts = merged.setdefault(named[key], _Parts())
        parts.latency = merge((parts.latency, work.latency))
        parts.run = merge((parts.run, work.run))
    for key, cpu, value in by_cpu:
        if key in named:  # else it came into being between the two reads: next time
            _add_cpu(merged[named[key]], value, cpu)
    return tuple(
        WorkTime(
            function=function,
            workqueue=workqueue,
            latency=parts.latency,
            run=parts.run,
            stall_count=parts.stall_count,
            stall_ns=parts.stall_ns,
            cpus=parts.cpus,
            worst_latency=parts.worst_latency,
            worst_run=parts.worst_run,
        )
        for (function, workqueue), parts in sorted(merged.items())
    )


def _add_cpu(parts: _Parts, value: WorkCpuValue, cpu: int) -> None:
    before = parts.cpus.get(cpu, CountAndTime(0, 0))
    if value.run_count:
        parts.cpus[cpu] = CountAndTime(before.count + value.run_count, before.ns + value.run_ns)
    parts.stall_count += value.stall_count
    parts.stall_ns += value.stall_ns
    parts.worst_latency = longer(parts.worst_latency, value.worst_latency)
    parts.worst_run = longer(parts.worst_run, value.worst_run)
