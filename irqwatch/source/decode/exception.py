"""What bpf/exception.c keeps: exceptions by CPU, and page faults by process."""

import struct
from collections.abc import Iterable

from irqwatch.model.snapshot import ExceptionCount, ProcessFaults
from irqwatch.source import abi

EXCEPTIONS = ("page_fault_user", "page_fault_kernel", "nmi", "machine_check")
PAGE_FAULTS = 2
CPU_WORDS = len(EXCEPTIONS)
PROCESS_WORDS = PAGE_FAULTS + 2


def counts(parts: Iterable[tuple[int, memoryview]]) -> tuple[ExceptionCount, ...]:
    """One per exception that came, in the order of ``EXCEPTIONS``, from all CPUs' struct
    exceptions."""
    by_cpu: dict[str, dict[int, int]] = {exception: {} for exception in EXCEPTIONS}
    for cpu, value in parts:
        for exception, count in zip(EXCEPTIONS, value, strict=True):
            if count:
                by_cpu[exception][cpu] = count
    return tuple(ExceptionCount(exception, cpus) for exception, cpus in by_cpu.items() if cpus)


def processes(entries: Iterable[tuple[bytes, memoryview]]) -> tuple[ProcessFaults, ...]:
    """Sorted by process, from the entries of ``exception_processes``."""
    found = []
    for key, value in entries:
        (pid,) = struct.unpack("=Q", key)
        comm = abi.string(value, PAGE_FAULTS, 2)
        found.append(ProcessFaults(pid, comm, user_count=value[0], kernel_count=value[1]))
    return tuple(sorted(found, key=lambda process: process.pid))
