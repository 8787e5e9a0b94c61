"""``make bench``: every budget, what was measured, and the peers, in one run.

Prints a table and writes bench/results.json. Exit code 0 whatever the figures: a bench informs.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import agent, contenders, hardirq, loopback, scale
from bench.row import Row, table

RESULTS = Path(__file__).with_name("results.json")
MEGABYTE = 1 << 20
KILOBYTE = 1 << 10


def softirq_rows(rounds: int) -> Iterator[Row]:
    bare_ns, added = loopback.added_ns(
        {
            "three empty programs": contenders.floor("empty"),
            "three that read the clock": contenders.floor("clock"),
            "irqwatch, softirq": contenders.probe("softirq"),
            "irqwatch, all collectors": contenders.probe("hardirq", "softirq", "work"),
            **contenders.softirq_peers(),
        },
        rounds,
    )
    yield Row("a loopback packet on the bare machine", bare_ns, "ns")
    for name, one in added.items():
        yield Row(f"added to a packet: {name}", one.median_ns, "ns", note=f"{rounds} rounds")
    ours = added["irqwatch, softirq"].median_ns
    floor = added["three empty programs"].median_ns
    yield Row("softirq collector / three empty programs", ours / floor, "x", 2.5)
    clock = added["three that read the clock"].median_ns
    yield Row("softirq collector / three that read the clock", ours / clock, "x")
    if "softirqs-bpfcc -d" in added:
        peer = added["softirqs-bpfcc -d"].median_ns
        yield Row("softirq collector / softirqs-bpfcc -d", ours / peer, "x", 0.4)


def hardirq_rows(rounds: int) -> Iterator[Row]:
    added = hardirq.added_ns(
        {"irqwatch, hardirq": contenders.probe("hardirq"), **contenders.hardirq_peers()}, rounds
    )
    for name, ns in added.items():
        yield Row(f"in programs per interrupt: {name}", ns, "ns", note=f"{rounds} rounds")
    if "hardirqs-bpfcc -d" in added:
        ratio = added["irqwatch, hardirq"] / added["hardirqs-bpfcc -d"]
        yield Row("hardirq collector / hardirqs-bpfcc -d", ratio, "x", 0.5)


def agent_rows() -> Iterator[Row]:
    served = agent.serve()
    yield Row("serve: resident after 100 scrapes", served.resident_bytes / MEGABYTE, "MB", 30)
    yield Row("serve: CPU of a scrape", served.scrape_cpu_seconds * 1e3, "ms", 10)
    yield Row("serve: samples", served.samples, "")
    map_budget = 32 * (os.cpu_count() or 1) + 2 * served.sources
    yield Row(
        "BPF maps",
        served.map_bytes / KILOBYTE,
        "KB",
        map_budget,
        f"budget: 32 KB a CPU + 2 KB each of {served.sources} interrupts and works in use",
    )
    starts = sorted(agent.start_seconds() for _ in range(5))
    yield Row("start to first complete sample", starts[2], "s", 1.0, "median of 5")
    yield Row("top at 1 Hz", agent.top_cpu_share() * 100, "% of a CPU", 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds (default 9)")
    rounds = parser.parse_args().rounds
    if os.geteuid() != 0:
        sys.exit("bench: needs root: it loads BPF programs")
    rows: list[Row] = []
    for part in (agent_rows(), softirq_rows(rounds), hardirq_rows(rounds), scale.rows()):
        for row in part:
            rows.append(row)
            print(f"{row.what}: {row.measured:.4g} {row.unit}", file=sys.stderr)
    print(table(rows))
    RESULTS.write_text(
        json.dumps(
            {
                "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "kernel": platform.release(),
                "cpus": os.cpu_count(),
                "rows": [{**asdict(row), "verdict": row.verdict} for row in rows],
            },
            indent=2,
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
