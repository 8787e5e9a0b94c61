"""Where a host's /proc and /sys are, and reading files of theirs.

That a file is missing, may not be read, or vanishes while it is read is an answer here, not an
exception: interrupts, CPUs and devices come and go.
"""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from irqwatch.base.text import clean
from irqwatch.errors import ParseError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Root:
    """The mount points of one host."""

    procfs: Path = Path("/proc")
    sysfs: Path = Path("/sys")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a file could not be read, in words for a person."""

    reason: str


def shown(path: Path | str) -> str:
    """A path for a reason: bytes that are not UTF-8 could not be written out."""
    return clean(os.fsencode(path))


def read(path: Path | str) -> bytes | Unreadable:
    """The whole file. Empty is told apart from missing."""
    try:
        # Unbuffered: half the cost of Path.read_bytes, and thousands of these files are small.
        with io.FileIO(path) as file:
            return file.readall()
    except FileNotFoundError:
        return Unreadable(f"{shown(path)} does not exist")
    except PermissionError:
        return Unreadable(f"{shown(path)} may not be read by this user")
    except OSError as error:
        return Unreadable(f"{shown(path)} cannot be read: {error.strerror or error}")


def read_parsed(path: Path | str, parse: Callable[[bytes], T]) -> T | None:
    """A detail in a small file, parsed; None where the file is not to be had or is garbled."""
    raw = read(path)
    try:
        return None if isinstance(raw, Unreadable) else parse(raw)
    except ParseError:
        return None


def names_in(path: Path | str) -> list[str]:
    """What a folder holds, sorted; nothing where it cannot be listed."""
    try:
        with os.scandir(path) as entries:
            return sorted(entry.name for entry in entries)
    except OSError:
        return []
