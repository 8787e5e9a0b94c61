"""Processes that matter to interrupts: ksoftirqd/N, irq/N-name, irqbalance."""

import contextlib
import os

import psutil

from irqwatch.base.text import clean
from irqwatch.model.snapshot import Thread
from irqwatch.parse import thread_name
from irqwatch.source.root import Root, Unreadable, names_in, read

LOOK_EVERY_NS = 60 * 10**9

# What psutil raises of a process that is gone or hidden, or whose files are garbled.
UNREADABLE = (psutil.Error, OSError, RuntimeError, ValueError, IndexError)

# kthreadd, the parent of all kernel threads. Any process may call itself ksoftirqd/0.
KTHREADD = 2


class ThreadsReader:
    """Looks through all processes at most once a minute; between that it reads those it knows.

    psutil has one /proc for the whole process, so only one root can be read at a time.
    """

    def __init__(self, root: Root) -> None:
        self._procfs = str(root.procfs)
        self._known: list[psutil.Process] = []
        self._looked_ns: int | None = None

    def read(self, now_ns: int) -> tuple[Thread, ...]:
        """In order of pid, with the CPU time each has used until now."""
        psutil.PROCFS_PATH = self._procfs
        look = self._looked_ns is None or now_ns - self._looked_ns >= LOOK_EVERY_NS
        if look:
            self._looked_ns = now_ns
        processes = find_processes() if look else self._known
        found = [(process, thread) for process in processes if (thread := read_thread(process))]
        self._known = [process for process, _ in found]
        return tuple(thread for _, thread in found)


def find_processes() -> list[psutil.Process]:
    """Those with a name of concern. psutil takes 55 µs to look at a process, its name 10 µs, and
    some hosts have ten thousand. psutil.process_iter() would keep those of another root."""
    found = []
    for name in names_in(psutil.PROCFS_PATH):
        if name.isdecimal() and _is_of_concern(read(f"{psutil.PROCFS_PATH}/{name}/comm")):
            with contextlib.suppress(*UNREADABLE):
                found.append(psutil.Process(int(name)))
    return sorted(found, key=lambda process: process.pid)


def _is_of_concern(comm: bytes | Unreadable) -> bool:
    if isinstance(comm, Unreadable):
        return False
    name = os.fsdecode(comm.removesuffix(b"\n"))
    return name == "irqbalance" or thread_name.parse(name) is not None


def read_thread(process: psutil.Process) -> Thread | None:
    """None where the process is gone, hidden, or no concern of ours."""
    try:
        with process.oneshot():  # one read of /proc/PID/stat for all three
            raw_name = process.name()
            name = thread_name.parse(raw_name) if process.ppid() == KTHREADD else None
            if name is None and raw_name != "irqbalance":
                return None
            times = process.cpu_times()
    except UNREADABLE:
        return None
    return Thread(
        pid=process.pid,
        name=clean(os.fsencode(raw_name)),
        kind=name.kind if name else "irqbalance",
        cpu_ns=round((times.user + times.system) * 1e9),
        cpu=name.cpu if name else None,
        irq=name.irq if name else None,
    )
