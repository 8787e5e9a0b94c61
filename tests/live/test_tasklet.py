"""The tasklet collector against the kernel's own trace. The load is that of the console's keyboard,
whose tasklet sets the lights."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from irqwatch.model.snapshot import Probe
from tests.live.load import CONSOLE, set_keyboard_lights
from tests.live.recording import Seen, quiet_interval, record
from tests.live.rounds import mostly

TIMES = 300
EVENTS = ("irq/tasklet_entry", "irq/tasklet_exit")

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(not CONSOLE.exists(), reason="there is no console here"),
]


def runs(probe: Probe) -> Counter[int]:
    return Counter({t.cpu: t.run.count for t in probe.parts["tasklets"] if t.function == "kbd_bh"})


def run_ns(probe: Probe) -> Counter[int]:
    return Counter({t.cpu: t.run.sum_ns for t in probe.parts["tasklets"] if t.function == "kbd_bh"})


def function_address(name: str) -> int:
    for line in Path("/proc/kallsyms").read_text().splitlines():
        address, _, symbol = line.split()[:3]
        if symbol == name:
            return int(address, 16)
    raise AssertionError(f"the kernel has no {name}")


def times_ns(events: list[Seen], name: str, function: int) -> dict[int, list[int]]:
    """By CPU."""
    found = defaultdict(list)
    for seen in events:
        if seen.name == name and seen.fields["func"] == function:
            found[seen.cpu].append(seen.time_ns)
    return found


def test_counts_and_times_are_the_kernels() -> None:
    function = function_address("kbd_bh")

    def compare() -> None:
        recording = record("tasklet", EVENTS, lambda: set_keyboard_lights(TIMES))
        interval = quiet_interval(recording, ["tasklet_entry", "tasklet_exit"])
        entries = times_ns(interval.first, "tasklet_entry", function)
        exits = times_ns(interval.second, "tasklet_exit", function)
        most_ns = {cpu: sum(exits[cpu]) - sum(entries[cpu]) for cpu in exits}
        entries_second = times_ns(interval.second, "tasklet_entry", function)
        exits_first = times_ns(interval.first, "tasklet_exit", function)
        least_ns = {cpu: sum(exits_first[cpu]) - sum(entries_second[cpu]) for cpu in exits}
        counted = runs(interval.after) - runs(interval.before)
        by_the_kernel = Counter({cpu: len(times) for cpu, times in exits.items()})
        assert counted == by_the_kernel
        assert counted.total() >= TIMES // 2
        spent = run_ns(interval.after) - run_ns(interval.before)
        for cpu in exits:
            assert least_ns[cpu] <= spent[cpu] <= most_ns[cpu]

    mostly(compare, "tasklets")
