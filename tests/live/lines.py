"""Lines of this host that a test can make interrupt: what each host has, found by trying. A test
that needs one it has not says in its skip what was looked for."""

import contextlib
import functools
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.live import load
from tests.live.kernel import added, interrupt_counts

DISCARD_PORT = 9
TIMES = 3


class Driven(NamedTuple):
    """A line, and what makes it interrupt so many times, about."""

    irq: int
    action: str
    make: Callable[[int], None]
    cpu: int  # on which it must be made

    def interrupt(self, count: int) -> None:
        with on_cpu(self.cpu):
            self.make(count)

    @property
    def is_movable(self) -> bool:
        """The kernel shows what it manages as read-only (since Linux 6.12; before, as what is
        spread over its own CPUs)."""
        return is_writable(self.irq)


class Load(NamedTuple):
    """Of ``tried`` events at least ``least`` interrupt: network cards gather many into one."""

    what: str
    make: Callable[[int], None]
    tried: int = 40
    least: int = 20


def send_to_gateway(count: int) -> None:
    """Packets that leave by the network card: its transmit queue interrupts when they are gone.
    Raises OSError, ValueError where there is no gateway."""
    rows = [row.split() for row in Path("/proc/net/route").read_text().splitlines()[1:]]
    gateway = {int(row[2], 16) for row in rows if row[1] == "00000000"}.pop()
    address = socket.inet_ntoa(struct.pack("=I", gateway))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        for _ in range(count):
            udp.sendto(b"", (address, DISCARD_PORT))
            time.sleep(0.001)  # of those in a row a card makes one interrupt


RNG = Load("reads of /dev/hwrng", load.read_hwrng)
DISK = Load("reads of a file past the page cache", load.read_disk)
NET = Load("packets to the gateway", send_to_gateway, 100, 10)


@functools.cache
def _found(of: Load) -> Driven | None:
    """The line that interrupts as often as the load is made, on one CPU: queues of a disk go by the
    CPU of who reads. Others make lines interrupt too, but not as often each time."""
    cpu = min(os.sched_getaffinity(0))
    try:
        with on_cpu(cpu):
            rounds = [_steps(of) for _ in range(TIMES)]
    except (OSError, ValueError, KeyError):
        return None
    driven = [irq for irq in rounds[0] if all(steps.get(irq, 0) >= of.least for steps in rounds)]
    irq = min(driven, key=lambda irq: sum(abs(one[irq] - of.tried) for one in rounds), default=None)
    return None if irq is None else Driven(irq, action_of(irq), of.make, cpu)


def _steps(of: Load) -> dict[int, int]:
    """Of each line, meanwhile."""
    before = interrupt_counts()
    of.make(of.tried)
    return {irq: added(count, before.get(irq, 0)) for irq, count in interrupt_counts().items()}


@contextlib.contextmanager
def on_cpu(cpu: int) -> Iterator[None]:
    """This thread."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _folder(irq: int) -> Path:
    return Path("/proc/irq", str(irq))


def is_writable(irq: int) -> bool:
    return bool((_folder(irq) / "smp_affinity").stat().st_mode & 0o200)


def action_of(irq: int) -> str:
    """Of a line that is not shared, as its folder is called."""
    return next((path.name for path in _folder(irq).iterdir() if path.is_dir()), "")


def _or_skip(found: Driven | None, *loads: Load) -> Driven:
    if found is None:
        tried = ", ".join(of.what for of in loads)
        pytest.skip(f"no line that a test can make interrupt: tried {tried}")
    return found


def driven_by(*loads: Load) -> Driven:
    """By the first of these that there is, or skip."""
    return _or_skip(next((line for of in loads if (line := _found(of))), None), *loads)


def any_line() -> Driven:
    return driven_by(RNG, DISK, NET)


def movable_line() -> Driven:
    """One whose mask can be written, on a host with another CPU for it."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("no line can be moved: there is one CPU")
    lines = [line for of in (RNG, NET, DISK) if (line := _found(of)) and line.is_movable]
    return _or_skip(lines[0] if lines else None, RNG, NET, DISK)


def lines_here() -> dict[str, Driven]:
    """All that there are, by their actions."""
    return {line.action: line for of in (RNG, NET, DISK) if (line := _found(of))}
