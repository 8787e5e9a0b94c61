"""What the comparison lets pass, and what it does not."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irqwatch.model.snapshot import Worst
from tests.events import Event
from tests.oracle.bounds import Bounded, Bounds, Mismatch, between_bounds, bounds, latest_times
from tests.oracle.compare import Reading, compare, outside, quantile_difference, wrong_worst
from tests.oracle.reference import Distribution, Reference, Series, Span, distribution

TIMER_RUN: Series = ("softirq", "TIMER", 0, "run")


def softirq(time_ns: int, what: str, cpu: int = 0) -> Event:
    return Event(time_ns, cpu, 7, "", f"softirq_{what}", (1,))


def irq(time_ns: int, what: str) -> Event:
    args = (9, 1, "eth0") if what == "entry" else (9, 1, 1)
    return Event(time_ns, 0, 7, "", f"irq_handler_{what}", args)


def later(events: list[Event], by_ns: int) -> list[Event]:
    return [dataclasses.replace(event, time_ns=event.time_ns + by_ns) for event in events]


def reading(at_ns: int, counted: dict[Series, Distribution] | None = None) -> Reading:
    return Reading(at_ns, at_ns + 10, counted or {}, {})


RUNS = [softirq(t, what) for t in (1000, 2000, 3000) for what in ("entry", "exit")]
RUNS = [
    dataclasses.replace(event, time_ns=event.time_ns + (100 if event.name.endswith("exit") else 0))
    for event in RUNS
]
REFERENCE = Reference().feed(RUNS)
del REFERENCE.series["cause", -1, "", "softirq", "TIMER", 0, "run"]
SPANS = REFERENCE.series
LATEST = latest_times(RUNS, later(RUNS, 8))


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 200), st.integers(0, 200))))
def test_values_within_their_bounds_are_never_outside(drawn: list[tuple[int, int, int]]) -> None:
    lows = distribution([value for value, _, _ in drawn])
    truth = distribution([value + up for value, up, _ in drawn])
    highs = distribution([value + up + more for value, up, more in drawn])
    assert outside(truth.buckets, lows.buckets, highs.buckets) == 0


def test_a_value_beyond_its_bounds_is_outside() -> None:
    lows, highs = distribution([100, 1000]), distribution([110, 1010])
    assert outside(distribution([105, 1005]).buckets, lows.buckets, highs.buckets) == 0
    assert outside(distribution([105, 1500]).buckets, lows.buckets, highs.buckets) == 1
    assert outside(distribution([105, 500]).buckets, lows.buckets, highs.buckets) == 1


def test_bounds_hold_for_all_times_between_the_two() -> None:
    entry, into, out, exit = (
        softirq(100, "entry"),
        irq(120, "entry"),
        irq(140, "exit"),
        softirq(200, "exit"),
    )
    latest = {entry: 103, into: 125, out: 144, exit: 210}
    span = Span(80, entry, exit, ((into, out),))
    assert bounds(span, latest) == (200 - 103 - (144 - 120), 210 - 100 - (140 - 125), 210)
    perhaps = Span(80, entry, exit, perhaps=((into, out),))
    assert bounds(perhaps, latest) == (200 - 103 - (144 - 120), 210 - 100, 210)


def test_a_raise_between_an_entrys_two_times_may_have_been_served_by_it() -> None:
    times = {"raise": (50, 110, 500), "entry": (100, 900), "exit": (300, 950)}
    events = [softirq(t, what) for what, all_ns in times.items() for t in all_ns]
    events.sort(key=lambda event: event.time_ns)
    reference = Reference().feed(events)
    (_, waited) = reference.series["softirq", "TIMER", 0, "latency"]
    assert waited.ns == 900 - 110
    assert bounds(waited, latest_times(events, later(events, 5))).low_ns == 900 - 115
    assert bounds(waited, latest_times(events, later(events, 20))).low_ns == 900 - 520


def test_values_stand_between_their_bounds_where_their_sum_is_the_probes() -> None:
    limits = [Bounds(100, 200, 0), Bounds(1000, 1400, 0)]
    assert between_bounds(limits, 1225) == [125, 1100]
    assert between_bounds(limits, 0) == [100, 1000]
    assert between_bounds(limits, 9999) == [200, 1400]


def test_quantiles_are_compared_with_their_neighbours_in_rank() -> None:
    likely = distribution([100] * 992 + [10_000] * 8)
    assert quantile_difference(distribution([100] * 1000), likely, 0.99) == 0
    assert quantile_difference(distribution([10_000] * 1000), likely, 0.99) == 0
    assert quantile_difference(distribution([10_000] * 1000), likely, 0.5) == 27
    assert quantile_difference(distribution([80] * 1000), likely, 0.5) == -1


def test_events_find_their_second_times() -> None:
    events = [softirq(10, "entry"), softirq(20, "exit"), softirq(30, "entry")]
    assert latest_times(events, later(events, 5)) == {event: event.time_ns + 5 for event in events}
    began_later = later(events[1:], 5)
    assert latest_times(events, began_later).keys() == set(events[1:])


def test_an_interrupt_between_the_two_times_turns_the_order_around() -> None:
    entry, inner = softirq(10, "entry"), irq(12, "entry")
    second = [dataclasses.replace(inner, time_ns=13), dataclasses.replace(entry, time_ns=15)]
    assert latest_times([entry, inner], second) == {entry: 15, inner: 13}


def test_a_switch_that_only_the_second_has_is_left_out() -> None:
    switch = Event(20, 0, 7, "", "sched_switch", (0, 7, 8, 0))
    events = [softirq(10, "entry"), switch]
    assert latest_times(events[:1], later(events, 5)) == {events[0]: 15}


def test_ring_buffers_that_differ_are_refused() -> None:
    events = [softirq(10, "entry"), softirq(30, "entry")]
    with pytest.raises(Mismatch):
        latest_times(events[:1], later(events, 5))
    with pytest.raises(Mismatch):
        latest_times(events, later(events[1:], -25))
    with pytest.raises(Mismatch):
        latest_times(events, [softirq(15, "entry", cpu=1)])


def test_a_series_is_compared_between_quiet_readings_only() -> None:
    three = {TIMER_RUN: distribution([104] * 3)}
    during_an_event = reading(1095)
    readings = [during_an_event, reading(4000, three)]
    assert compare(REFERENCE, LATEST, readings, (1500, 3500)) == ([], [TIMER_RUN])

    rows, busy = compare(REFERENCE, LATEST, [reading(500), *readings], (600, 3500))
    assert (busy, [row[1:] for row in rows]) == ([], [(3, 0, 0, 0, 3, 276, 312, 324, 0, 0)])


def test_a_count_that_differs_shows() -> None:
    two = {TIMER_RUN: distribution([104] * 2)}
    ((row,), _) = compare(REFERENCE, LATEST, [reading(500), reading(4000, two)], (600, 3500))
    assert (row.events, row.count_difference, row.is_equal) == (3, -1, False)


def test_the_probe_may_have_a_raise_that_the_ring_buffer_has_not() -> None:
    latency: Series = ("softirq", "TIMER", 0, "latency")
    differences = []
    for count in (0, 1, 3, 4):
        last = reading(4000, {latency: distribution([9] * count)})
        rows, _ = compare(REFERENCE, LATEST, [reading(500), last], (600, 3500))
        differences += [row.is_equal for row in rows if row.series == latency]
    assert differences == [True, True, True, False]


def test_without_its_raise_a_softirq_may_have_another_cause() -> None:
    nothing: Series = ("cause", -1, "", "softirq", "TIMER", 0, "run")
    line: Series = ("cause", 9, "eth0", "softirq", "TIMER", 0, "run")
    reference = Reference().feed(RUNS)
    counted = {nothing: distribution([104] * 2), line: distribution([104])}
    rows, _ = compare(reference, LATEST, [reading(500), reading(4000, counted)], (600, 3500))
    of_causes = {row.series: (row.count_difference, row.is_equal) for row in rows}
    assert (of_causes[nothing], of_causes[line]) == ((-1, True), (1, True))
    reference.unraised.clear()
    rows, _ = compare(reference, LATEST, [reading(500), reading(4000, counted)], (600, 3500))
    assert {row.series for row in rows if not row.is_equal} >= {nothing, line}


def test_what_the_probe_alone_has_seen_shows() -> None:
    ghost: Series = ("softirq", "HI", 0, "run")
    last = reading(4000, {TIMER_RUN: distribution([104] * 3), ghost: distribution([1])})
    rows, _ = compare(REFERENCE, LATEST, [reading(500), last], (600, 3500))
    assert [row.series for row in rows if row.count_difference] == [ghost]


def problem(worst: Worst | None) -> str:
    spans = Bounded(SPANS[TIMER_RUN], LATEST)
    return wrong_worst(worst, spans, reading(500), reading(4000))


def test_a_worst_event_must_be_one_and_the_longest() -> None:
    assert problem(Worst(ns=100, at_ns=2104, cpu=0, pid=7, comm="")) == ""
    assert "at least" in problem(None)
    assert "at least" in problem(Worst(ns=80, at_ns=2104, cpu=0, pid=7, comm=""))
    assert "no event" in problem(Worst(ns=100, at_ns=2300, cpu=0, pid=7, comm=""))
    assert "no event" in problem(Worst(ns=300, at_ns=2104, cpu=0, pid=7, comm=""))
    assert "no event" in problem(Worst(ns=100, at_ns=2104, cpu=0, pid=8, comm=""))
    assert "no event" in problem(Worst(ns=100, at_ns=2104, cpu=1, pid=7, comm=""))
