"""What a tracer adds to a UDP packet over loopback: one NET_RX softirq raised, run and left.

The time is the thread's own CPU time: the softirq runs inline in the sender, and other processes
of a shared machine do not count.
"""

import os
import socket
import statistics
import time
from dataclasses import dataclass

from bench.contenders import Contender

PACKETS = 40_000


@dataclass(frozen=True)
class Added:
    """Nanoseconds per packet over the bare machine: the median of the rounds, and all rounds."""

    median_ns: float
    rounds_ns: list[float]


def packet_ns() -> float:
    """CPU time of one packet sent and received, pinned to the last CPU."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.connect(udp.getsockname())
        buffer = bytearray(64)
        send, receive = udp.send, udp.recv_into
        start_ns = time.thread_time_ns()
        for _ in range(PACKETS):
            send(b"x")
            receive(buffer)
        return (time.thread_time_ns() - start_ns) / PACKETS


def added_ns(contenders: dict[str, Contender], rounds: int) -> tuple[float, dict[str, Added]]:
    """(ns of a packet on the bare machine, what each contender adds), all contenders in each round,
    each beside a bare measurement of its own."""
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cpus)})
    bare: list[float] = []
    added: dict[str, list[float]] = {name: [] for name in contenders}
    try:
        for _ in range(rounds):
            for name, contender in contenders.items():
                bare.append(packet_ns())
                with contender():
                    packet_ns()  # the first packets fill caches
                    added[name].append(packet_ns() - bare[-1])
    finally:
        os.sched_setaffinity(0, cpus)
    return statistics.median(bare), {
        name: Added(statistics.median(values), values) for name, values in added.items()
    }
