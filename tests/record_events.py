"""Records kernel events into a file of the format of tests/events.py. As root:

    python -m tests.record_events tests/fixtures/events/NAME.events.gz --load net,disk,timer

The load ``cards`` is for guests with that many network cards (tests/vm/cards.py).

What would tell where it was recorded is replaced: names of processes (not of kernel threads),
addresses, times since boot. Imports the standard library only, so that it runs in a guest.
"""

import argparse
import contextlib
import dataclasses
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tests import events
from tests.events import Event
from tests.live.load import call_another_cpu, read_disk, send_udp_packets, wake_on_another_cpu
from tests.oracle import calls, functions
from tests.oracle.ring_buffer import CALLS, EVENTS, RingBuffer
from tests.vm import cards

MEGABYTES_PER_CPU = 32

# Packets come in bursts, so that the other loads are seen beside them.
PACKETS = 50
PAUSE_SECONDS = 0.005

# To each card, so many times a second: their interrupts come together.
PINGS = 4
GROUPS_PER_SECOND = 100

FIRST_NS = 10**9
# Where addresses are put, by their column, and how far apart.
ADDRESSES_AT = {"work": 0x7000 << 32, "napi": 0x7100 << 32, "csd": 0x7200 << 32}
ADDRESS_BYTES = 0x1000


def packets() -> None:
    """NET_RX softirqs, raised by the sender."""
    send_udp_packets(PACKETS)
    time.sleep(PAUSE_SECONDS)


def timers() -> None:
    """Many short sleeps: timer interrupts, TIMER, HRTIMER and SCHED softirqs."""
    for _ in range(50):
        time.sleep(0.0002)


def files(folder: Path) -> None:
    """Reads past the page cache, and writes that are forced out: interrupts and work."""
    read_disk(50, folder)
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(os.urandom(1 << 18))
        file.flush()
        os.fsync(file.fileno())


def other_cpus() -> None:
    """Calls of functions on another CPU, and wakeups of tasks there."""
    call_another_cpu(20)
    wake_on_another_cpu(20)
    time.sleep(PAUSE_SECONDS)


def main(arguments: list[str]) -> None:
    options = parse(arguments)
    with contextlib.ExitStack() as stack:
        if options.loopback:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)  # a guest has it down
        if options.cards:
            cards.set_up(options.cards, cpu=0)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.folder)))
        loads: dict[str, Callable[[], None]] = {
            "net": packets,
            "disk": lambda: files(folder),
            "timer": timers,
            "calls": other_cpus,
            "cards": lambda: cards.send_pings(
                [[*range(1, options.cards + 1)] * PINGS], 20, GROUPS_PER_SECOND
            ),
        }
        chosen = [loads[name] for name in options.load.split(",") if name]
        recorded = record(chosen, options.seconds)
    kept = anonymous(recorded[-options.events :])
    release = ".".join(os.uname().release.split(".")[:2])
    comment = f"Linux {release}, {os.cpu_count()} CPUs, load: {options.load or 'none'}"
    events.write(options.out, kept, [comment])
    print(f"{options.out.name}: {comment}: {len(kept)} of {len(recorded)} events")


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="record_events", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument(
        "--load", default="", help="of net, disk, timer, calls, cards; a comma between them"
    )
    parser.add_argument("--cards", type=int, default=0, help="set up so many network cards first")
    parser.add_argument("--events", type=int, default=20_000, help="keep the last so many")
    parser.add_argument("--folder", type=Path, help="on the disk to be used; else that of /tmp")
    parser.add_argument("--loopback", action="store_true", help="switch the interface lo on first")
    return parser.parse_args(arguments)


def record(loads: Iterable[Callable[[], None]], seconds: float) -> list[Event]:
    """Each load again and again in a thread of its own, for so long."""
    over = threading.Event()

    def repeat(load: Callable[[], None]) -> None:
        while not over.is_set():
            load()

    recorded = (*EVENTS, "napi/napi_poll", *CALLS)
    with RingBuffer(megabytes_per_cpu=MEGABYTES_PER_CPU, recorded=recorded) as ring:
        ring.enable()
        threads = [threading.Thread(target=repeat, args=(load,)) for load in loads]
        ring.start()
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        over.set()
        for thread in threads:
            thread.join()
        ring.stop()
        return ring.events()


def anonymous(recorded: list[Event]) -> list[Event]:
    """The same events without the names of this host's processes, its addresses and its times."""
    comms: dict[str, str] = {}
    addresses: dict[tuple[str, int | str], int] = {}

    def placed(column: str, value: int | str) -> int | str:
        if column not in ADDRESSES_AT:
            return value
        if not value:
            return value
        there = sum(known == column for known, _ in addresses)
        return addresses.setdefault((column, value), ADDRESSES_AT[column] + ADDRESS_BYTES * there)

    def replaced(event: Event) -> Event:
        comm = event.comm
        if not event.is_kthread:
            comm = comms.setdefault(comm, f"process-{len(comms) + 1}")
        args = tuple(
            placed(column, value)
            for column, value in zip(events.ARGUMENTS[event.name], event.args, strict=True)
        )
        time_ns = event.time_ns - recorded[0].time_ns + FIRST_NS
        return dataclasses.replace(event, time_ns=time_ns, comm=comm, args=args)

    return calls.with_memory([replaced(event) for event in functions.with_names(recorded)])


if __name__ == "__main__":
    main(sys.argv[1:])
