"""Placements of hosts made by chance, against all that could be, and against themselves."""

from itertools import product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irqwatch.advise.bound import lower_bound
from irqwatch.advise.exact import least_peak
from irqwatch.advise.placement import Item, Slot, Weights, place
from irqwatch.advise.problem import placed_at, problem_of
from tests.hosts_random import RandomHost, carried_out, host, values

WEIGHTS = Weights()
SLACK = 1e-6
LOADS = st.one_of(st.floats(0.002, 0.5), st.sampled_from((0.0, 0.0005, 0.1, 0.1, 0.2)))
SEEDS = st.integers(0, 10**6)


@st.composite
def small_hosts(draw: st.DrawFn, cpus: int = 4, interrupts: int = 6) -> RandomHost:
    """With all that makes them differ from CPUs all alike; few enough to try every placement."""
    many = draw(st.integers(2, cpus))
    threads = draw(st.sampled_from((1, 2))) if many % 2 == 0 else 1
    slots = tuple(
        Slot(
            cpu=cpu,
            base=draw(st.sampled_from((0.0, 0.0, 0.05, 0.3))),
            node=draw(st.sampled_from((0, 0, 1))) if threads == 1 else cpu % (many // 2) % 2,
            core=cpu % (many // threads),
            eligible=cpu == 0 or draw(st.integers(0, 4)) > 0,
        )
        for cpu in range(many)
    )
    everywhere = frozenset(range(many))
    items = tuple(
        Item(
            key=24 + number,
            load=draw(LOADS),
            spread=0.0,
            current=draw(st.frozensets(st.integers(0, many - 1), min_size=1, max_size=1)),
            allowed=draw(st.sampled_from((everywhere, everywhere - {1}, frozenset({0})))),
            node=draw(st.sampled_from((None, 0, 1))),
            movable=draw(st.integers(0, 5)) > 0,
        )
        for number in range(draw(st.integers(0, interrupts)))
    )
    return RandomHost(items, slots, {0: (10, 21), 1: (21, 10)})


def optimum(of: RandomHost) -> float:
    """The least value of the busiest CPU, over every placement there is."""
    usable = {slot.cpu for slot in of.slots if slot.eligible}
    free = [
        item for item in of.items if item.movable and is_busy(of, item) and item.allowed & usable
    ]
    options = [sorted(item.allowed & usable) for item in free]
    return min(
        max(
            values(
                of, {item.key: cpu for item, cpu in zip(free, at, strict=True)}, WEIGHTS
            ).values()
        )
        for at in product(*options)
    )


def is_busy(of: RandomHost, item: Item) -> bool:
    """By its load on its own node."""
    there = {slot.cpu: slot.node for slot in of.slots}
    node = there[next(iter(item.current))]
    remote = item.node is not None and node is not None and item.node != node
    return item.load / (1 + WEIGHTS.alpha * 1.1 * remote) >= WEIGHTS.idle_load


@settings(deadline=None, max_examples=150)
@given(small_hosts())
def test_small_hosts_get_the_optimum_and_a_bound_that_is_it(of: RandomHost) -> None:
    best = optimum(of)
    placement = place(of.items, of.slots, of.distances, WEIGHTS, noise=0.0)
    assert placement.exact
    assert placement.lower_bound == pytest.approx(best, abs=SLACK)
    assert placement.busiest_planned <= best * (1 + WEIGHTS.epsilon) + SLACK


@settings(deadline=None, max_examples=150)
@given(small_hosts())
def test_no_placement_is_below_the_bound(of: RandomHost) -> None:
    problem = problem_of(of.items, of.slots, of.distances, WEIGHTS)
    assert lower_bound(problem) <= optimum(of) + SLACK


@settings(deadline=None, max_examples=150)
@given(small_hosts())
def test_what_is_not_the_optimum_is_not_taken_for_it(of: RandomHost) -> None:
    best = optimum(of)
    problem = problem_of(of.items, of.slots, of.distances, WEIGHTS)
    found, certain = least_peak(problem, best * 1.02 + 2 * SLACK, 0.0)
    assert certain
    assert found is not None
    assert placed_at(problem, found).peak() == pytest.approx(best, abs=SLACK)


@settings(deadline=None, max_examples=60)
@given(st.builds(host, SEEDS, st.integers(2, 32), st.integers(4, 100)))
def test_the_figures_of_a_plan_are_those_of_its_placement(of: RandomHost) -> None:
    placement = place(of.items, of.slots, of.distances, WEIGHTS)
    planned = values(of, placement.cpu_of, WEIGHTS)
    assert placement.busiest_planned == pytest.approx(max(planned.values()), abs=SLACK)
    assert placement.busiest_now == pytest.approx(max(values(of, {}, WEIGHTS).values()), abs=SLACK)
    assert placement.lower_bound <= placement.busiest_planned + SLACK


@settings(deadline=None, max_examples=60)
@given(st.builds(host, SEEDS, st.integers(2, 32), st.integers(4, 100)))
def test_hard_limits_hold(of: RandomHost) -> None:
    placement = place(of.items, of.slots, of.distances, WEIGHTS)
    usable = {slot.cpu for slot in of.slots if slot.eligible}
    items = {item.key: item for item in of.items}
    for irq in placement.moves:
        assert items[irq].movable
        assert items[irq].load >= WEIGHTS.idle_load
        assert placement.cpu_of[irq] in items[irq].allowed & usable
        assert {placement.cpu_of[irq]} != items[irq].current
    after = carried_out(of, placement, WEIGHTS)
    assert all(slot.capacity is None or slot.capacity >= 0 for slot in after.slots)


@settings(deadline=None, max_examples=60)
@given(st.builds(host, SEEDS, st.integers(2, 64), st.integers(4, 200)))
def test_a_plan_that_was_carried_out_is_not_planned_again(of: RandomHost) -> None:
    first = place(of.items, of.slots, of.distances, WEIGHTS)
    after = carried_out(of, first, WEIGHTS)
    again = place(after.items, after.slots, after.distances, WEIGHTS)
    assert again.moves == ()
    assert again.busiest_now == pytest.approx(first.busiest_planned, abs=SLACK)


@settings(deadline=None, max_examples=30)
@given(st.builds(host, SEEDS, st.integers(2, 16), st.integers(4, 40)), SEEDS)
def test_the_order_in_which_it_is_told_does_not_matter(of: RandomHost, seed: int) -> None:
    items, slots = list(of.items), list(of.slots)
    Random(seed).shuffle(items)
    Random(seed).shuffle(slots)
    one = place(of.items, of.slots, of.distances, WEIGHTS)
    assert place(items, slots, of.distances, WEIGHTS) == one


def test_where_nothing_with_room_is_found_no_bound_is_known() -> None:
    """It stood above the plan, and the gap at nothing: a proof of what was not so."""
    of = host(83, 2, 83)
    placement = place(of.items, of.slots, of.distances, WEIGHTS)
    assert placement.busiest_planned > 0
    assert (placement.lower_bound, placement.gap, placement.exact) == (0, None, False)
