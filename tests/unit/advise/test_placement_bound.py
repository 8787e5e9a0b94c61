"""The lower bound, where it can be worked out by hand."""

import pytest

from irqwatch.advise.bound import lower_bound
from irqwatch.advise.placement import Item, Slot, Weights
from irqwatch.advise.problem import problem_of

WEIGHTS = Weights(alpha=0.2, sibling=0.5)
DISTANCES = {0: (10, 20, 20), 1: (20, 10, 20), 2: (20, 20, 10)}


def bound(
    loads: dict[int, float],
    slots: list[Slot],
    nodes: dict[int, int] | None = None,
    allowed: dict[int, set[int]] | None = None,
) -> float:
    everywhere = {slot.cpu for slot in slots}
    items = [
        Item(
            key=key,
            load=load,
            spread=0.0,
            current=frozenset(),
            allowed=frozenset((allowed or {}).get(key, everywhere)),
            node=(nodes or {}).get(key),
            movable=True,
        )
        for key, load in loads.items()
    ]
    return lower_bound(problem_of(items, slots, DISTANCES, WEIGHTS))


def cpus(many: int, base: float = 0.0, nodes: int = 1, threads: int = 1) -> list[Slot]:
    return [Slot(cpu, base, cpu * nodes // many, cpu // threads, True) for cpu in range(many)]


def equal(many: int, load: float) -> dict[int, float]:
    return dict.fromkeys(range(many), load)


@pytest.mark.parametrize(
    ("loads", "slots", "expected"),
    [
        pytest.param({0: 0.5, 1: 0.1}, cpus(2), 0.5, id="the largest"),
        pytest.param({0: 0.5, 1: 0.1}, cpus(2, base=0.1), 0.6, id="the largest, on what is there"),
        pytest.param(equal(100, 0.011), cpus(4), 0.28, id="25 or more"),
        pytest.param({0: 0.4, 1: 0.3, 2: 0.3, 3: 0.2}, cpus(2), 0.6, id="the mean"),
        pytest.param(equal(3, 0.3), cpus(2), 0.6, id="two of three"),
        pytest.param(equal(7, 0.1), cpus(2), 0.4, id="four of seven"),
        pytest.param({0: 0.4, 1: 0.2}, cpus(2, threads=2), 0.5, id="on siblings"),
        pytest.param(equal(4, 0.3), cpus(4, threads=2), 0.45, id="two a core"),
        pytest.param(equal(100, 0.01), cpus(4, threads=2), 0.375, id="25 or more beside 25"),
        pytest.param({}, cpus(2, base=0.1), 0.1, id="nothing to place"),
        pytest.param({0: 0.2}, [], 0.0, id="nowhere to go"),
    ],
)
def test_bound(loads: dict[int, float], slots: list[Slot], expected: float) -> None:
    assert bound(loads, slots) == pytest.approx(expected, rel=0.03)
    assert bound(loads, slots) <= expected + 1e-9


def test_those_that_may_only_go_to_few_cpus_fill_these() -> None:
    loads = equal(100, 0.01)
    only = {key: {0, 1} for key in range(80)}
    assert bound(loads, cpus(4), allowed=only) == pytest.approx(0.4)


def test_what_does_not_fit_on_its_node_pays_for_the_distance() -> None:
    """1.0 on node 0 and none on node 1: x + y / 1.2 = 1, and x = y where both are as full."""
    loads = equal(100, 0.01)
    here = dict.fromkeys(loads, 0)
    assert bound(loads, cpus(2, nodes=2), nodes=here) == pytest.approx(1.2 / 2.2)


def test_nodes_that_neither_give_nor_take_do_not_hide_those_that_do() -> None:
    """Node 0 has 0.6 of load and node 1 none: at 0.36 / 1.1 both are full; node 2 has just that."""
    full = 0.6 * 1.2 / 2.2
    loads = equal(60, 0.01) | {60 + key: full / 40 for key in range(40)}
    nodes = {key: 0 if key < 60 else 2 for key in loads}
    assert bound(loads, cpus(3, nodes=3), nodes=nodes) == pytest.approx(full)
