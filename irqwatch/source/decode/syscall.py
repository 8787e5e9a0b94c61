"""What bpf/syscall.c keeps: how long system calls take."""

import struct
from collections.abc import Iterable

from irqwatch.model.snapshot import SyscallTime
from irqwatch.source import abi
from irqwatch.source.decode.losses import by_reason
from irqwatch.source.decode.syscall_names import UNKNOWN, name

LOSSES = ("enter_map_full", "exit_without_enter", "exit_map_full")
UNKNOWN_SYSCALL = 1024
WORDS = abi.WORSTS_WORDS + abi.HISTOGRAM_WORDS


def times(
    entries: Iterable[tuple[bytes, memoryview]], epoch: int, machine: str
) -> tuple[SyscallTime, ...]:
    """One per (system call, CPU), in the order of the calls' numbers, from the entries of
    ``syscalls`` on a ``machine`` (uname -m)."""
    found = []
    for key, value in sorted(entries, key=lambda entry: struct.unpack("=II", entry[0])):
        number, cpu = struct.unpack("=II", key)
        found.append(
            SyscallTime(
                syscall=UNKNOWN if number >= UNKNOWN_SYSCALL else name(number, machine),
                cpu=cpu,
                run=abi.histogram(value, abi.WORSTS_WORDS),
                worst=abi.worst(value, 0, epoch, cpu),
            )
        )
    return tuple(found)


def losses(parts: Iterable[tuple[int, memoryview]]) -> dict[str, int]:
    """By reason, of all CPUs' struct syscall_losses."""
    return by_reason(LOSSES, parts)
