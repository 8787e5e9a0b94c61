"""What the kernel complains of in its log, since a mark of our own in it."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

MARK = "irqwatch-test: begins"

# Whatever came before the mark was not irqwatch's: qemu's nodes have CPUs of one package, and its
# clocks go with the host's load.
COMPLAINTS = re.compile(
    r"WARNING:|\bBUG:|\bOops\b|Kernel panic|run-time allocation|Call Trace|Call trace"
    r"|possible circular locking|inconsistent lock state|possible recursive locking"
    r"|suspicious RCU usage|detected stalls|self-detected stall|soft lockup|hard LOCKUP"
    r"|blocked for more than|general protection fault|unable to handle|Unable to handle"
    r"|scheduling while atomic|sleeping function called|refcount_t:|UBSAN|KASAN|kmemleak"
)


def begin() -> None:
    """Marks where what concerns us begins. As root."""
    Path("/dev/kmsg").write_text(f"{MARK}\n")


def warnings() -> list[str]:
    """Lines since then that complain."""
    log = subprocess.run(["dmesg"], capture_output=True, check=True).stdout
    return complaints(log.decode(errors="replace").splitlines())


def complaints(lines: Iterable[str]) -> list[str]:
    """Raises AssertionError where there is no mark: then the log's beginning was overwritten."""
    found = list(lines)
    marked = [index for index, line in enumerate(found) if MARK in line]
    assert marked, "the kernel's log has not got the mark any more"
    return [line for line in found[marked[-1] + 1 :] if COMPLAINTS.search(line)]
