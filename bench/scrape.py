"""What a scrape costs beside node_exporter's of the same things, in turns in the same run, as
Prometheus asks for it: with its Accept header, in gzip, with idle time in between.
``python bench/scrape.py`` prints these rows alone; it needs root.

CPU time of all threads of each, the median of ``ROUNDS``. node_exporter is run with the collectors
interrupts, stat (with softirq) and softnet, if it is installed or NODE_EXPORTER names it.
"""

import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.row import Row, table
from tests.e2e.serving import HTTP, LIMIT_SECONDS, free_port
from tests.live.agent import serving

ROUNDS = 21
GAP_SECONDS = 15.0

HEADERS = {
    "Accept": "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
    "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
}
PEER = (
    "--collector.disable-defaults",
    "--collector.interrupts",
    "--collector.stat",
    "--collector.stat.softirq",
    "--collector.softnet",
)


@contextlib.contextmanager
def node_exporter() -> Iterator[tuple[int, str] | None]:
    """Its pid and address; None where there is none."""
    names = (os.environ.get("NODE_EXPORTER", ""), "prometheus-node-exporter", "node_exporter")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        yield None
        return
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [found, *PEER, f"--web.listen-address={address}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process.pid, f"http://{address}/metrics"
    finally:
        process.kill()
        process.wait()


def cpu_seconds(pid: int) -> float:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def ask(address: str) -> None:
    request = urllib.request.Request(address, headers=HEADERS)
    deadline = time.monotonic() + LIMIT_SECONDS
    while True:
        try:
            with HTTP.open(request, timeout=LIMIT_SECONDS) as response:
                response.read()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def rows(rounds: int = ROUNDS, gap_seconds: float = GAP_SECONDS) -> Iterator[Row]:
    with serving() as (server, address), node_exporter() as peer:
        asked = {"irqwatch": (server.pid, address)}
        if peer:
            asked["node_exporter"] = peer
        spent: dict[str, list[float]] = {name: [] for name in asked}
        for one in range(rounds + 1):
            for name, (pid, where) in asked.items():
                time.sleep(gap_seconds / len(asked))
                before = cpu_seconds(pid)
                ask(where)
                if one:
                    spent[name].append(cpu_seconds(pid) - before)
    ms = {name: statistics.median(of_it) * 1e3 for name, of_it in spent.items()}
    for name, cost in ms.items():
        yield Row(f"a scrape each {gap_seconds:g} s: {name}", cost, "ms", note=f"{rounds} rounds")
    if peer:
        yield Row("irqwatch / node_exporter", ms["irqwatch"] / ms["node_exporter"], "x", 3.0)


if __name__ == "__main__":
    asked_rounds, asked_gap = (*sys.argv[1:], ROUNDS, GAP_SECONDS)[:2]
    print(table(list(rows(int(asked_rounds), float(asked_gap)))))
