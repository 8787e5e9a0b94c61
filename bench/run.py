"""``make bench``: every budget, what was measured, and the peers, in one run.

Prints a table and writes bench/results.json. Exit code 0 whatever the figures: a bench informs.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import (
    agent,
    contenders,
    events,
    hardirq,
    irqbalance,
    loopback,
    placement,
    programs,
    scale,
    scrape,
    series,
)
from bench.row import Row, table
from irqwatch.collectors import DEFAULT_COLLECTORS
from tests.live.load import read_disk, send_udp_packets

RESULTS = Path(__file__).with_name("results.json")
MEGABYTE = 1 << 20
KILOBYTE = 1 << 10


def softirq_rows(rounds: int) -> Iterator[Row]:
    bare_ns, added = loopback.added_ns(
        {
            "three empty programs": contenders.floor("empty"),
            "three that read the clock": contenders.floor("clock"),
            "irqwatch, softirq": contenders.probe("softirq"),
            "irqwatch, all defaults": contenders.probe(*sorted(DEFAULT_COLLECTORS)),
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


def event_rows(rounds: int) -> Iterator[Row]:
    for collector in events.EVENTS:
        ns = events.event_ns(collector, rounds)
        what = f"in programs of {collector} per event"
        if ns is None:
            print(f"{what}: none came here", file=sys.stderr)
        else:
            yield Row(what, ns, "ns", note=f"{rounds} rounds")
    yield Row("added in programs per loopback packet: blame", events.blame_ns(rounds), "ns")
    packet_ns = events.defaults_ns(send_udp_packets, 20_000, rounds)
    yield Row("in programs per loopback packet: all defaults", packet_ns, "ns")
    read_ns = events.defaults_ns(read_disk, 3_000, rounds)
    yield Row("in programs per disk read: all defaults", read_ns, "ns")


def program_rows(rounds: int) -> Iterator[Row]:
    for collector, load in programs.LOADS.items():
        bare_ns, ns = programs.added_ns(load, contenders.probe(collector), rounds)
        yield Row(f"a {load.what} on the bare machine", bare_ns, "ns")
        yield Row(
            f"added to a {load.what}: irqwatch, {collector}", ns, "ns", note=f"{rounds} rounds"
        )


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


def parts(rounds: int) -> dict[str, Callable[[], Iterable[Row]]]:
    return {
        "agent": agent_rows,
        "softirq": lambda: softirq_rows(rounds),
        "hardirq": lambda: hardirq_rows(rounds),
        "event": lambda: event_rows(rounds),
        "program": lambda: program_rows(rounds),
        "scale": scale.rows,
        "series": series.rows,
        "scrape": scrape.rows,
        "placement": placement.rows,
        "irqbalance": irqbalance.rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds (default 9)")
    parser.add_argument(
        "--only", action="append", choices=parts(0), help="this part; can be given again"
    )
    asked = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench: needs root: it loads BPF programs")
    rows: list[Row] = []
    for name, part in parts(asked.rounds).items():
        for row in part() if name in (asked.only or parts(0)) else ():
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
