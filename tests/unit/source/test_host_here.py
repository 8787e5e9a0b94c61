"""This very host. The check is another interface of the kernel: the sums in /proc/stat, read
before and after."""

from pathlib import Path

from irqwatch.model.snapshot import SOFTIRQ_VECTORS
from irqwatch.source.host import HostReader, HostReading
from irqwatch.source.root import Root


def read_between_sums() -> tuple[dict[str, list[int]], HostReading, dict[str, list[int]]]:
    before = read_sums()
    return before, HostReader(Root()).read(), read_sums()


def read_sums() -> dict[str, list[int]]:
    """Rows of /proc/stat: ``softirq`` is the total, then each vector's; ``intr`` the total, then
    each line's by its number. They cover all possible CPUs."""
    rows = (row.split() for row in Path("/proc/stat").read_text().splitlines())
    return {name: [int(n) for n in numbers] for name, *numbers in rows if name in SUMMED}


SUMMED = ("softirq", "intr")


def lacking(reading: HostReading) -> set[str]:
    return {lack.part for lack in reading.unavailable}


def test_softirq_counts_agree_with_their_sums() -> None:
    before, reading, after = read_between_sums()
    assert bool(reading.softirq_counts) != ("softirqs" in lacking(reading))
    for vector, counts in reading.softirq_counts.items():
        index = 1 + SOFTIRQ_VECTORS.index(vector)
        assert before["softirq"][index] <= sum(counts.values()) <= after["softirq"][index]


def test_line_counts_agree_with_their_sums() -> None:
    before, reading, after = read_between_sums()
    assert bool(reading.lines) != ("interrupts" in lacking(reading))
    # /proc/interrupts leaves out the counts of CPUs that are offline.
    all_online = reading.topology.online == reading.topology.possible
    for line in reading.lines:
        if line.irq is None:
            continue
        assert line.controller
        count = sum(line.counts.values())
        assert count <= after["intr"][1 + line.irq]
        if all_online:
            assert count >= before["intr"][1 + line.irq]


def test_every_cpu_with_times_is_a_possible_one() -> None:
    reading = HostReader(Root()).read()
    assert reading.cpu_times
    if "topology" not in lacking(reading):
        assert set(reading.cpu_times) <= set(reading.topology.possible)


def test_what_costs_more_belongs_to_the_lines() -> None:
    reader = HostReader(Root())
    lines = reader.read().lines
    irqs = {line.irq for line in lines}
    assert {setting.irq for setting in reader.settings(lines, 0, 0)} <= irqs
    assert {device.irq for device in reader.devices(lines, 0).devices} <= irqs
