"""What bpf/timer.c keeps: how late timers fire."""

from collections.abc import Iterable

from irqwatch.model.snapshot import TimerTime
from irqwatch.source import abi

MODES = ("hard", "soft")
MODE_WORDS = 1 + abi.WORSTS_WORDS + abi.HISTOGRAM_WORDS
CPU_WORDS = 1 + len(MODES) * MODE_WORDS


def times(parts: Iterable[tuple[int, memoryview]], epoch: int) -> tuple[TimerTime, ...]:
    """Of each CPU's struct timer_cpu the modes in which a timer fired."""
    found = []
    for cpu, value in parts:
        for number, mode in enumerate(MODES):
            at = 1 + number * MODE_WORDS
            early_count = value[at]
            latency = abi.histogram(value, at + 1 + abi.WORSTS_WORDS)
            if early_count or latency.buckets:
                worst = abi.worst(value, at + 1, epoch, cpu)
                found.append(TimerTime(cpu, mode, latency, early_count, worst))
    return tuple(found)


def losses(parts: Iterable[tuple[int, memoryview]]) -> dict[str, int]:
    """By reason, of all CPUs."""
    return {"unreadable": sum(value[0] for _, value in parts)}
