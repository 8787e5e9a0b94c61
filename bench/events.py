"""What an event costs in the programs of each registered collector.

By the kernel's statistics (kernel.bpf_stats_enabled), as in bench/hardirq.py: nanoseconds in the
collector's programs over its events, under one load that has something for each. And what all
default collectors together cost a packet and a read of the disk.
"""

import os
import statistics
from collections.abc import Callable

from bench.contenders import Contender, probe, program_times_ns
from bench.hardirq import bpf_statistics
from irqwatch.collectors import BY_NAME, COLLECTORS, DEFAULT_COLLECTORS
from irqwatch.source.stimuli import STIMULI, give
from tests.live.load import (
    CONSOLE,
    read_disk,
    send_udp_packets,
    set_keyboard_lights,
    wake_on_another_cpu,
)

# name, runs, nanoseconds of each program
Programs = list[tuple[str, int, int]]

STIMULI_TIMES = 20
COUNT = 1000


def write_to_terminals() -> None:
    """Each write queues a work item (flush_to_ldisc)."""
    master, slave = os.openpty()
    try:
        for _ in range(COUNT):
            os.write(slave, b"x")
            os.read(master, 1)
    finally:
        os.close(slave)
        os.close(master)


def everything() -> None:
    """Something for each collector to see. What one does not see costs its programs nothing."""
    for _ in range(STIMULI_TIMES):
        give(STIMULI)
    write_to_terminals()
    read_disk(COUNT)
    wake_on_another_cpu(COUNT)
    if CONSOLE.exists():
        set_keyboard_lights(COUNT)


def counted_by(collector: str) -> str:
    """The program of which each run is an event of the collector; "" where it has none."""
    probed = BY_NAME[collector].probed
    return probed.counted_by or (probed.hooks[0].program if probed.hooks else "")


# What several programs of others see has no event of its own: see ``blame_ns``.
EVENTS = {name: program for name in COLLECTORS if (program := counted_by(name))}


def event_ns(collector: str, rounds: int) -> float | None:
    """Median over the rounds of the nanoseconds in the collector's own programs per event; None
    where none came."""
    probed = BY_NAME[collector].probed
    own = {hook.program for hook in probed.hooks}
    found = []
    for _ in range(rounds):
        times = _times(probe(collector, *probed.needs[:1]), everything)
        events = sum(runs for name, runs, _ in times if name == EVENTS[collector])
        if events:
            found.append(sum(ns for name, _, ns in times if name in own) / events)
    return statistics.median(found) if found else None


def blame_ns(rounds: int) -> float:
    """What it adds to a loopback packet, whose softirq is taken from the sender."""

    def packet_ns(*collectors: str) -> float:
        return _median_ns(probe(*collectors), lambda: send_udp_packets(20_000), 20_000, rounds)

    return packet_ns("softirq", "blame") - packet_ns("softirq")


def defaults_ns(run: Callable[[int], object], count: int, rounds: int) -> float:
    """Of all default collectors, per unit of a load of ``count``. What else goes on on the machine
    in that time is in it."""
    return _median_ns(probe(*sorted(DEFAULT_COLLECTORS)), lambda: run(count), count, rounds)


def _median_ns(
    contender: Contender,
    run: Callable[[], object],
    count: int,
    rounds: int,
) -> float:
    """Of all its programs, per unit of a load of ``count``."""
    sums = [sum(ns for _, _, ns in _times(contender, run)) for _ in range(rounds)]
    return statistics.median(sums) / count


def _times(contender: Contender, run: Callable[[], object]) -> Programs:
    with bpf_statistics():
        others = program_times_ns().keys()
        with contender():
            run()
            times = program_times_ns()
    return [part for number, part in times.items() if number not in others]
