"""What an event costs in the programs of each collector that has no bench of its own.

By the kernel's statistics (kernel.bpf_stats_enabled), as in bench/hardirq.py: nanoseconds in the
collector's programs over the events of its load. A tasklet is two events, its start and its end; a
work item four. And what all default collectors together cost a packet and a read of the disk.
"""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.contenders import Contender, probe, program_times_ns
from bench.hardirq import bpf_statistics
from irqwatch.collectors import BY_NAME, DEFAULT_COLLECTORS
from tests.live.load import send_udp_packets, set_keyboard_lights

# name, runs, nanoseconds of each program
Programs = list[tuple[str, int, int]]


@dataclass(frozen=True)
class Load:
    """``what`` is counted by the last of the collector's programs."""

    what: str
    last_program: str
    run: Callable[[], object]


def sleep_shortly() -> None:
    for _ in range(2000):
        time.sleep(0.0005)


def write_to_terminals() -> None:
    """Each write queues a work item (flush_to_ldisc)."""
    master, slave = os.openpty()
    try:
        for _ in range(2000):
            os.write(slave, b"x")
            os.read(master, 1)
    finally:
        os.close(slave)
        os.close(master)


LOADS = {
    "vector": Load("vector", "irqw_vec_exit", sleep_shortly),
    "work": Load("work item", "irqw_work_end", write_to_terminals),
    "timer": Load("timer that fires", "irqw_hrtimer", sleep_shortly),
    "tasklet": Load("tasklet", "irqw_tlet_exit", lambda: set_keyboard_lights(1000)),
    "thread": Load("context switch", "irqw_switch", sleep_shortly),
    "napi": Load("poll of a device", "irqw_napi_poll", lambda: send_udp_packets(20_000)),
}


def event_ns(collector: str, rounds: int) -> float:
    """Median over the rounds of the programs' nanoseconds per event."""
    load = LOADS[collector]
    needed = BY_NAME[collector].probed.needs[:1]

    def events(ours: Programs) -> int:
        return sum(runs for name, runs, _ in ours if name == load.last_program)

    return _median_ns(probe(collector, *needed), load.run, events, rounds)


def blame_ns(rounds: int) -> float:
    """What it adds to a loopback packet, whose softirq is taken from the sender."""

    def packet_ns(*collectors: str) -> float:
        return _median_ns(
            probe(*collectors), lambda: send_udp_packets(20_000), lambda ours: 20_000, rounds
        )

    return packet_ns("softirq", "blame") - packet_ns("softirq")


def defaults_ns(run: Callable[[int], object], count: int, rounds: int) -> float:
    """Of all default collectors, per unit of a load of ``count``. What else goes on on the machine
    in that time is in it."""
    return _median_ns(
        probe(*sorted(DEFAULT_COLLECTORS)), lambda: run(count), lambda ours: count, rounds
    )


def _median_ns(
    contender: Contender,
    run: Callable[[], object],
    events: Callable[[Programs], int],
    rounds: int,
) -> float:
    found = []
    with bpf_statistics():
        for _ in range(rounds):
            others = program_times_ns().keys()
            with contender():
                run()
                times = program_times_ns()
            ours = [part for number, part in times.items() if number not in others]
            found.append(sum(ns for _, _, ns in ours) / events(ours))
    return statistics.median(found)
