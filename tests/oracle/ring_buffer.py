"""Kernel events with their exact times, from the kernel's own trace ring buffer.

A tracefs instance of its own (other users of tracefs are not disturbed) with the clock that BPF
programs read, CLOCK_MONOTONIC. The text in ``trace`` is rounded to microseconds, so the binary
pages are read (tests/oracle/pages.py).
"""

import contextlib
import ctypes
import functools
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.events import X86_VECTORS, Event
from tests.oracle.pages import EventsLost, Raw, decoder_of, raw_pages, records

PREFIX = "irqwatch-oracle-"

# Those of lines, vectors, softirqs and work that the probe attaches to. What a kernel lacks of them
# is left out.
EVENTS = (
    "irq/irq_handler_entry",
    "irq/irq_handler_exit",
    "irq/softirq_raise",
    "irq/softirq_entry",
    "irq/softirq_exit",
    "workqueue/workqueue_queue_work",
    "workqueue/workqueue_activate_work",
    "workqueue/workqueue_execute_start",
    "workqueue/workqueue_execute_end",
    *(f"irq_vectors/{name}_{end}" for name in X86_VECTORS for end in ("entry", "exit")),
)
SWITCHES = "sched/sched_switch"
# Who interrupts which CPU; and the arguments that tests/oracle/calls.py finds out. A mask of CPUs
# is left out: hosts of two have none.
CALLS = (
    "csd/csd_queue_cpu",
    "ipi/ipi_send_cpu",
    "csd/csd_function_entry",
    "csd/csd_function_exit",
)
ARGUMENTS_OF_CALLS: Mapping[str, tuple[int | str, ...]] = {
    "csd_queue_cpu": (0,),
    "ipi_send_cpu": (),
    "csd_function_entry": (0, ""),
    "csd_function_exit": (),
}
NO_DEVICE = "(no_device)"  # include/trace/events/napi.h

MNT_DETACH = 2  # include/linux/fs.h
PF_KTHREAD = 0x00200000  # include/linux/sched.h


def most_megabytes() -> int:
    """For each CPU of a host with many and little memory: there are two buffers at once, and one
    that is too small says so (EventsLost)."""
    memory_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, (memory_bytes >> 20) // 16 // (os.cpu_count() or 1))


class RingBuffer:
    """A context manager: the instance is there inside it, and gone after it. ``name`` tells apart
    those of one process; ``recorded`` are the events it is for."""

    def __init__(
        self, name: str = "", megabytes_per_cpu: int = 64, recorded: Sequence[str] = EVENTS
    ) -> None:
        self._name = f"{PREFIX}{os.getpid()}-{name}"
        self._megabytes = min(megabytes_per_cpu, most_megabytes())
        self._recorded = recorded
        self._cleanup = contextlib.ExitStack()
        self._tracefs = Path()
        self._instance = Path()

    def __enter__(self) -> "RingBuffer":
        with contextlib.ExitStack() as stack:
            self._tracefs = stack.enter_context(mounted_tracefs())
            remove_leftovers(self._tracefs)
            self._instance = self._tracefs / "instances" / self._name
            self._instance.mkdir()
            self._recorded = [
                event for event in self._recorded if (self._instance / "events" / event).is_dir()
            ]
            stack.callback(self._instance.rmdir)
            self._write("tracing_on", "0")
            stack.callback(self._write, "events/enable", "0")
            self._write("trace_clock", "mono")
            self._write("buffer_size_kb", str(self._megabytes << 10))
            self._cleanup = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._cleanup.close()

    def _write(self, name: str, text: str) -> None:
        (self._instance / name).write_text(text)

    def filter(self, event: str, condition: str) -> None:
        """Record of this event only those of which the condition on its fields holds
        (Documentation/trace/events.rst, "Event filtering")."""
        self._write(f"events/{event}/filter", condition)

    def enable(self) -> None:
        """Take a place in the order in which the kernel calls those that look at an event: behind
        all that are there, BPF programs too (tracepoint_probe_register(), kernel/tracepoint.c)."""
        for event in self._recorded:
            self._write(f"events/{event}/enable", "1")

    def start(self) -> None:
        """Record from now on."""
        self._write("tracing_on", "1")

    def stop(self) -> None:
        """Record no more."""
        self._write("tracing_on", "0")

    def events(self) -> list[Event]:
        """What was recorded, in the order of the times; of one CPU, in its own order. Raises
        EventsLost."""
        saved = (self._tracefs / "saved_cmdlines").read_text(errors="surrogateescape")
        task, numbers = tasks(saved), Numbers()
        events: list[Event] = []
        for cpu, raws in self.raws():
            events += to_events(raws, cpu, numbers, task)
        events.sort(key=lambda event: event.time_ns)
        return events

    def raws(self) -> Iterator[tuple[int, Iterator[Raw]]]:
        """CPU by CPU what was recorded there, with the fields as they are. Raises EventsLost."""
        decoders = {}
        for event in self._recorded:
            number, decoder = decoder_of((self._instance / "events" / event / "format").read_text())
            decoders[number] = decoder
        page_bytes = self._page_bytes()
        for folder in sorted(self._instance.glob("per_cpu/cpu*")):
            check_nothing_lost(folder.name, (folder / "stats").read_text())
            pages = raw_pages(folder / "trace_pipe_raw", page_bytes)
            yield int(folder.name.removeprefix("cpu")), records(pages, decoders)

    def _page_bytes(self) -> int:
        header = (self._instance / "events" / "header_page").read_text()
        found = re.search(r"char data;\s*offset:(\d+);\s*size:(\d+)", header)
        assert found
        return int(found[1]) + int(found[2])


