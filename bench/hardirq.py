"""What a tracer adds to a hard interrupt.

An interrupt of virtio-rng takes tens of microseconds from end to end, too coarse to see a hundred
nanoseconds in; so this is the programs' own run time, by the kernel's statistics
(kernel.bpf_stats_enabled), over the interrupts of reads of /dev/hwrng. It leaves out what a classic
tracepoint, which the peers use, costs before its program runs, and so favours them.
"""

import contextlib
import statistics
from collections.abc import Iterator
from pathlib import Path

from bench.contenders import Contender, program_times_ns
from tests.live.kernel import interrupt_counts
from tests.live.load import read_hwrng

READS = 3_000
SWITCH = Path("/proc/sys/kernel/bpf_stats_enabled")


@contextlib.contextmanager
def bpf_statistics() -> Iterator[None]:
    before = SWITCH.read_text()
    SWITCH.write_text("1")
    try:
        yield
    finally:
        SWITCH.write_text(before)


def added_ns(contenders: dict[str, Contender], rounds: int) -> dict[str, float]:
    """Median over the rounds of the programs' nanoseconds per interrupt, by contender."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    with bpf_statistics():
        for _ in range(rounds):
            for name, contender in contenders.items():
                others = set(program_times_ns())
                with contender():
                    found[name].append(one_round_ns(others))
    return {name: statistics.median(values) for name, values in found.items()}


def one_round_ns(others: set[int]) -> float:
    """Nanoseconds per interrupt in the programs that are not ``others``."""
    before_ns, before = total_ns(others), sum(interrupt_counts().values())
    read_hwrng(READS)
    after = sum(interrupt_counts().values())
    return (total_ns(others) - before_ns) / (after - before)


def total_ns(others: set[int]) -> int:
    return sum(ns for program, (_, _, ns) in program_times_ns().items() if program not in others)
