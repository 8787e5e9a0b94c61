"""The blame collector against the kernel's own trace: what interrupts took from this process."""

import os
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest

from irqwatch.model.snapshot import SOFTIRQ_VECTORS, Probe
from tests.e2e.serving import serving
from tests.live.load import read_disk, send_udp_packets
from tests.live.recording import Interval, quiet_interval, record
from tests.live.rounds import mostly

pytestmark = pytest.mark.live

PACKETS = 4000
READS = 300
EVENTS = ("irq/irq_handler_entry", "irq/irq_handler_exit", "irq/softirq_entry", "irq/softirq_exit")
NAMES = tuple(event.partition("/")[2] for event in EVENTS)

# (vector, or a line's number; CPU)
What = tuple[str, int]


class Span(NamedTuple):
    """What was taken is at least and at most this long."""

    low_ns: int
    high_ns: int


def load() -> None:
    send_udp_packets(PACKETS)
    read_disk(READS)


def by_the_kernel(interval: Interval) -> dict[What, list[Span]]:
    """A softirq without the handlers inside. The events of one thread are in order, CPUs or no."""
    found: defaultdict[What, list[Span]] = defaultdict(list)
    entered: list[tuple[int, int]] = []
    inside = Span(0, 0)
    for first, second in zip(interval.first, interval.second, strict=True):
        assert first.name == second.name
        if first.name.endswith("entry"):
            entered.append((first.time_ns, second.time_ns))
        elif entered:  # one that began before has no entry here
            entry_ns, late_entry_ns = entered.pop()
            span = Span(first.time_ns - late_entry_ns, second.time_ns - entry_ns)
            if first.name == "softirq_exit":
                name = SOFTIRQ_VECTORS[int(first.fields["vec"])]
                span = Span(span.low_ns - inside.high_ns, span.high_ns - inside.low_ns)
                inside = Span(0, 0)
            else:
                name = str(first.fields["irq"])
                if entered:
                    inside = Span(inside.low_ns + span.low_ns, inside.high_ns + span.high_ns)
            found[name, first.cpu].append(span)
    return found


def taken(probe: Probe) -> tuple[Counter[What], Counter[What]]:
    """From this process: how often, and how long in nanoseconds."""
    counts: Counter[What] = Counter()
    ns: Counter[What] = Counter()
    for part in probe.parts["blames"]:
        if part.pid == os.getpid():
            what = (part.name if part.kind == "softirq" else str(part.irq), part.cpu)
            counts[what] += part.taken.count
            ns[what] += part.taken.ns
    return counts, ns


def compare(interval: Interval) -> Counter[What]:
    spans = by_the_kernel(interval)
    (counts, ns), (counts_before, ns_before) = taken(interval.after), taken(interval.before)
    counts -= counts_before
    assert counts == Counter({what: len(of_it) for what, of_it in spans.items()})
    for what, of_it in spans.items():
        low_ns, high_ns = (sum(bounds) for bounds in zip(*of_it, strict=True))
        assert low_ns <= ns[what] - ns_before[what] <= high_ns, what
    return counts


def test_counts_and_times_are_the_kernels() -> None:
    def compare_own() -> None:
        recording = record("blame", EVENTS, load, ["hardirq", "softirq"])
        own = recording._replace(
            first=[seen for seen in recording.first if seen.pid == os.getpid()],
            second=[seen for seen in recording.second if seen.pid == os.getpid()],
        )
        counts = compare(quiet_interval(own, NAMES))
        assert sum(n for (name, _), n in counts.items() if name == "NET_RX") >= PACKETS // 2

    mostly(compare_own, "blame")


def test_serve_names_the_cgroup_as_nobody() -> None:
    with serving(
        "--collector.blame", "--collector.blame.include=.", "--collector.thread"
    ) as server:
        send_udp_packets(PACKETS)
        (own,) = [
            line.removeprefix("0::")
            for line in Path("/proc/self/cgroup").read_text().splitlines()
            if line.startswith("0::")
        ]
        assert f'irqwatch_blamed_seconds_total{{cgroup="{own}",' in server.get()
