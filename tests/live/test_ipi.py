"""The ipi collector against the kernel's own counts, and against its trace."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from irqwatch.collectors.ipi import ASKED, SENT, IpiAsked
from irqwatch.model.snapshot import Probe
from tests.live.kernel import Counts, Kind, added, counts_around, vector_counts, wait_for
from tests.live.load import busy, call_another_cpu, wake_on_another_cpu
from tests.live.probe import reader
from tests.live.recording import Interval, Seen, quiet_interval, record
from tests.live.rounds import mostly

TIMES = 2000
LEAST = TIMES // 10  # enough to compare, where others want the CPU too
EVENTS = ("csd/csd_queue_cpu", "csd/csd_function_entry", "csd/csd_function_exit")
BARRIER = "ipi_mb"  # what membarrier() has other CPUs run

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is no other CPU"),
    pytest.mark.skipif("CAL" not in vector_counts(), reason="no rows CAL and RES here"),
]


def call() -> None:
    """Until so many calls arrived: some of them are what is asked for here."""
    start = vector_counts()["CAL"]

    def arrived() -> bool:
        call_another_cpu(TIMES)
        return added(vector_counts()["CAL"], start) >= TIMES

    wait_for(arrived, "calls")


def wake() -> None:
    """An idle CPU is not rescheduled but called, or polls: so the other one is busy."""
    _, there = sorted(os.sched_getaffinity(0))[:2]
    with busy(there):
        wake_on_another_cpu(TIMES)


def interrupts(probe: Probe, purpose: str) -> int:
    return sum(one.interrupt_count for one in SENT.of(probe) if one.purpose == purpose)


@pytest.mark.parametrize(
    ("row", "purpose", "load"), [("CAL", "call", call), ("RES", "reschedule", wake)]
)
def test_interrupts_sent_are_those_that_arrive(
    row: str, purpose: str, load: Callable[[], None]
) -> None:
    with reader("ipi") as probe:

        def compare() -> None:
            counts: Counts = counts_around(
                lambda: vector_counts()[row],
                lambda: interrupts(probe.read(), purpose),
                load,
                Kind("ipi/ipi_send_cpu", "cpu >= 0"),
            )
            assert counts.are_right, counts
            assert counts.seen > LEAST

        mostly(compare, f"interrupts of {row}")


def test_who_asks_whom_is_told() -> None:
    here, there = sorted(os.sched_getaffinity(0))[:2]
    with reader("ipi") as probe:
        before = probe.read()
        by_sender, by_target = Counter[int](), Counter[int]()

        def enough() -> bool:
            """Of a thread whose CPU something else takes nobody asks anything."""
            call()
            after = probe.read()
            by_sender.clear(), by_target.clear()
            for one in SENT.between(after, before):
                if one.function == BARRIER:
                    by_sender[one.cpu] += one.call_count
                    assert "membarrier" in one.call_site
            for part in ASKED.between(after, before):
                if part.function == BARRIER:
                    by_target[part.cpu] += part.asked_count
            return by_sender[here] > LEAST

        wait_for(enough, "barriers that the other CPU was asked for")
    assert by_target[there] >= by_sender[here]


def barriers(probe: Probe) -> dict[int, IpiAsked]:
    return {one.cpu: one for one in ASKED.of(probe) if one.function == BARRIER}


def address_of(function: str) -> int:
    for line in Path("/proc/kallsyms").read_text().splitlines():
        address, _, symbol = line.split()[:3]
        if symbol == function:
            return int(address, 16)
    raise AssertionError(f"the kernel has no {function}")


def times_ns(events: list[Seen], name: str, function: int) -> dict[int, list[int]]:
    """By the CPU that is asked."""
    found = defaultdict(list)
    for seen in events:
        if seen.name == name and seen.fields["func"] == function and seen.fields["csd"]:
            found[int(seen.fields.get("cpu", seen.cpu))].append(seen.time_ns)
    return found


def spent_ns(interval: Interval, begins: str, ends: str, function: int, cpu: int) -> range:
    """From the first event to the second of all calls: at least, and at most."""
    first = {name: sum(times_ns(interval.first, name, function)[cpu]) for name in (begins, ends)}
    second = {name: sum(times_ns(interval.second, name, function)[cpu]) for name in (begins, ends)}
    return range(first[ends] - second[begins], second[ends] - first[begins] + 1)


def test_counts_waits_and_runs_are_the_traces() -> None:
    function = address_of(BARRIER)

    def compare() -> None:
        recording = record("ipi", EVENTS, call)
        names = [name.partition("/")[2] for name in EVENTS]
        # Of many CPUs some are always asked for something.
        interval = quiet_interval(
            recording, names, lambda seen: seen.fields.get("func") == function
        )
        before, after = barriers(interval.before), barriers(interval.after)
        exits = times_ns(interval.second, "csd_function_exit", function)
        assert sum(map(len, exits.values())) > LEAST
        for cpu, times in exits.items():
            old, new = before.get(cpu, IpiAsked("call", BARRIER, cpu)), after[cpu]
            assert new.asked_count - old.asked_count == len(times)
            assert new.run.count - old.run.count == len(times)
            assert new.latency.count - old.latency.count == len(times)
            run_ns = new.run.sum_ns - old.run.sum_ns
            assert run_ns in spent_ns(
                interval, "csd_function_entry", "csd_function_exit", function, cpu
            )
            wait_ns = new.latency.sum_ns - old.latency.sum_ns
            assert wait_ns in spent_ns(
                interval, "csd_queue_cpu", "csd_function_entry", function, cpu
            )

    mostly(compare, "IPIs by their trace")
