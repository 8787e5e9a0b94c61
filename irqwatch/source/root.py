"""Where a host's /proc and /sys are, and reading files of theirs: only here they are opened.

That a file is missing, may not be read, or vanishes while it is read is an answer here, not an
exception: interrupts, CPUs and devices come and go. And whatever lies where a file should be, a
reading ends soon and takes little memory: FIFOs are waited for with patience but not for ever,
devices and sockets are not opened, and what is larger than any such file can be is not read.
"""

import errno
import os
import select
import stat
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from irqwatch import clock
from irqwatch.base.text import clean
from irqwatch.errors import ParseError
from irqwatch.source.patience import ALL_NS, ONE_NS, Patience

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Root:
    """The mount points of one host."""

    procfs: Path = Path("/proc")
    sysfs: Path = Path("/sys")


# A file of sysfs has at most a page (64 KB on arm64 and powerpc); a mask of 8,192 CPUs is 2.3 KB.
DETAIL_BYTES = 1 << 20

# A file with a column or a row for each CPU: /proc/interrupts of 8,192 CPUs and 4,000 lines has
# 360 MB. No host whose memory that would fill has so many.
_MACHINE_BYTES = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
TABLE_BYTES = min(512 << 20, max(32 << 20, _MACHINE_BYTES // 64))

# What comes through a FIFO may never end: 256 CPUs and 2,000 lines are 6 MB.
FIFO_BYTES = 64 << 20

# pid_max allows four million processes, but a list of so many names is 400 MB.
MOST_NAMES = 1 << 18

_CHUNK_BYTES = 1 << 16

# What a container runtime puts over a file that it hides (OCI runtime spec, maskedPaths).
_DEV_NULL = os.makedev(1, 3)

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a file could not be read, in words for a person. ``is_refused`` where something else lies
    in its place than the kernel puts there."""

    reason: str
    is_refused: bool = False


# One for the process: a process reads one host, and waits for all of its FIFOs.
_patience = Patience()

# Path → why, of details that were refused: what they are of is then not known.
_refused: dict[str, str] = {}
_MOST_REFUSED = 1024


def shown(path: Path | str) -> str:
    """A path for a reason: bytes that are not UTF-8 could not be written out."""
    return clean(os.fsencode(path))


def read(path: Path | str, most_bytes: int = DETAIL_BYTES) -> bytes | Unreadable:
    """The whole file. Empty is told apart from missing."""
    try:
        return _read_what_is_there(path, most_bytes)
    except FileNotFoundError:
        return Unreadable(f"{shown(path)} does not exist")
    except PermissionError:
        return Unreadable(f"{shown(path)} may not be read by this user")
    except OSError as error:
        is_loop = error.errno == errno.ELOOP
        return Unreadable(f"{shown(path)} cannot be read: {error.strerror or error}", is_loop)


def _read_what_is_there(path: Path | str, most_bytes: int) -> bytes | Unreadable:
    # Before it is opened: to open a device can have effects, and only a regular file is quick.
    status = os.stat(path)  # noqa: PTH116
    if stat.S_ISREG(status.st_mode):
        # The size is 0 in procfs and a page in sysfs.
        return _too_large(path) if status.st_size > most_bytes else _read(path, most_bytes)
    if stat.S_ISFIFO(status.st_mode):
        return _read_fifo(path, min(most_bytes, FIFO_BYTES))
    if status.st_rdev == _DEV_NULL:
        return b""
    kind = next(kind for is_kind, kind in _KINDS if is_kind(status.st_mode))
    return Unreadable(f"{shown(path)} is {kind}, not a file", is_refused=True)


def _read(path: Path | str, most_bytes: int) -> bytes | Unreadable:
    # Not a file object: half the cost of Path.read_bytes, and thousands of these files are small.
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        first = os.read(fd, _CHUNK_BYTES)
        chunks, size = [first], len(first)
        while chunks[-1]:
            if size > most_bytes:
                return _too_large(path)
            chunks.append(os.read(fd, _CHUNK_BYTES))
            size += len(chunks[-1])
    finally:
        os.close(fd)
    return first if len(chunks) <= 2 else b"".join(chunks)


def _read_fifo(path: Path | str, most_bytes: int) -> bytes | Unreadable:
    """What its writers write before they close it."""
    key, begin_ns = os.fspath(path), clock.monotonic_ns()

    def end_ns(*, has_writer: bool) -> int:
        return begin_ns + _patience.of(key, begin_ns, has_writer=has_writer)

    # With O_NONBLOCK it opens without a writer; and Linux reports no end of it before there was
    # one (fs/pipe.c, pipe_poll()).
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        chunks: list[bytes] = []
        result = _until_closed(fd, chunks, most_bytes, end_ns)
    finally:
        os.close(fd)
    now_ns = clock.monotonic_ns()
    _patience.spend(key, now_ns - begin_ns, now_ns, in_vain=result in _LATE)
    if result in _LATE:
        lack, most_ns = _LATE[result]
        why = f"a FIFO that {lack}, and such a one is waited for {most_ns // 10**9} s at most"
        return Unreadable(f"{shown(path)} is {why}", is_refused=True)
    return _too_large(path) if result == "large" else b"".join(chunks)


_LATE = {
    "unwritten": ("has nothing written to it", ONE_NS),
    "unended": ("is not written to its end", ALL_NS),
}


def _until_closed(fd: int, chunks: list[bytes], most_bytes: int, end_ns: Callable[..., int]) -> str:
    """Fills ``chunks``; one of ``_LATE`` where that took too long, "large" where it is too much."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    size, until_ns = 0, end_ns(has_writer=False)
    while True:
        is_late = not poll.poll(max(0, until_ns - clock.monotonic_ns()) / 10**6)
        try:
            chunk = os.read(fd, _CHUNK_BYTES)
        except BlockingIOError:  # somebody has it open to write (fs/pipe.c, pipe_read())
            until_ns = end_ns(has_writer=True)
            if is_late and clock.monotonic_ns() >= until_ns:
                return "unended"
            continue
        if not chunk:
            return "unwritten" if is_late and not chunks else ""
        chunks.append(chunk)
        size += len(chunk)
        if size > most_bytes:
            return "large"
        until_ns = end_ns(has_writer=True)
        if clock.monotonic_ns() > until_ns:
            return "unended"


def _too_large(path: Path | str) -> Unreadable:
    return Unreadable(f"{shown(path)} is too large to be a file of the kernel", is_refused=True)


def read_parsed(
    path: Path | str, parse: Callable[[bytes], T], most_bytes: int = DETAIL_BYTES
) -> T | None:
    """A detail in a small file, parsed; None where the file is not to be had or is garbled."""
    raw = read(path, most_bytes)
    _note(path, raw)
    try:
        return None if isinstance(raw, Unreadable) else parse(raw)
    except ParseError:
        return None


def names_in(path: Path | str) -> list[str]:
    """What a folder holds, sorted; nothing where it cannot be listed."""
    try:
        with os.scandir(path) as entries:
            names = [entry.name for entry in islice(entries, MOST_NAMES + 1)]
    except OSError:
        return []
    too_many = Unreadable(f"{shown(path)} holds more than {MOST_NAMES:,} names", is_refused=True)
    _note(path, too_many if len(names) > MOST_NAMES else None)
    return [] if len(names) > MOST_NAMES else sorted(names)


def _note(path: Path | str, raw: object) -> None:
    if isinstance(raw, Unreadable) and raw.is_refused:
        if len(_refused) < _MOST_REFUSED:
            _refused[os.fspath(path)] = raw.reason
    elif _refused:
        _refused.pop(os.fspath(path), None)


def refused() -> str:
    """What lay in the place of details when they were read last, in one line; "" for nothing."""
    if not _refused:
        return ""
    first, more = _refused[min(_refused)], len(_refused) - 1
    if not more:
        return first
    return f"{first}, and {more}{'' if len(_refused) < _MOST_REFUSED else ' or more'} like it"
