"""Processes that matter to interrupts: ksoftirqd/N, irq/N-name, irqbalance."""

import os

from irqwatch.base.text import clean
from irqwatch.model.snapshot import Thread
from irqwatch.parse import task_stat, task_status, thread_name
from irqwatch.source.root import Root, names_in, read_parsed

LOOK_EVERY_NS = 60 * 10**9

# kthreadd, the parent of all kernel threads. Any process may call itself ksoftirqd/0.
KTHREADD = 2


class ThreadsReader:
    """Looks through all processes at most once a minute; between that it reads those it knows.

    Not by psutil, which opens files under /proc that may be anything where it is another root's.
    """

    def __init__(self, root: Root) -> None:
        self._procfs = str(root.procfs)
        self._tick_ns = 10**9 // os.sysconf("SC_CLK_TCK")
        self._known: list[int] = []
        self._looked_ns: int | None = None

    def read(self, now_ns: int) -> tuple[Thread, ...]:
        """In order of pid, with the CPU time each has used until now."""
        if self._looked_ns is None or now_ns - self._looked_ns >= LOOK_EVERY_NS:
            self._looked_ns = now_ns
            self._known = find_processes(self._procfs)
        found = [thread for pid in self._known if (thread := self._thread(pid))]
        self._known = [thread.pid for thread in found]
        return tuple(found)

    def _thread(self, pid: int) -> Thread | None:
        """None where the process is gone, hidden, or no concern of ours."""
        stat = read_parsed(f"{self._procfs}/{pid}/stat", task_stat.parse)
        if stat is None:
            return None
        raw_name = os.fsdecode(stat.name)
        name = thread_name.parse(raw_name) if stat.parent == KTHREADD else None
        if name is None and not is_irqbalance(raw_name, self._uid(pid)):
            return None
        return Thread(
            pid=pid,
            name=clean(stat.name),
            kind=name.kind if name else "irqbalance",
            cpu_ns=stat.ticks * self._tick_ns,
            cpu=name.cpu if name else None,
            irq=name.irq if name else None,
        )

    def _uid(self, pid: int) -> int | None:
        return read_parsed(f"{self._procfs}/{pid}/status", task_status.fs_uid)


def is_irqbalance(name: str, uid: int | None) -> bool:
    """Any process may call itself so; only root's may write /proc/irq. Where the user cannot be
    told, it is."""
    return name == "irqbalance" and not uid


def find_processes(procfs: str) -> list[int]:
    """Those with a name of concern. A name takes a third of the time of a stat, and some hosts have
    ten thousand processes."""
    pids = sorted(int(name) for name in names_in(procfs) if name.isdecimal())
    return [pid for pid in pids if read_parsed(f"{procfs}/{pid}/comm", _is_of_concern)]


def _is_of_concern(comm: bytes) -> bool:
    name = os.fsdecode(comm.removesuffix(b"\n"))
    return name == "irqbalance" or thread_name.parse(name) is not None
