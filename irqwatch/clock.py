"""The one place that reads a clock or sleeps; all else is handed times.

Two exceptions, each where a library must wait for its own input: the terminal loop waits in curses
for a key, and the HTTP server waits in selectors for its clients.
"""

import time
from pathlib import Path


def namespace_offset_ns(timens_offsets: str) -> int:
    """By how much CLOCK_MONOTONIC of this process is ahead of the host's, from the text of
    /proc/self/timens_offsets (kernel/time/namespace.c, proc_timens_show_offsets); 0 if garbled."""
    for row in timens_offsets.splitlines():
        try:
            name, seconds, nanoseconds = row.split()
            if name == "monotonic":
                return int(seconds) * 10**9 + int(nanoseconds)
        except ValueError:
            continue
    return 0


def _read_offset_ns() -> int:
    try:
        return namespace_offset_ns(Path("/proc/self/timens_offsets").read_text("ascii"))
    except (OSError, ValueError):
        return 0  # no /proc, or a kernel without time namespaces


# Once a process runs in a time namespace the offsets of it are fixed.
_OFFSET_NS = _read_offset_ns()


# A signal that comes just before a wait does not end it, and its handler runs only after it.
LONGEST_WAIT_NS = 10**9


def monotonic_ns() -> int:
    """CLOCK_MONOTONIC of the host, the clock of bpf_ktime_get_ns(), in any time namespace."""
    return time.monotonic_ns() - _OFFSET_NS


def wall_ns() -> int:
    """Nanoseconds since the epoch."""
    return time.time_ns()


def sleep_until(deadline_ns: int) -> None:
    """Sleep until monotonic_ns() is ``deadline_ns``; returns at once if it is past."""
    while (remaining_ns := deadline_ns - monotonic_ns()) > 0:
        time.sleep(min(remaining_ns, LONGEST_WAIT_NS) / 1e9)
