"""A process that applies or undoes a plan on a made-up host and may be killed on the way.

python -m tests.e2e.apply_driver apply|undo FOLDER JOURNAL CALL

CALL is the number of the call to the operating system, of those that open, write, sync and close,
before which it kills itself; 0 lets it live. What it opened to write is printed, a line each that
begins with "writes".
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from irqwatch.affinity import verify
from irqwatch.cli.apply import Wishes, apply, undo_journal
from irqwatch.model.plan import Plan
from irqwatch.source.root import Root
from tests import affinity

CALLS = ("fsync", "close", "open", "write")
WRITES = os.O_WRONLY | os.O_RDWR


def write_as_the_kernel_does() -> None:
    """To a mask it is the write that replaces it, not opening the file."""
    open_file, write = os.open, os.write
    masks: set[int] = set()

    def without_truncating(path: str, flags: int, mode: int = 0o777) -> int:
        fd = open_file(path, flags & ~os.O_TRUNC, mode)
        if flags & os.O_TRUNC:
            masks.add(fd)
        else:
            masks.discard(fd)
        return fd

    def replacing(fd: int, raw: bytes) -> int:
        if fd in masks:
            os.ftruncate(fd, 0)
        return write(fd, raw)

    os.open, os.write = without_truncating, replacing  # type: ignore[assignment]


def kill_before(number: int) -> None:
    made = 0

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*arguments: Any) -> Any:
            nonlocal made
            made += 1
            if made == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments)

        return wrapper

    write_as_the_kernel_does()
    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))


def print_writes(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and arguments[2] & WRITES:
        print("writes", arguments[0], flush=True)
    elif event in ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink"):
        print("writes", arguments[0], event, flush=True)


def main() -> int:
    action, folder, journal, number = sys.argv[1:]
    root = Root(Path(folder, "proc"), Path(folder, "sys"))
    verify.SETTLE_NS = 0  # nobody moves these interrupts
    sys.addaudithook(print_writes)
    kill_before(int(number))
    if action == "undo":
        return undo_journal(journal, root)
    plan = affinity.plan(affinity.move(30, 2), affinity.move(31, 1), affinity.move(32, 3))

    def measure() -> Plan:
        return affinity.as_planned(plan)

    return apply(plan, measure, root, Wishes(yes=True, journal=Path(journal), as_json=True))


if __name__ == "__main__":
    sys.exit(main())
