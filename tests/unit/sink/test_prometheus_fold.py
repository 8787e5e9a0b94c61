"""How values are folded, and that folding never makes a counter fall."""

from hypothesis import given
from hypothesis import strategies as st

from irqwatch.base.fold import BOUNDS_SECONDS, LongestLately, to_bounds
from irqwatch.collectors.hardirq import HardirqTime
from irqwatch.model.histogram import Histogram
from irqwatch.model.snapshot import LineDevice, Thread
from irqwatch.sink.prometheus.values import Accountant
from tests.unit.sink.exported_hosts import hardirq, probe, snapshot, worst


def test_not_mine_time_is_part_of_the_cpus_time():
    time = HardirqTime(3, "a", 1, not_mine_count=1, not_mine_ns=5 * 10**8)
    host = snapshot(probe=probe("hardirq", hardirqs=(time,)))

    values = Accountant(host, ()).update(host, {}).values

    assert values["irqwatch_cpu_interrupt_seconds_total"] == {("1", "hardirq"): 0.5}
    assert values["irqwatch_hardirq_not_mine_seconds_total"] == {("", "a"): 0.5}


def test_threads_of_a_line_are_added():
    threads = tuple(Thread(pid, "irq/3-x", "irq_thread", 10**9, irq=3) for pid in (10, 11))
    host = snapshot(threads=threads, devices=(LineDevice(3, "eth0", "net"),))

    values = Accountant(host, ()).update(host, {}).values

    assert values["irqwatch_irq_thread_cpu_seconds_total"] == {("eth0",): 2}


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

    assert values["irqwatch_hardirq_duration_max_seconds"] == {("", "a"): 7e-6}
