"""What the agent itself costs: memory, start, a second of ``top``, a scrape, the maps."""

import contextlib
import json
import os
import pty
import re
import select
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

IRQWATCH = str(Path(__file__).parent.parent / ".venv" / "bin" / "irqwatch")
SCRAPES = 100
TOP_SECONDS = 10
ANNOUNCEMENT = re.compile(r"http://[^/ ]+/metrics")


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
    process = psutil.Process(pid)
    try:
        drain(terminal, 3)
        before = sum(process.cpu_times()[:2])
        drain(terminal, TOP_SECONDS)
        return (sum(process.cpu_times()[:2]) - before) / TOP_SECONDS
    finally:
        os.write(terminal, b"q")
        drain(terminal, 1)
        os.waitpid(pid, 0)
        os.close(terminal)


def drain(terminal: int, seconds: float) -> None:
    """Read what a program writes to its terminal, for so long."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            try:
                os.read(terminal, 1 << 16)
            except OSError:  # the other side has closed it
                return


@contextlib.contextmanager
def serving() -> Iterator[tuple[psutil.Process, str]]:
    agent = subprocess.Popen(
        [IRQWATCH, "serve", "--web.listen-address", "127.0.0.1:0"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert agent.stderr
    try:
        for line in agent.stderr:
            if found := ANNOUNCEMENT.search(line):
                yield psutil.Process(agent.pid), found[0]
                break
    finally:
        agent.terminate()
        agent.wait()


def serve() -> Serve:
    """An exporter with the default collectors, after ``SCRAPES`` scrapes."""
    before = map_ids()
    with serving() as (process, url):
        scrape(url)
        start = sum(process.cpu_times()[:2])
        for _ in range(SCRAPES):
            text = scrape(url)
        cpu_seconds = sum(process.cpu_times()[:2]) - start
        maps = {number: held for number, held in all_maps().items() if number not in before}
        return Serve(
            resident_bytes=process.memory_info().rss,
            scrape_cpu_seconds=cpu_seconds / SCRAPES,
            samples=sum(not line.startswith("#") for line in text.splitlines()),
            map_bytes=sum(held["bytes_memlock"] for held in maps.values()),
            sources=sum(
                entries(number)
                for number, held in maps.items()
                if held["name"] in ("hardirqs", "works")
            ),
        )


def scrape(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        return str(response.read().decode())


def all_maps() -> dict[int, dict[str, int]]:
    shown = json.loads(subprocess.check_output(["bpftool", "-j", "map", "show"]))
    return {one["id"]: one for one in shown}


def map_ids() -> set[int]:
    return set(all_maps())


def entries(number: int) -> int:
    dump = subprocess.check_output(["bpftool", "-j", "map", "dump", "id", str(number)])
    return len(json.loads(dump))
