"""The one place that reads a clock or sleeps; all else is handed times.

Two exceptions, each where a library must wait for its own input: the terminal loop waits in curses
for a key, and the HTTP server waits in selectors for its clients.
"""

import time


def monotonic_ns() -> int:
    """CLOCK_MONOTONIC, the clock of bpf_ktime_get_ns()."""
    return time.monotonic_ns()


def wall_ns() -> int:
    """Nanoseconds since the epoch."""
    return time.time_ns()


def sleep_until(deadline_ns: int) -> None:
    """Sleep until CLOCK_MONOTONIC reads ``deadline_ns``; returns at once if it is past."""
    remaining_ns = deadline_ns - monotonic_ns()
    if remaining_ns > 0:
        time.sleep(remaining_ns / 1e9)
