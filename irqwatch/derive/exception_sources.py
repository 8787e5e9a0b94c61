"""Exceptions as sources: a kind each, with the processes that took most of its page faults."""

from collections.abc import Iterable, Sequence

from irqwatch.base.measures import counting, rate
from irqwatch.model.snapshot import ExceptionCount, ProcessFaults
from irqwatch.model.view import CpuPart, ProcessPart, Source

PROCESSES_SHOWN = 10


def exceptions(
    counts: Iterable[ExceptionCount], faulting: Sequence[ProcessFaults], interval_ns: int
) -> list[Source]:
    """One a kind, in their order."""
    processes = {
        "page_fault_user": _largest((part, part.user_count) for part in faulting),
        "page_fault_kernel": _largest((part, part.kernel_count) for part in faulting),
    }
    return [_exception(part, processes.get(part.exception, ()), interval_ns) for part in counts]


def _largest(counted: Iterable[tuple[ProcessFaults, int]]) -> tuple[ProcessPart, ...]:
    parts = [ProcessPart(process.pid, process.comm, count) for process, count in counted if count]
    return tuple(sorted(parts, key=lambda part: (-part.count, part.pid))[:PROCESSES_SHOWN])


def _exception(
    part: ExceptionCount, processes: tuple[ProcessPart, ...], interval_ns: int
) -> Source:
    count = sum(part.cpus.values())
    return Source(
        kind="exception",
        name=part.exception,
        count=count,
        seconds=None,
        rate=rate(count, interval_ns),
        cpus=counting({cpu: CpuPart(of_cpu, None) for cpu, of_cpu in part.cpus.items()}),
        processes=processes,
    )
