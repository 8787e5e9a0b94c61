"""Which series exist; and that no sum falls and nothing is counted twice, or not at all."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irqwatch.base.series import (
    ANY,
    LARGE_SHARE,
    LEAST_SHARE,
    WINDOW_NS,
    Bound,
    Filter,
    Groups,
    Growing,
    Member,
    RowCounts,
    Total,
)
from irqwatch.model.histogram import Histogram

MINUTE_NS = WINDOW_NS
OTHER = ("other",)


def groups(limit: int, wanted: Filter = ANY) -> Groups:
    return Groups(limit, lambda group: OTHER, 0, wanted)


def member(group: str, ns: int, count: int | None = None) -> Member:
    counted = ns if count is None else count
    return Member((group,), ns, (counted,), (Histogram({9: counted}, ns),))


def update(groups: Groups, minute: int, times: dict[str, int], **more: object) -> dict[str, int]:
    """Group → what it has counted, where each member is its own group."""
    members = {(name,): member(name, ns) for name, ns in times.items()}
    found = groups.update(members, minute * MINUTE_NS, **more)  # type: ignore[arg-type]
    for total in found.values():
        assert total.counts[0] == total.times[0].count == total.times[0].sum_ns
    return {group: total.counts[0] for (group,), total in found.items()}


BUSY = int(LARGE_SHARE * MINUTE_NS)
ENOUGH = int(LEAST_SHARE * MINUTE_NS)
QUIET = ENOUGH // 2


def test_what_takes_time_is_shown_apart_from_the_first_scrape_where_that_is_late() -> None:
    assert update(groups(4), 1, {"a": ENOUGH, "b": QUIET}) == {"a": ENOUGH, "other": QUIET}


def test_a_minute_decides_and_what_was_in_other_stays_there() -> None:
    of = groups(4)
    assert update(of, 0, {"a": 1}) == {"other": 1}
    assert update(of, 1, {"a": 1 + ENOUGH}) == {"a": 0, "other": 1 + ENOUGH}
    assert update(of, 2, {"a": 5 + ENOUGH}) == {"a": 4, "other": 1 + ENOUGH}


def test_it_stays_apart_when_it_takes_no_time_any_more() -> None:
    of = groups(4)
    update(of, 1, {"a": ENOUGH})
    for minute in range(2, 9):
        assert update(of, minute, {"a": ENOUGH}) == {"a": ENOUGH}


def test_the_second_half_of_the_room_is_for_what_takes_much() -> None:
    of = groups(4)
    update(of, 1, dict.fromkeys("abcd", ENOUGH))
    assert of.shown == {("a",), ("b",)}
    update(of, 2, dict.fromkeys("abcd", ENOUGH) | {"e": BUSY, "f": BUSY + 1, "g": BUSY - 1})
    assert of.shown == {("a",), ("b",), ("e",), ("f",)}


def test_the_same_are_shown_whatever_order_they_come_in() -> None:
    times = {"a": BUSY, "b": ENOUGH, "c": BUSY * 2, "d": QUIET}
    one, other = groups(8), groups(8)
    update(one, 1, times)
    update(other, 1, dict(reversed(times.items())))
    assert one.shown == other.shown == {("a",), ("b",), ("c",)}


def test_a_group_whose_members_are_gone_keeps_its_sum_until_its_place_is_needed() -> None:
    of = groups(1)
    assert update(of, 1, {"a": BUSY}) == {"a": BUSY}
    assert update(of, 2, {"b": QUIET}) == {"a": BUSY, "other": QUIET}
    assert update(of, 3, {"a": 7, "b": QUIET}) == {"a": BUSY + 7, "other": QUIET}
    assert update(of, 4, {"b": QUIET}) == {"a": BUSY + 7, "other": QUIET}
    assert update(of, 5, {"b": QUIET + BUSY}) == {"b": 0, "other": QUIET + BUSY}


def test_what_is_always_apart_has_all_that_it_counted() -> None:
    of = groups(2)
    assert update(of, 0, {"a": 1, "b": 2}, always=[("b",)]) == {"b": 2, "other": 1}
    assert update(of, 0, {"a": 1, "b": 3, "c": 9}, always=[("c",)]) == {"b": 3, "c": 9, "other": 1}
    assert update(of, 0, {"d": 5}, always=[("d",)])["d"] == 5  # in place of one that is gone
    assert len(of.shown) == 2


def test_what_must_not_be_born_with_a_count_is_in_other_first() -> None:
    of = groups(2)
    assert update(of, 0, {"a": 0}) == {"other": 0}
    assert update(of, 0, {"a": 3}, from_now=[("a",)]) == {"a": 0, "other": 3}
    assert update(of, 0, {"a": 5}) == {"a": 2, "other": 3}


def test_a_member_that_is_missing_for_a_while_is_not_counted_twice() -> None:
    of = groups(2)
    update(of, 0, {"a": 5}, always=[("a",)], keeps_gone=True)
    update(of, 0, {}, keeps_gone=True)
    assert update(of, 0, {"a": 7}, keeps_gone=True) == {"a": 7}


@pytest.mark.parametrize(
    ("include", "exclude", "shown"),
    [
        ("^x", None, {"x1", "x2"}),
        (None, "^x", {"busy"}),
        ("^x", "2", {"x1"}),
        (None, None, {"busy"}),
    ],
)
def test_filters(include: str | None, exclude: str | None, shown: set[str]) -> None:
    patterns = (None if one is None else re.compile(one) for one in (include, exclude))
    of = groups(9, Filter(*patterns))
    times = {"x1": 1, "x2": 1, "busy": BUSY, "quiet": 1}
    found = update(of, 1, times)
    assert {name for (name,) in of.shown} == shown
    assert sum(found.values()) == sum(times.values())


names = st.text("abcdef", min_size=1, max_size=1)
counters = st.integers(0, 3 * BUSY)
histories = st.lists(
    st.tuples(st.integers(0, 2), st.dictionaries(names, counters, max_size=6), st.sets(names)),
    max_size=12,
)


@given(histories, st.integers(0, 4))
def test_nothing_falls_and_all_is_counted_once(
    history: list[tuple[int, dict[str, int], set[str]]], limit: int
) -> None:
    """Members that grow, stand still, go, come back and begin again."""
    of = groups(limit)
    minute, counted = 0, 0
    last: dict[str, int] = {}
    before: dict[str, int] = {}
    for minutes, times, always in history:
        minute += minutes
        for name, ns in times.items():
            then = last.get(name, 0)
            counted += ns - then if ns >= then else ns
        last = times
        now = update(of, minute, times, always=[(name,) for name in always])
        assert len(now.keys() - {"other"}) <= limit
        dropped = sum(before[group] for group in before.keys() - now.keys())
        counted -= dropped  # its members are gone, and another had its place
        assert all(now[group] >= before[group] for group in now.keys() & before.keys())
        assert sum(now.values()) == counted
        before = now


@given(st.lists(st.dictionaries(st.integers(0, 125), st.integers(0, 9), max_size=5), max_size=6))
def test_no_bucket_falls(history: list[dict[int, int]]) -> None:
    of = groups(0)
    before = Total((), ())
    for minute, buckets in enumerate(history):
        times = (Histogram(buckets, sum(buckets.values())),)
        found = of.update({("a",): Member(("a",), 0, (), times)}, minute * MINUTE_NS)
        for then, now in zip(before.times, found[OTHER].times, strict=False):
            assert all(now.buckets[bucket] >= n for bucket, n in then.buckets.items())
        before = found[OTHER]


def test_any_counter_that_falls_is_one_that_began_again() -> None:
    of = groups(0)
    for ns, counts, sums in ((9, (5, 5), (5, 5)), (9, (2, 6), (7, 11)), (8, (3, 7), (10, 18))):
        found = of.update({("a",): Member(("a",), ns, counts)}, 0)
        assert found[OTHER].counts == sums


@given(st.lists(st.dictionaries(names, st.integers(0, 50)), max_size=8))
def test_growing_sums_never_fall(history: list[dict[str, int]]) -> None:
    of = Growing()
    sums = [of.update(((name,), ("all",), n) for name, n in one.items()) for one in history]
    assert all(one.items() <= {**other, **one}.items() for one, other in pairwise(sums))
    totals = [one.get(("all",), 0) for one in sums]
    assert totals == sorted(totals)


def test_growing_sums_outlive_what_goes_and_begins_again() -> None:
    of = Growing()
    sums = [
        of.update([(("a",), ("cpu0",), a), (("b",), ("cpu0",), b)] if b is not None else [])
        for a, b in ((10, 20), (12, None), (12, 3))
    ]
    assert sums == [{("cpu0",): 30}, {("cpu0",): 30}, {("cpu0",): 45}]


@pytest.mark.parametrize(
    ("cpus", "room"), [(1, 3), (4, 3), (5, 6), (16, 6), (17, 12), (64, 12), (65, 20), (1024, 20)]
)
def test_larger_hosts_have_more_room(cpus: int, room: int) -> None:
    assert Bound(3, 20).on(cpus) == room


SECOND_NS = 10**9
BOTH = frozenset({0, 1})
ROW = ("16",)
NAME = ("eth0",)
COUNTS = st.dictionaries(st.integers(0, 3), st.integers(0, 2**32 - 1))


@given(st.lists(st.tuples(COUNTS, st.frozensets(st.integers(0, 3))), min_size=2))
def test_a_row_never_falls(history: list[tuple[dict[int, int], frozenset[int]]]) -> None:
    rows = RowCounts()
    totals = [
        rows.update(ROW, NAME, counts, cpus | counts.keys(), SECOND_NS) for counts, cpus in history
    ]
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
def test_a_row_grows_by_what_was_counted(
    before: dict[int, int], after: dict[int, int], cpus: tuple[set[int], set[int]], growth: int
) -> None:
    rows = RowCounts()
    first = rows.update(ROW, NAME, before, cpus[0], SECOND_NS)
    assert first == sum(before.values())
    assert rows.update(ROW, NAME, after, cpus[1], SECOND_NS) == first + growth


def test_a_cpu_that_comes_back_is_not_counted_twice() -> None:
    rows = RowCounts()
    history = (({0: 10, 1: 20}, BOTH), ({0: 11}, {0}), ({0: 12, 1: 21}, BOTH), ({1: 23}, {1}))
    assert [rows.update(ROW, NAME, *one, SECOND_NS) for one in history] == [30, 31, 32, 34]


def test_a_line_that_is_another_devices_now_counts_anew() -> None:
    rows = RowCounts()
    rows.update(ROW, NAME, {0: 1000}, BOTH, SECOND_NS)
    assert rows.update(ROW, ("sda",), {0: 1003}, BOTH, SECOND_NS) == 3
    assert rows.update(ROW, ("sda",), {0: 1009}, BOTH, SECOND_NS) == 9
