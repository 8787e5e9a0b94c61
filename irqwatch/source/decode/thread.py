"""What bpf/thread.c keeps: how long threads of interrupts wait and run."""

from collections.abc import Iterable
from dataclasses import replace

from irqwatch.model.histogram import merge
from irqwatch.model.snapshot import ThreadTime
from irqwatch.source import abi
from irqwatch.source.decode.losses import by_reason

LOSSES = ("wake_map_full", "run_without_wake", "latency_map_full", "run_map_full")
CPU_WORDS = 1 + len(LOSSES)
WORDS = abi.NAME_WORDS + 2 * abi.WORSTS_WORDS + 2 * abi.HISTOGRAM_WORDS


def times(entries: Iterable[tuple[bytes, memoryview]], epoch: int) -> tuple[ThreadTime, ...]:
    """One per (line, action, CPU), sorted, from the entries of ``threads``. Actions of one name on
    one line count together."""
    found: dict[tuple[int, str, int], ThreadTime] = {}
    for key, value in entries:
        _, irq, cpu = abi.hardirq_key(key)
        one = _time(value, irq, cpu, epoch)
        identity = (irq, one.action, cpu)
        found[identity] = _together(found[identity], one) if identity in found else one
    return tuple(found[identity] for identity in sorted(found))


def _time(value: memoryview, irq: int, cpu: int, epoch: int) -> ThreadTime:
    """struct thread_times."""
    worst_at = abi.NAME_WORDS
    latency_at = worst_at + 2 * abi.WORSTS_WORDS
    return ThreadTime(
        irq=irq,
        action=abi.string(value, 0, abi.NAME_WORDS),
        cpu=cpu,
        latency=abi.histogram(value, latency_at),
        run=abi.histogram(value, latency_at + abi.HISTOGRAM_WORDS),
        worst_latency=abi.worst(value, worst_at, epoch, cpu),
        worst_run=abi.worst(value, worst_at + abi.WORSTS_WORDS, epoch, cpu),
    )


def _together(one: ThreadTime, other: ThreadTime) -> ThreadTime:
    return replace(
        one,
        latency=merge((one.latency, other.latency)),
        run=merge((one.run, other.run)),
        worst_latency=abi.longer(one.worst_latency, other.worst_latency),
        worst_run=abi.longer(one.worst_run, other.worst_run),
    )


def losses(parts: Iterable[tuple[int, memoryview]]) -> dict[str, int]:
    """By reason, of all CPUs' struct thread_cpu."""
    return by_reason(LOSSES, ((cpu, value[1:]) for cpu, value in parts))
