"""The napi collector against the kernel's own trace, and against /proc/net/softnet_stat."""

from collections import Counter
from pathlib import Path

import pytest

from irqwatch.model.snapshot import Probe
from irqwatch.source.bpf_syscalls import possible_cpus
from tests.live.kernel import Kind, counts_around
from tests.live.load import send_udp_packets
from tests.live.probe import reader
from tests.live.recording import quiet_interval, record
from tests.live.rounds import mostly

pytestmark = pytest.mark.live

PACKETS = 5000
NO_DEVICE = "(no_device)"  # include/trace/events/napi.h

# By device and CPU: polls, packets, and polls that used up their budget.
Counts = Counter[tuple[str, int, str]]


def counted(probe: Probe) -> Counts:
    found: Counts = Counter()
    for part in probe.parts["napis"]:
        found[part.device, part.cpu, "polls"] = part.poll_count
        found[part.device, part.cpu, "packets"] = part.packet_count
        found[part.device, part.cpu, "exhausted"] = part.exhausted_count
    return +found


def test_counts_are_those_of_the_trace() -> None:
    def compare() -> None:
        recording = record("napi", ["napi/napi_poll"], lambda: send_udp_packets(PACKETS))
        interval = quiet_interval(recording, ["napi_poll"])
        by_the_kernel: Counts = Counter()
        for seen in interval.first:
            device = str(seen.fields["dev_name"])
            work, budget = int(seen.fields["work"]), int(seen.fields["budget"])
            place = ("backlog" if device == NO_DEVICE else device, seen.cpu)
            by_the_kernel[(*place, "polls")] += 1
            by_the_kernel[(*place, "packets")] += work
            by_the_kernel[(*place, "exhausted")] += work >= budget > 0
        by_the_probe = counted(interval.after) - counted(interval.before)
        assert by_the_probe == +by_the_kernel
        assert (
            sum(by_the_probe["backlog", cpu, "packets"] for cpu in range(possible_cpus()))
            >= PACKETS
        )

    mostly(compare, "polls")


def packets_of_the_kernel() -> int:
    """All CPUs' first column."""
    rows = Path("/proc/net/softnet_stat").read_text().splitlines()
    return sum(int(row.split()[0], 16) for row in rows)


def test_packets_of_the_backlog_are_those_that_the_kernel_took() -> None:
    """Each packet over loopback goes through the backlog, and is counted where it is taken."""

    def compare() -> None:
        counts = counts_around(
            packets_of_the_kernel,
            lambda: packets(probe_reader.read()),
            lambda: send_udp_packets(PACKETS),
            Kind("napi/napi_poll", "budget > 0"),
        )
        assert counts.are_right, counts
        assert counts.seen >= PACKETS

    with reader("napi") as probe_reader:
        mostly(compare, "packets of the backlog")


def packets(probe: Probe) -> int:
    return sum(napi.packet_count for napi in probe.parts["napis"])
