"""Kernel events as text: what the native probe replays and the oracle computes from.

One event a line, TAB between columns, lines that start with ``#`` are comments; a name that ends in
``.gz`` is compressed. The columns are

    time_ns  cpu  pid  task  comm  event  arguments …

``time_ns`` is CLOCK_MONOTONIC, ``pid`` the thread id of the current task, ``task`` is ``k`` for a
kernel thread (the idle task is one) and ``-`` for any other. ``event`` is the raw tracepoint; its
arguments are the columns of ``ARGUMENTS``. Numbers are decimal or 0x hexadecimal. In texts, bytes
that are not printable ASCII, and the backslash, are written ``\\xNN``.

``pwq`` and ``wq`` are addresses. The kernel's own trace does not show them: then any number will do
that is the same for the same queue. ``function`` is the symbol's name, or its address in 0x.
``now``, ``expires`` and ``is_soft`` are what the kernel's memory holds for the timer; ``device`` is
the name of the NAPI's device, empty where it has none. ``info`` is 0 or 1 where there is no
siginfo, else its address, and ``code`` what it holds; ``pid`` and ``tgid`` are the target's, and
``fatal`` is the signal that ends the current process, 0 where none does. ``old_pid`` is what the
thread was before it became its process's only one. ``prev`` and ``next`` are
tasks. ``callsite`` and ``callback`` are symbols' names too, empty where there is no callback.
``flags`` are what the kernel's memory holds for the csd, and ``following`` are the others that its
list has after it, in hexadecimal with a space between.
"""

import gzip
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

# By the stems of their tracepoints, in the order of tests/native/probe.h.
X86_VECTORS = (
    "local_timer",
    "reschedule",
    "call_function",
    "call_function_single",
    "irq_work",
    "thermal_apic",
    "threshold_apic",
    "deferred_error_apic",
    "error_apic",
    "spurious_apic",
    "x86_platform_ipi",
)
ARGUMENTS = {
    "irq_handler_entry": ("irq", "action", "name"),
    "irq_handler_exit": ("irq", "action", "ret"),
    "softirq_raise": ("vec",),
    "softirq_entry": ("vec",),
    "softirq_exit": ("vec",),
    "workqueue_queue_work": ("req_cpu", "pwq", "wq", "wqname", "work", "function"),
    "workqueue_activate_work": ("work",),
    "workqueue_execute_start": ("work", "function"),
    "workqueue_execute_end": ("work", "function"),
    **{f"{name}_{end}": ("vector",) for name in X86_VECTORS for end in ("entry", "exit")},
    "ipi_entry": ("reason",),
    "ipi_exit": ("reason",),
    "hrtimer_expire_entry": ("hrtimer", "now", "expires", "is_soft"),
    "tasklet_entry": ("tasklet", "function"),
    "tasklet_exit": ("tasklet", "function"),
    "napi_poll": ("napi", "device", "work_done", "budget"),
    "page_fault_user": ("address",),
    "page_fault_kernel": ("address",),
    "nmi_handler": ("handler", "delta_ns", "handled"),
    "mce_record": ("mce",),
    "signal_generate": ("sig", "info", "code", "pid", "tgid", "group", "result"),
    "signal_deliver": ("sig", "info", "code", "fatal"),
    "sys_enter": ("id",),
    "sys_exit": ("ret",),
    "sched_process_exit": ("p",),
    "sched_process_exec": ("p", "old_pid"),
    "sched_switch": ("preempt", "prev", "next", "prev_state"),
    "csd_queue_cpu": ("cpu", "callsite", "function", "csd", "flags"),
    "ipi_send_cpu": ("cpu", "callsite", "callback"),
    "ipi_send_cpumask": ("cpumask", "callsite", "callback"),
    "csd_function_entry": ("function", "csd", "flags", "following"),
    "csd_function_exit": ("function", "csd"),
}
ADDRESSES = frozenset(
    ("action", "pwq", "wq", "work", "hrtimer", "tasklet", "napi", "prev", "next", "cpumask", "csd")
)
TEXTS = frozenset(
    ("name", "wqname", "function", "callsite", "callback", "following", "device", "reason")
)

COLUMNS_BEFORE_ARGUMENTS = 6


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``args`` are in the order of ``ARGUMENTS[name]``: str for ``TEXTS``, else int.
    In texts, bytes that are not UTF-8 are surrogate escapes."""

    time_ns: int
    cpu: int
    pid: int
    comm: str
    name: str
    args: tuple[int | str, ...]
    is_kthread: bool = False


def to_line(event: Event) -> str:
    """The event's line, without its end."""
    task = "k" if event.is_kthread else "-"
    head = (str(event.time_ns), str(event.cpu), str(event.pid), task, _escape(event.comm))
    arguments = (
        _escape(value) if isinstance(value, str) else _number(column, value)
        for column, value in zip(ARGUMENTS[event.name], event.args, strict=True)
    )
    return "\t".join((*head, event.name, *arguments))


def from_line(line: str) -> Event:
    """The event in ``line``. Raises ValueError where it is none."""
    time_ns, cpu, pid, task, comm, name, *arguments = line.rstrip("\n").split("\t")
    if name not in ARGUMENTS or task not in ("k", "-"):
        raise ValueError(f"no event: {line!r}")
    args = tuple(
        _unescape(text) if column in TEXTS else int(text, 0)
        for column, text in zip(ARGUMENTS[name], arguments, strict=True)
    )
    return Event(int(time_ns), int(cpu), int(pid), _unescape(comm), name, args, task == "k")


def write(path: Path, events: Iterable[Event], comments: Iterable[str] = ()) -> None:
    """Write the file; the same events give the same bytes."""
    lines = [f"# {comment}\n" for comment in comments] + [to_line(event) + "\n" for event in events]
    raw = "".join(lines).encode("ascii")
    path.write_bytes(gzip.compress(raw, mtime=0) if path.suffix == ".gz" else raw)


def read(path: Path) -> Iterator[Event]:
    """The file's events in its order. Raises ValueError that names the line."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        for number, line in enumerate(file, 1):
            if line.startswith("#") or not line.strip():
                continue
            try:
                yield from_line(line)
            except ValueError as error:
                raise ValueError(f"{path.name}:{number}: {error}") from error


def _number(column: str, value: int) -> str:
    return hex(value) if column in ADDRESSES else str(value)


def _escape(text: str) -> str:
    raw = text.encode(errors="surrogateescape")
    return "".join(chr(b) if 0x20 <= b < 0x7F and b != 0x5C else f"\\x{b:02x}" for b in raw)


def _unescape(text: str) -> str:
    raw = re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes((int(m[1], 16),)), text.encode("ascii"))
    return raw.decode(errors="surrogateescape")