@contextlib.contextmanager
def mounted_tracefs() -> Iterator[Path]:
    """Where tracefs is. If it is nowhere: a mount that no path leads to but this one, and that is
    gone with this process however it ends."""
    usual = Path("/sys/kernel/tracing")
    if (usual / "instances").is_dir():
        yield usual
        return
    with tempfile.TemporaryDirectory() as folder:
        _libc("mount", b"tracefs", folder.encode(), b"tracefs", 0, None)
        fd = os.open(folder, os.O_PATH)
        _libc("umount2", folder.encode(), MNT_DETACH)
    try:
        yield Path(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)


def _libc(function: str, *arguments: object) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), function)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


def remove_leftovers(tracefs: Path) -> None:
    """Instances of runs that were killed."""
    for instance in tracefs.glob(f"instances/{PREFIX}*"):
        pid, _, _ = instance.name.removeprefix(PREFIX).partition("-")
        if not Path("/proc", pid).exists():
            (instance / "events" / "enable").write_text("0")
            instance.rmdir()


def check_nothing_lost(cpu: str, stats: str) -> None:
    """Raises EventsLost unless every count of lost events in ``per_cpu/cpuN/stats`` is zero."""
    counts = dict(line.split(": ") for line in stats.splitlines())
    lost = {
        name: int(counts[name])
        for name in ("overrun", "commit overrun", "dropped events")
        if int(counts[name])
    }
    if lost:
        raise EventsLost(f"{cpu}: {lost}")


class Numbers:
    """Addresses in place of the pointers that the ring buffer does not hold: one for each name."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str | int, ...], int] = {}

    def of(self, *name: str | int) -> int:
        return self._numbers.setdefault(name, 0x10000 * (len(self._numbers) + 1))


def to_events(
    raws: Iterator[Raw], cpu: int, numbers: Numbers, task: Callable[[int], tuple[str, bool]]
) -> Iterator[Event]:
    """Events with the raw tracepoints' own arguments.

    The ring buffer holds no pointer to the irqaction, the pool_workqueue, the workqueue or the
    tasks of a switch: numbers stand in, of tasks their ids. An exit's action is that of the entry
    before it on this CPU: they cannot nest.
    """
    open_action = 0
    for time_ns, pid, name, fields in raws:
        args: tuple[int | str, ...] = tuple(fields.values())
        if name == "irq_handler_entry":
            open_action = numbers.of("action", fields["irq"], fields["name"])
            args = (fields["irq"], open_action, fields["name"])
        elif name == "irq_handler_exit":
            args = (fields["irq"], open_action, fields["ret"])
        elif name == "workqueue_queue_work":
            queue = numbers.of("workqueue", fields["workqueue"])
            function = hex(int(fields["function"]))
            args = (fields["req_cpu"], queue, queue, fields["workqueue"], fields["work"], function)
        elif name == "workqueue_activate_work":
            args = (fields["work"],)
        elif name.startswith("workqueue_execute"):
            args = (fields["work"], hex(int(fields["function"])))
        elif name in ARGUMENTS_OF_CALLS:
            args = tuple(
                hex(int(value)) if field in ("callsite", "callback", "func") else value
                for field, value in fields.items()
            )
            args += ARGUMENTS_OF_CALLS[name]
        elif name == "napi_poll":
            device = "" if fields["dev_name"] == NO_DEVICE else fields["dev_name"]
            args = (fields["napi"], device, fields["work"], fields["budget"])
        elif name == "sched_switch":
            args = (0, fields["prev_pid"], fields["next_pid"], fields["prev_state"])
        comm, is_kthread = (f"swapper/{cpu}", True) if pid == 0 else task(pid)
        yield Event(time_ns, cpu, pid, comm, name, args, is_kthread)


def tasks(saved_cmdlines: str) -> Callable[[int], tuple[str, bool]]:
    """A function from a thread's id to its name and whether it is a kernel thread. Lines of
    ``saved_cmdlines`` are an id, a space and a name; of a thread that has ended nothing else is
    known (a kworker is one by its name)."""
    comms = {
        int(pid): comm
        for pid, _, comm in (line.partition(" ") for line in saved_cmdlines.splitlines())
    }

    @functools.cache
    def task(pid: int) -> tuple[str, bool]:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(errors="surrogateescape")
        except OSError:
            comm = comms.get(pid, "")
            return comm, comm.startswith("kworker/")
        comm, _, rest = stat.partition("(")[2].rpartition(")")
        is_kthread = bool(int(rest.split()[6]) & PF_KTHREAD)
        return (comms.get(pid, comm), is_kthread)

    return task
