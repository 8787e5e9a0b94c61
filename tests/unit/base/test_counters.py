"""A counter that wrapped is told apart from one that was reset."""

import pytest

from irqwatch.base import counters
from irqwatch.model.histogram import Histogram
from irqwatch.model.snapshot import CountAndTime
from tests.hosts import SECOND

TOP = 2**32


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (5, 3, 2),
        (3, 3, 0),
        (7, TOP - 1, 8),
        (0, TOP - 1, 1),
        (10, 1000, None),  # reset: a wrap would be four billion interrupts
        (0, TOP - 20_000_000, None),  # more than a CPU can take in a second
        (0, TOP - 10_000_000, 10_000_000),
    ],
)
def test_32_bit_steps_over_a_second(now: int, before: int, expected: int | None) -> None:
    assert counters.steps_32bit(now, before, SECOND) == expected


def test_a_longer_interval_leaves_room_for_more() -> None:
    assert counters.steps_32bit(0, TOP - 20_000_000, 2 * SECOND) == 20_000_000


def test_cpu_counts() -> None:
    both = frozenset({0, 1, 2})
    assert counters.cpu_counts({0: 5, 1: 7, 9: 4}, {0: 5, 1: 3}, both, SECOND) == {1: 4}
    assert counters.cpu_counts({}, {}, both, SECOND) == {}
    assert counters.cpu_counts({0: 2}, {0: TOP - 1}, both, SECOND) == {0: 3}
    assert counters.cpu_counts({1: 1}, {0: TOP - 1}, both, SECOND) == {0: 1, 1: 1}
    assert counters.cpu_counts({0: 9, 1: 2}, {0: 5, 1: 3}, both, SECOND) is None
    assert counters.cpu_counts({0: 9}, {0: 5, 1: 3}, both, SECOND) is None
    assert counters.cpu_counts({0: 9}, {0: 5, 1: 3}, frozenset({0}), SECOND) == {0: 4}


@pytest.mark.parametrize(
    ("now", "before"),
    [
        (Histogram({3: 1}, 50), Histogram({3: 2}, 40)),
        (Histogram({4: 2}, 50), Histogram({3: 2}, 40)),
        (Histogram({3: 3}, 30), Histogram({3: 2}, 40)),
        (Histogram({3: 2}, 30), Histogram({3: 2}, 40)),
    ],
)
def test_a_histogram_that_went_backwards_is_unknown(now: Histogram, before: Histogram) -> None:
    assert counters.histogram(now, before) is None


def test_histogram() -> None:
    steps = counters.histogram(Histogram({3: 5, 4: 1, 7: 2}, 90), Histogram({3: 2, 7: 2}, 40))
    assert steps == Histogram({3: 3, 4: 1}, 50)


@pytest.mark.parametrize(
    ("now", "expected"),
    [((5, 90), (3, 50)), ((2, 40), (0, 0)), ((1, 90), None), ((5, 30), None)],
)
def test_either_of_a_pair_tells_of_a_reset(
    now: tuple[int, int], expected: tuple[int, int] | None
) -> None:
    steps = counters.count_and_time(CountAndTime(*now), CountAndTime(2, 40))
    assert steps == (expected and CountAndTime(*expected))


def test_by_name_one_reset_makes_all_unknown() -> None:
    before = {"NET_RX": CountAndTime(2, 40), "TIMER": CountAndTime(7, 70)}
    grown = {"NET_RX": CountAndTime(3, 60), "TIMER": CountAndTime(7, 70)}
    assert counters.by_name(grown, before) == {"NET_RX": CountAndTime(1, 20)}
    assert counters.by_name({"HI": CountAndTime(1, 5)}, before) == {"HI": CountAndTime(1, 5)}
    assert counters.by_name({**grown, "TIMER": CountAndTime(1, 10)}, before) is None


def test_counts_one_reset_makes_all_unknown() -> None:
    before = {0: 2, 1: 7}
    assert counters.counts({0: 3, 1: 7, 2: 4}, before) == {0: 1, 2: 4}
    assert counters.counts({0: 3, 1: 1}, before) is None


def test_of_losses_what_went_backwards_is_left_out() -> None:
    before = {"map_full": 5, "overwritten": 1}
    assert counters.positive({"map_full": 2, "overwritten": 4}, before) == {"overwritten": 3}
