"""What the collectors of what programs do to themselves add to one page fault, signal, system call.

Like a loopback packet's, the time is the thread's own CPU time, each measurement beside a bare one.
"""

import mmap
import os
import signal
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.contenders import Contender

PAGES = 20_000
SIGNALS = 20_000
CALLS = 200_000


@dataclass(frozen=True)
class Load:
    """``make`` makes ``count`` of ``what``."""

    what: str
    count: int
    make: Callable[[], None]

    def each_ns(self) -> float:
        """CPU time of one."""
        start_ns = time.thread_time_ns()
        self.make()
        return (time.thread_time_ns() - start_ns) / self.count


def touch_pages() -> None:
    with mmap.mmap(-1, PAGES * mmap.PAGESIZE) as pages:
        pages.madvise(mmap.MADV_NOHUGEPAGE)
        for at in range(0, PAGES * mmap.PAGESIZE, mmap.PAGESIZE):
            pages[at] = 1


def send_signals() -> None:
    """To itself: each is delivered before the next is sent."""
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    pid = os.getpid()
    for _ in range(SIGNALS):
        os.kill(pid, signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


def call() -> None:
    getppid = os.getppid
    for _ in range(CALLS):
        getppid()


LOADS = {
    "exception": Load("page fault", PAGES, touch_pages),
    "signal": Load("signal", SIGNALS, send_signals),
    "syscall": Load("system call", CALLS, call),
}


def added_ns(load: Load, contender: Contender, rounds: int) -> tuple[float, float]:
    """(ns of one on the bare machine, what the contender adds), medians of the rounds."""
    bare: list[float] = []
    added: list[float] = []
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cpus)})
    try:
        for _ in range(rounds):
            bare.append(load.each_ns())
            with contender():
                load.each_ns()  # the first ones fill caches and make the entries
                added.append(load.each_ns() - bare[-1])
    finally:
        os.sched_setaffinity(0, cpus)
    return statistics.median(bare), statistics.median(added)
