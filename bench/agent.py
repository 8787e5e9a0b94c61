"""What the agent itself costs: memory, start, a second of ``top``, a scrape, the maps."""

import json
import os
import pty
import select
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.live.agent import IRQWATCH, scrape, serving

SCRAPES = 100
TOP_SECONDS = 10


@dataclass(frozen=True)
class Serve:
    resident_bytes: int
    scrape_cpu_seconds: float
    samples: int
    map_bytes: int
    sources: int  # interrupt actions, per CPU, and work functions that hold an entry


def start_seconds() -> float:
    """From the start of the process to its first complete sample."""
    interval = 0.01
    start = time.monotonic()
    output = subprocess.check_output([IRQWATCH, "top", "--json", "-n", "1", "-d", str(interval)])
    json.loads(output)
    return time.monotonic() - start - interval


def top_cpu_share() -> float:
    """CPU time of a live screen at one frame a second, as a share of one CPU."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(IRQWATCH, [IRQWATCH, "top", "-d", "1"])
    try:
        drain(terminal, 3)
        before = cpu_seconds(pid)
        drain(terminal, TOP_SECONDS)
        return (cpu_seconds(pid) - before) / TOP_SECONDS
    finally:
        os.write(terminal, b"q")
        drain(terminal, 1)
        os.waitpid(pid, 0)
        os.close(terminal)


def cpu_seconds(pid: int) -> float:
    """Of a process of one thread. psutil has it in ticks of 10 ms, user and system each cut off:
    over ten frames of ``top`` that is an error of a fifth."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def drain(terminal: int, seconds: float) -> None:
    """Read what a program writes to its terminal, for so long."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            try:
                os.read(terminal, 1 << 16)
            except OSError:  # the other side has closed it
                return


def serve() -> Serve:
    """An exporter with the default collectors, after ``SCRAPES`` scrapes."""
    before = set(all_maps())
    with serving() as (server, address):
        process = psutil.Process(server.pid)
        scrape(address)
        start = cpu_seconds(server.pid)
        for _ in range(SCRAPES):
            samples = scrape(address)
        scrapes_seconds = cpu_seconds(server.pid) - start
        maps = {number: held for number, held in all_maps().items() if number not in before}
        return Serve(
            resident_bytes=process.memory_info().rss,
            scrape_cpu_seconds=scrapes_seconds / SCRAPES,
            samples=len(samples),
            map_bytes=sum(held["bytes_memlock"] for held in maps.values()),
            sources=sum(
                entries(number)
                for number, held in maps.items()
                if held["name"] in ("hardirqs", "works")
            ),
        )


def all_maps() -> dict[int, dict[str, int]]:
    shown = json.loads(subprocess.check_output(["bpftool", "-j", "map", "show"]))
    return {one["id"]: one for one in shown}


def entries(number: int) -> int:
    dump = subprocess.check_output(["bpftool", "-j", "map", "dump", "id", str(number)])
    return len(json.loads(dump))
