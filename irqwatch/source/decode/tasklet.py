"""What bpf/tasklet.c keeps: how long tasklets run."""

import struct
from collections.abc import Iterable

from irqwatch.model.histogram import merge
from irqwatch.model.snapshot import TaskletTime
from irqwatch.source import abi

LOSSES = ("exit_without_entry", "entry_overwritten", "map_full")
LOSSES_AT = 3
CPU_WORDS = LOSSES_AT + len(LOSSES)
WORDS = abi.FUNCTION_WORDS + abi.WORSTS_WORDS + abi.HISTOGRAM_WORDS


def times(entries: Iterable[tuple[bytes, memoryview]], epoch: int) -> tuple[TaskletTime, ...]:
    """One per (function, CPU), sorted, from the entries of ``tasklets``. Functions of one name
    (static ones of two modules) are counted together."""
    found: dict[tuple[str, int], TaskletTime] = {}
    for key, value in entries:
        _, cpu = struct.unpack("=QQ", key)
        function = abi.string(value, 0, abi.FUNCTION_WORDS)
        run = abi.histogram(value, abi.FUNCTION_WORDS + abi.WORSTS_WORDS)
        worst = abi.worst(value, abi.FUNCTION_WORDS, epoch, cpu)
        if before := found.get((function, cpu)):
            run, worst = merge((before.run, run)), abi.longer(before.worst, worst)
        found[function, cpu] = TaskletTime(function, cpu, run, worst)
    return tuple(found[key] for key in sorted(found))


def losses(parts: Iterable[tuple[int, memoryview]]) -> dict[str, int]:
    """By reason, of all CPUs' struct tasklet_cpu."""
    totals = dict.fromkeys(LOSSES, 0)
    for _, value in parts:
        for number, reason in enumerate(LOSSES):
            totals[reason] += value[LOSSES_AT + number]
    return totals
