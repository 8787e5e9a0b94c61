"""The napi collector against the kernel's own trace, and against /proc/net/softnet_stat."""

import os
from collections import Counter
from pathlib import Path

import pytest

from irqwatch.model.snapshot import Probe
from irqwatch.source import loader
from irqwatch.source.probe import ProbeReader
from tests.live.load import send_udp_packets
from tests.live.recording import RUNS, NoQuietReading, quiet_interval, record

pytestmark = pytest.mark.live

PACKETS = 5000
NO_DEVICE = "(no_device)"  # include/trace/events/napi.h

# By device and CPU: polls, packets, and polls that used up their budget.
Counts = Counter[tuple[str, int, str]]


def counted(probe: Probe) -> Counts:
    found: Counts = Counter()
    for part in probe.napis:
        found[part.device, part.cpu, "polls"] = part.poll_count
        found[part.device, part.cpu, "packets"] = part.packet_count
        found[part.device, part.cpu, "exhausted"] = part.exhausted_count
    return +found


def test_counts_are_those_of_the_trace() -> None:
    for _ in range(RUNS):
        recording = record("napi", ["napi/napi_poll"], lambda: send_udp_packets(PACKETS))
        try:
            interval = quiet_interval(recording, ["napi_poll"])
        except NoQuietReading:
            continue
        by_the_kernel: Counts = Counter()
        for seen in interval.first:
            device = str(seen.fields["dev_name"])
            work, budget = int(seen.fields["work"]), int(seen.fields["budget"])
            place = ("backlog" if device == NO_DEVICE else device, seen.cpu)
            by_the_kernel[(*place, "polls")] += 1
            by_the_kernel[(*place, "packets")] += work
            by_the_kernel[(*place, "exhausted")] += work >= budget > 0
        by_the_probe = counted(interval.after) - counted(interval.before)
        if by_the_probe == +by_the_kernel:
            break
    assert by_the_probe == +by_the_kernel
    assert sum(by_the_probe["backlog", cpu, "polls"] for cpu in range(64)) >= PACKETS


def packets_of_the_kernel() -> int:
    """All CPUs' first column."""
    rows = Path("/proc/net/softnet_stat").read_text().splitlines()
    return sum(int(row.split()[0], 16) for row in rows)


def test_packets_of_the_backlog_are_those_that_the_kernel_took() -> None:
    """Each packet over loopback goes through the backlog, and is counted where it is taken."""
    cpus = os.cpu_count() or 1
    loaded, unavailable = loader.load(["napi"], loader.sizes(64, cpus))
    assert not unavailable
    reader = ProbeReader(loaded, tuple(range(cpus)))
    try:
        for _ in range(RUNS):
            before, counted_before = packets(reader.read()), packets_of_the_kernel()
            send_udp_packets(PACKETS)
            taken, by_the_kernel = packets(reader.read()), packets_of_the_kernel()
            if taken - before == by_the_kernel - counted_before:
                break
        assert taken - before == by_the_kernel - counted_before
        assert taken - before >= PACKETS
    finally:
        reader.close()


def packets(probe: Probe) -> int:
    return sum(napi.packet_count for napi in probe.napis)
