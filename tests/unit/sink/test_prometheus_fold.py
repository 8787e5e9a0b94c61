"""What folds when, and that folding never makes a counter fall."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irqwatch.base.fold import (
    BOUNDS_SECONDS,
    CpuSums,
    Groups,
    LongestLately,
    to_bounds,
)
from irqwatch.collectors.blame import Blame
from irqwatch.collectors.hardirq import HardirqTime
from irqwatch.collectors.work import WorkTime
from irqwatch.model.histogram import Histogram
from irqwatch.model.snapshot import CountAndTime, Line, LineDevice, Thread
from irqwatch.sink.prometheus.values import Accountant
from tests.unit.sink.exported_hosts import hardirq, large, probe, snapshot, worst

DURATION = "irqwatch_hardirq_duration_seconds"
ROW = ("LOC",)


@pytest.mark.parametrize(
    ("lines", "histograms", "by_line"),
    [
        (256, "auto", True),
        (257, "auto", False),
        (257, "line", True),
        (2, "device", False),
    ],
)
def test_hard_interrupts_are_by_line_on_small_hosts(lines, histograms, by_line):
    host = large(2, lines, devices=2, works=0)

    assert Accountant(host, (), histograms).detail.by_line is by_line
    # A container runtime may mask /proc/interrupts: then the probe shows how many there are.
    masked = replace(host, lines=())
    assert Accountant(masked, (), histograms).detail.by_line is by_line


def test_by_device_only_the_device_is_named():
    host = large(2, 6, devices=2, works=0)

    sheet = Accountant(host, (), "device").update(host, {})

    assert set(sheet.histograms[DURATION]) == {("", "", "dev0"), ("", "", "dev1")}
    assert sum(count for *_, count, _ in sheet.histograms[DURATION].values()) == 11 * 12
    assert set(sheet.values["irqwatch_hardirq_duration_max_seconds"]) == {
        ("", "", "dev0"),
        ("", "", "dev1"),
    }


def test_line_that_fired_on_few_cpus_shows_them_and_on_many_their_sum():
    busy = Line("0", 0, dict.fromkeys(range(9), 10), actions=("a",))
    pinned = Line("1", 1, {7: 3, 8: 4}, actions=("b",))
    others = tuple(Line(str(irq), irq, {}) for irq in range(2, 256))
    host = snapshot(lines=(busy, pinned, *others))

    counts = Accountant(host, ()).update(host, {}).values["irqwatch_interrupts_total"]

    assert counts == {
        ("0", "a", "", ""): 90,
        ("1", "b", "", "7"): 3,
        ("1", "b", "", "8"): 4,
    }


@pytest.mark.parametrize(("cpus", "apart"), [(64, True), (65, False)])
def test_counts_by_cpu_on_hosts_of_few(cpus, apart):
    host = large(cpus, 1, devices=1, works=0)

    values = Accountant(host, ()).update(host, {}).values

    assert len(values["irqwatch_softirqs_total"]) == 10 * (cpus if apart else 1)
    own = [labels for labels in values["irqwatch_interrupts_total"] if labels[0] == "A00"]
    assert len(own) == (cpus if apart else 1)
    assert len(values["irqwatch_softirq_seconds_total"]) == (10 if apart else 1) * cpus


def test_shape_stays_when_the_host_grows():
    accountant = Accountant(large(2, 256, devices=2, works=0), ())

    sheet = accountant.update(large(2, 300, devices=2, works=0), {})

    assert len(sheet.histograms[DURATION]) == 300


SECOND_NS = 10**9
BOTH = frozenset({0, 1})
COUNTS = st.dictionaries(st.integers(0, 3), st.integers(0, 2**32 - 1))


@given(st.lists(st.tuples(COUNTS, st.frozensets(st.integers(0, 3))), min_size=2))
def test_cpu_sum_never_falls(history):
    sums = CpuSums()
    totals = [sums.update(ROW, counts, cpus | counts.keys(), SECOND_NS) for counts, cpus in history]

    assert totals == sorted(totals)


@pytest.mark.parametrize(
    ("before", "after", "cpus", "growth"),
    [
        ({0: 5, 1: 5}, {0: 6, 1: 7}, (BOTH, BOTH), 3),
        ({0: 2**32 - 10, 1: 5}, {0: 20, 1: 5}, (BOTH, BOTH), 30),  # wrapped
        ({0: 1000, 1: 5}, {0: 4, 1: 5}, (BOTH, BOTH), 0),  # was reset: how many is not known
        ({0: 2_500_000_000}, {0: 5}, (BOTH, BOTH), 0),
        ({0: 1000, 1: 5}, {0: 1001}, (BOTH, {0}), 1),  # CPU 1 went offline
        ({0: 1000}, {0: 1000, 1: 3_000_000}, ({0}, BOTH), 0),  # CPU 1 came
        ({0: 1000}, {0: 1000, 1: 7}, (BOTH, BOTH), 7),  # zero before
        ({1: 5, 0: 5}, {0: 6, 1: 7}, (BOTH, BOTH), 3),
    ],
)
def test_cpu_sum_grows_by_what_was_counted(before, after, cpus, growth):
    sums = CpuSums()
    first = sums.update(ROW, before, cpus[0], SECOND_NS)

    assert first == sum(before.values())
    assert sums.update(ROW, after, cpus[1], SECOND_NS) == first + growth


def test_cpu_that_comes_back_is_not_counted_twice():
    sums = CpuSums()
    history = [({0: 10, 1: 20}, BOTH), ({0: 11}, {0}), ({0: 12, 1: 21}, BOTH), ({1: 23}, {1})]

    assert [sums.update(ROW, *reading, SECOND_NS) for reading in history] == [30, 31, 32, 34]


def test_row_that_is_summed_stays_so():
    others = tuple(Line(str(irq), irq, {}) for irq in range(1, 2048))
    first, second = (
        snapshot(lines=(Line("0", 0, counts, actions=("a",)), *others), line_cpus=frozenset(counts))
        for counts in ({0: 4, 1: 5}, {0: 6})  # CPU 1 went offline
    )
    accountant = Accountant(first, ())
    name = "irqwatch_interrupts_total"

    assert accountant.update(first, {}).values[name] == {("0", "a", "", ""): 9}
    assert accountant.update(second, {}).values[name] == {("0", "a", "", ""): 11}


def in_groups(groups, members):
    """``members``: name → (group, counter)."""
    update = {(name,): ((group,), (counter,)) for name, (group, counter) in members.items()}
    return {group: counter for (group,), (counter,) in groups.update(update).items()}


def test_group_does_not_fall_when_a_member_goes_or_starts_anew():
    groups = Groups(9, ("other",))

    assert in_groups(groups, {"a": ("nic", 10), "b": ("nic", 20)}) == {"nic": 30}
    assert in_groups(groups, {"a": ("nic", 12)}) == {"nic": 32}
    assert in_groups(groups, {"a": ("nic", 3), "b": ("nic", 1)}) == {"nic": 36}


def test_group_without_members_goes_and_makes_room():
    groups = Groups(2, ("other",))

    assert in_groups(groups, {"a": ("a", 1), "b": ("b", 2), "c": ("c", 3), "d": ("d", 4)}) == {
        "a": 1,
        "b": 2,
        "other": 7,
    }
    assert in_groups(groups, {"b": ("b", 2), "c": ("c", 5), "e": ("e", 6)}) == {
        "b": 2,
        "other": 9,  # c stays where it was counted, d's part remains
        "e": 6,
    }
    assert in_groups(groups, {"b": ("b", 2)}) == {"b": 2, "other": 9}


@given(
    st.lists(
        st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(0, 50), max_size=12),
        max_size=8,
    )
)
def test_groups_are_bounded_and_monotonic(history):
    groups = Groups(4, ("other",))
    before = {}
    for members in history:
        now = in_groups(groups, {name: (name, counter) for name, counter in members.items()})
        assert len(now) <= 5
        assert all(now[group] >= before[group] for group in now.keys() & before.keys())
        before = now


def test_ever_new_work_functions_are_folded_into_other():
    def host(turn):
        works = tuple(
            WorkTime(f"f{turn}_{n}", "events", run=Histogram({9: 1}, 99)) for n in range(99)
        )
        return snapshot(100 + turn, probe=probe("work", works=works))

    accountant = Accountant(host(0), ())
    for turn in range(9):
        found = accountant.update(host(turn), {}).histograms["irqwatch_work_duration_seconds"]
        assert len(found) == 65
        assert found["other", "other"][-2] == 35 * (turn + 1)


def test_ever_new_processes_and_cgroups_are_folded_into_other():
    def host(turn):
        blames = tuple(
            Blame(n, "x", 1000 * turn + n, "vector", "timer", 0, taken=CountAndTime(1, 10**9))
            for n in range(300)
        )
        return snapshot(100 + turn, probe=probe("blame", blames=blames))

    accountant = Accountant(host(0), ())
    for turn in range(3):
        found = accountant.update(host(turn), {}).values["irqwatch_blamed_seconds_total"]
        assert len(found) == 257
        assert found["other", "other", "other"] == 44 * (turn + 1)


def test_freed_lines_do_not_make_their_device_or_cpu_fall():
    def host(*irqs):
        devices = tuple(LineDevice(irq, "nvme0", "nvme") for irq in irqs)
        times = tuple(hardirq(irq, f"q{irq}") for irq in irqs)
        return snapshot(devices=devices, probe=probe("hardirq", hardirqs=times))

    accountant = Accountant(host(1, 2), (), "device")
    both, one = (accountant.update(host(*irqs), {}) for irqs in ((1, 2), (1,)))

    assert both.histograms[DURATION] == one.histograms[DURATION]
    name = "irqwatch_hardirq_seconds_total"
    assert both.values[name] == one.values[name] == {("0",): 140}


def test_not_mine_time_is_part_of_the_cpus_time():
    time = HardirqTime(3, "a", 1, not_mine_count=1, not_mine_ns=5 * 10**8)
    host = snapshot(probe=probe("hardirq", hardirqs=(time,)))

    values = Accountant(host, ()).update(host, {}).values

    assert values["irqwatch_hardirq_seconds_total"] == {("1",): 0.5}
    assert values["irqwatch_hardirq_not_mine_seconds_total"] == {("3", "a", ""): 0.5}


def test_threads_of_a_line_are_added():
    threads = tuple(Thread(pid, "irq/3-x", "irq_thread", 10**9, irq=3) for pid in (10, 11))
    host = snapshot(threads=threads, devices=(LineDevice(3, "eth0", "net"),))

    values = Accountant(host, ()).update(host, {}).values

    assert values["irqwatch_irq_thread_cpu_seconds_total"] == {("3", "eth0"): 2}


@given(st.dictionaries(st.integers(0, 125), st.integers(0, 1000)))
def test_bounds_hold_every_value_once(buckets):
    *counts, total, sum_ns = to_bounds(Histogram(buckets, 7))

    assert len(counts) == len(BOUNDS_SECONDS)
    assert (total, sum_ns) == (sum(buckets.values()), 7)
    assert counts == sorted(counts)


KEY = ("metric", ("label",))
MINUTE_NS = 60 * 10**9


def test_longest_is_not_emptied_by_being_asked_for():
    longest = LongestLately()

    assert longest.update(MINUTE_NS, {KEY: 5}) == {KEY: 5}
    assert longest.update(MINUTE_NS + 1, {}) == {KEY: 5}
    assert longest.update(MINUTE_NS + 2, {KEY: 3}) == {KEY: 5}


def test_longest_is_of_one_to_two_minutes():
    longest = LongestLately()
    longest.update(MINUTE_NS, {KEY: 5})

    assert longest.update(3 * MINUTE_NS - 1, {KEY: 3}) == {KEY: 5}
    assert longest.update(3 * MINUTE_NS, {}) == {KEY: 3}
    assert longest.update(4 * MINUTE_NS, {}) == {}


def test_longest_after_a_long_silence_is_what_has_been_since():
    longest = LongestLately()
    longest.update(MINUTE_NS, {KEY: 5})

    assert longest.update(60 * MINUTE_NS, {KEY: 4}) == {KEY: 4}


def test_longest_of_a_line_is_of_all_its_cpus():
    times = (
        hardirq(3, "a", 0, worst=worst(7000)),
        hardirq(3, "a", 1, worst=worst(5000)),
        hardirq(3, "a", 2),
    )
    host = snapshot(probe=probe("hardirq", hardirqs=times))

    values = Accountant(host, ()).update(host, {}).values

    assert values["irqwatch_hardirq_duration_max_seconds"] == {("3", "a", ""): 7e-6}
