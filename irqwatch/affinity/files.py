"""The edge: the one place that writes to /proc/irq, and the lock on it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from irqwatch.affinity.access import WriteMask
from irqwatch.cells import cpu_list
from irqwatch.errors import AffinityError


def mask_file(procfs: Path, irq: int) -> Path:
    """smp_affinity_list takes the same masks as smp_affinity (kernel/irq/proc.c) and is read by
    people."""
    return procfs / "irq" / str(irq) / "smp_affinity_list"


def mask_writer(procfs: Path) -> WriteMask:
    """Writes masks of the host whose /proc is ``procfs``."""

    def write(irq: int, cpus: frozenset[int]) -> None:
        # Truncated as a shell's ">" does: nothing to the kernel. Never created: the line is gone.
        # O_NONBLOCK: a FIFO in its place, which nobody reads, is an error.
        flags = os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC | os.O_NONBLOCK
        fd = os.open(mask_file(procfs, irq), flags)
        try:
            # The kernel takes one write as one mask.
            os.write(fd, f"{cpu_list(cpus)}\n".encode())
        except BaseException:
            with contextlib.suppress(OSError):
                os.close(fd)
            raise
        os.close(fd)

    return write


def check_writable(procfs: Path, irq: int) -> None:
    """Raises AffinityError where no mask can be written at all: not root, or a /proc that a
    container has read-only. A managed line says so only when it is written to."""
    path = mask_file(procfs, irq)
    if path.exists() and not os.access(path, os.W_OK):
        read_only = os.statvfs(path).f_flag & os.ST_RDONLY
        mend = "it is read-only here: run on the host" if read_only else "run as root"
        raise AffinityError(f"{path} may not be written: {mend}")


@contextlib.contextmanager
def locked(procfs: Path) -> Iterator[None]:
    """One at a time on a host. The folder itself is locked, so no file is left behind and a
    process that is killed holds nothing. Raises AffinityError."""
    path = procfs / "irq"
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise AffinityError(f"{path}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AffinityError(
                f"{path} is locked, most likely by another irqwatch: wait for it to end "
                "(lslocks names who holds it)"
            ) from None
        yield
    finally:
        os.close(fd)
