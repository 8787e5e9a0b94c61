"""Runs in a guest: the probe loads with every collector, and its counts are the kernel's own.

Prints one line of JSON; exits 1 with the reason where something does not hold.
"""

import json
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from irqwatch.model.snapshot import Snapshot
from irqwatch.source.live import COLLECTORS, LiveSource
from irqwatch.source.root import Root
from tests.live.kernel import interrupt_counts, softirq_count, wait_for
from tests.live.load import send_udp_packets

PACKETS = 3000
TRIES = 10


def net_rx(snapshot: Snapshot) -> int:
    assert snapshot.probe
    return sum(s.run.count for s in snapshot.probe.softirqs if s.vector == "NET_RX")


def hardirqs(snapshot: Snapshot) -> dict[int, int]:
    assert snapshot.probe
    counts: dict[int, int] = {}
    for one in snapshot.probe.hardirqs:
        counts[one.irq] = counts.get(one.irq, 0) + one.handled.count + one.not_mine_count
    return counts


def check_softirqs(source: LiveSource) -> int:
    for _ in range(TRIES):
        counted, seen = softirq_count("NET_RX"), net_rx(source.sample())
        send_udp_packets(PACKETS)
        seen, counted = net_rx(source.sample()) - seen, softirq_count("NET_RX") - counted
        if seen == counted:
            return seen
    raise SystemExit(f"NET_RX: saw {seen} of {counted}")


def check_hardirqs(source: LiveSource) -> int:
    """Lines of one action, over an interval in which files are read from the host."""
    for _ in range(TRIES):
        counted, seen = interrupt_counts(), hardirqs(source.sample())
        for path in sorted(Path("/usr/lib/python3/dist-packages/bcc").glob("*.py")):
            path.read_bytes()
        after_seen, after_counted = hardirqs(source.sample()), interrupt_counts()
        deltas = {irq: after_counted[irq] - counted.get(irq, 0) for irq in after_counted}
        wrong = {
            irq: (after_seen.get(irq, 0) - seen.get(irq, 0), delta)
            for irq, delta in deltas.items()
            if after_seen.get(irq, 0) - seen.get(irq, 0) != delta
        }
        if not wrong:
            return sum(deltas.values())
    raise SystemExit(f"hard interrupts seen and counted, by line: {wrong}")


def works_run(source: LiveSource) -> list[str]:
    probe = source.sample().probe
    assert probe
    return sorted(work.function for work in probe.works if work.run.count)


def main() -> None:
    with LiveSource(Root()) as source:
        first = source.sample()
        if not first.probe or first.probe.collectors != set(COLLECTORS):
            raise SystemExit(f"the probe is not complete: {first.unavailable}")
        packets, interrupts = check_softirqs(source), check_hardirqs(source)
        wait_for(lambda: len(works_run(source)) >= 3, "three work functions", 60)
        last = source.sample()
        assert last.probe
        print(
            json.dumps(
                {
                    "kernel": platform.release(),
                    "cpus": len(last.topology.online),
                    "nodes": len({cpu.node for cpu in last.topology.cpus.values()}),
                    "net_rx": packets,
                    "interrupts": interrupts,
                    "works": works_run(source),
                    "losses": {
                        f"{collector}.{reason}": count
                        for collector, reasons in last.probe.losses.items()
                        for reason, count in reasons.items()
                        if count
                    },
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()
