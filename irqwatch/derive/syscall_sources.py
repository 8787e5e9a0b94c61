"""System calls as sources: a call each."""

from collections.abc import Iterable
from dataclasses import replace

from irqwatch.derive.timed import timed
from irqwatch.model.snapshot import SyscallTime
from irqwatch.model.view import Source


def syscalls(times: Iterable[SyscallTime], interval_ns: int) -> list[Source]:
    """One a call, by name, on the CPUs it ended on. Most of the time of one that waits is sleep, so
    it is no share of a CPU's."""
    calls: dict[str, list[SyscallTime]] = {}
    for part in times:
        calls.setdefault(part.syscall, []).append(part)
    return [_syscall(name, calls[name], interval_ns) for name in sorted(calls)]


def _syscall(name: str, parts: list[SyscallTime], interval_ns: int) -> Source:
    runs = ((part.cpu, part.run) for part in parts)
    return replace(
        timed("syscall", name, runs, (part.worst for part in parts), interval_ns), share=None
    )
