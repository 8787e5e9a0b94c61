"""What doctor gives collectors to see: a little of what it may do on any host, and that leaves
nothing behind. ``Collector.stimulus`` names one of these."""

import mmap
import os
import signal
import socket
from collections.abc import Callable, Collection, Mapping

from irqwatch import clock

TIMES = 50
LIMIT_SECONDS = 0.2  # for recv(): over loopback a packet is there when send() returns
SLEEP_NS = 200_000


def packet() -> None:
    """Sends packets over loopback to itself. Raises OSError where there is no loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.settimeout(LIMIT_SECONDS)
        own.bind(("127.0.0.1", 0))
        own.connect(own.getsockname())
        for _ in range(TIMES):
            own.send(b"irqwatch")
            own.recv(16)


def timer() -> None:
    """Sleeps for moments."""
    for _ in range(TIMES):
        clock.sleep_until(clock.monotonic_ns() + SLEEP_NS)


def signal_to_itself() -> None:
    """One that does nothing to a process that does not ask for it, signal(7)."""
    before = signal.signal(signal.SIGURG, lambda *_: None)
    try:
        for _ in range(TIMES):
            os.kill(os.getpid(), signal.SIGURG)
    finally:
        signal.signal(signal.SIGURG, before)


def fault() -> None:
    """Writes to memory that it has not touched before."""
    with mmap.mmap(-1, TIMES * mmap.PAGESIZE) as memory:
        for page in range(TIMES):
            memory[page * mmap.PAGESIZE] = 1


STIMULI: Mapping[str, Callable[[], None]] = {
    "packet": packet,
    "timer": timer,
    "signal": signal_to_itself,
    "fault": fault,
}


def give(names: Collection[str]) -> frozenset[str]:
    """Those of ``names`` that could be given."""
    return frozenset(name for name in names if _could(STIMULI[name]))


def _could(stimulus: Callable[[], None]) -> bool:
    try:
        stimulus()
    except OSError:
        return False
    return True
