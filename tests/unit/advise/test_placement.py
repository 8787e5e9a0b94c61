"""What an expert would do, case by case."""

from collections.abc import Iterable

import pytest

from irqwatch.advise.placement import Item, Placement, Slot, Weights, place

FLAT = {0: (10,)}
TWO_NODES = {0: (10, 21), 1: (21, 10)}
FOUR = frozenset(range(4))
PLAIN = Weights(sibling=0.5, alpha=0.2, epsilon=0.02, idle_load=0.001)


def item(
    key: int,
    load: float,
    on: int | Iterable[int] = 0,
    *,
    allowed: Iterable[int] = FOUR,
    node: int | None = None,
    movable: bool = True,
    device: str = "",
    queue: int | None = None,
    group: str | None = None,
    spread: float = 0.0,
) -> Item:
    current = frozenset({on} if isinstance(on, int) else on)
    allowed = frozenset(allowed)
    return Item(key, load, spread, current, allowed, node, movable, device, queue, group)


def slots(
    many: int = 4, *, threads: int = 1, nodes: int = 1, **changed: dict[int, object]
) -> list[Slot]:
    """Siblings as Linux numbers them on most machines: 0 and many / 2, …"""
    cores = many // threads
    known = []
    for cpu in range(many):
        own = {name: by_cpu[cpu] for name, by_cpu in changed.items() if cpu in by_cpu}
        plain = {
            "base": 0.0,
            "node": cpu % cores * nodes // cores,
            "core": cpu % cores,
            "eligible": True,
            "capacity": None,
        }
        known.append(Slot(cpu=cpu, **{**plain, **own}))  # type: ignore[arg-type]
    return known


def plan(items: list[Item], known: list[Slot], noise: float | None = 0.0) -> Placement:
    return place(items, known, TWO_NODES, PLAIN, noise)


def test_queues_that_share_a_cpu_are_spread_one_per_core_in_their_order() -> None:
    queues = [item(30 - queue, 0.2, device="eth0", queue=queue) for queue in range(4)]
    placement = plan(queues, slots())
    assert placement.cpu_of == {30: 0, 29: 1, 28: 2, 27: 3}
    assert placement.busiest_now == pytest.approx(0.8)
    assert placement.busiest_planned == pytest.approx(0.2)
    assert placement.exact
    assert placement.gap == pytest.approx(0)


def test_the_order_of_queues_is_kept_where_their_loads_are_not_in_it() -> None:
    loads = (0.11, 0.2, 0.13, 0.18)
    queues = [item(24 + n, load, device="eth0", queue=n) for n, load in enumerate(loads)]
    placement = plan(queues, slots())
    assert [placement.cpu_of[24 + n] for n in range(4)] == [0, 1, 2, 3]


def test_the_order_of_queues_is_no_reason_to_move() -> None:
    queues = [item(24 + n, 0.2, on=cpu, device="eth0", queue=n) for n, cpu in enumerate((1, 0, 0))]
    assert plan(queues, slots(3)).moves == (26,)


def test_what_is_well_placed_stays() -> None:
    placement = plan([item(24 + cpu, 0.2, on=cpu) for cpu in range(4)], slots())
    assert placement.moves == ()
    assert placement.cpu_of == {24: 0, 25: 1, 26: 2, 27: 3}


def test_only_what_has_to_move_moves() -> None:
    items = [item(24, 0.3, on=0), item(25, 0.1, on=0), item(26, 0.3, on=1), item(27, 0.2, on=2)]
    assert plan(items, slots(3)).moves == (25,)


def test_cores_come_before_second_threads() -> None:
    placement = plan([item(24, 0.2), item(25, 0.2)], slots(4, threads=2))
    assert {cpu % 2 for cpu in placement.cpu_of.values()} == {0, 1}
    assert placement.busiest_planned == pytest.approx(0.2)


def test_a_sibling_counts_in_part() -> None:
    placement = plan([item(24, 0.2), item(25, 0.2)], slots(2, threads=2))
    assert placement.busiest_planned == pytest.approx(0.2 + PLAIN.sibling * 0.2)
    assert placement.exact


def test_isolated_cpus_get_nothing_and_what_is_there_leaves() -> None:
    known = slots(2, eligible={1: False})
    placement = plan([item(24, 0.2, on=1)], known, noise=1.0)
    assert placement.cpu_of == {24: 0}
    assert placement.moves == (24,)


def test_what_cannot_be_moved_counts_where_it_is() -> None:
    items = [item(24, 0.5, on=1, movable=False), item(25, 0.3, on=0), item(26, 0.1, on=0)]
    placement = plan(items, slots(2))
    assert placement.moves == ()
    assert placement.lower_bound == pytest.approx(0.5)


def test_what_cannot_be_moved_and_is_on_several_cpus_counts_evenly_on_each() -> None:
    assert plan([item(24, 0.4, on=(0, 1), movable=False)], slots(2)).busiest_now == 0.2


def test_what_is_on_several_cpus_may_be_given_one() -> None:
    known = slots(3, base={0: 0.4, 1: 0.4})
    placement = plan([item(24, 0.4, on=(0, 1), allowed=(0, 1, 2))], known)
    assert placement.busiest_now == pytest.approx(0.6)
    assert placement.cpu_of == {24: 2}
    assert placement.moves == (24,)


def test_what_is_on_several_cpus_stays_there_where_that_is_as_good() -> None:
    placement = plan([item(24, 0.4, on=(0, 1))], slots(2))
    assert placement.moves == ()
    assert placement.cpu_of == {}


def test_idle_interrupts_stay() -> None:
    items = [item(24, 0.2), *(item(25 + n, 0.0009) for n in range(3))]
    assert plan(items, slots()).moves == ()


def test_a_gain_within_the_noise_is_no_reason_to_move() -> None:
    items = [item(24, 0.2), item(25, 0.2)]
    assert plan(items, slots(), noise=0.25).moves == ()
    assert plan(items, slots(), noise=0.15).moves == (25,)


def test_the_noise_is_that_of_what_is_on_the_busiest_cpu() -> None:
    noisy = [item(24, 0.2, spread=0.15), item(25, 0.2, spread=0.2)]
    assert plan(noisy, slots(), noise=None).moves == ()
    calm = [item(24, 0.2, spread=0.01), item(25, 0.2, spread=0.01)]
    assert plan(calm, slots(), noise=None).moves == (25,)


def test_the_devices_node_comes_first() -> None:
    items = [item(24, 0.2, on=0, node=1), item(25, 0.2, on=0, node=1)]
    placement = plan(items, slots(4, nodes=2))
    assert placement.spilled == ()
    assert set(placement.cpu_of.values()) == {2, 3}


def test_what_is_measured_afar_has_the_distance_in_it() -> None:
    placement = plan([item(24, 0.122, on=0, node=1)], slots(2, nodes=2))
    assert placement.busiest_now == pytest.approx(0.122)
    assert placement.busiest_planned == pytest.approx(0.1)


def test_a_full_node_spills_and_says_what() -> None:
    items = [item(24 + n, 0.3, on=0, node=0) for n in range(3)]
    placement = plan(items, slots(4, nodes=2))
    assert len(placement.spilled) == 1
    assert placement.cpu_of[placement.spilled[0]] in (2, 3)
    assert placement.busiest_planned == pytest.approx(0.3 * (1 + 0.2 * 1.1))


def test_the_vectors_of_a_pair_stay_together() -> None:
    pairs = [
        item(24 + 2 * queue + side, 0.1, device="eth0", queue=queue, group=f"eth0-{queue}")
        for queue in range(4)
        for side in range(2)
    ]
    placement = plan(pairs, slots())
    assert [placement.cpu_of[irq] for irq in range(24, 32)] == [0, 0, 1, 1, 2, 2, 3, 3]


def test_partners_that_move_come_together() -> None:
    halves = [item(24 + n, load, group="eth0-0") for n, load in ((0, 0.1), (3, 0.1))]
    others = [item(24 + n, load) for n, load in ((1, 0.1), (2, 0.1), (4, 0.1), (5, 0.1))]
    placement = plan([*halves, *others], slots(3))
    assert placement.cpu_of[24] == placement.cpu_of[27]
    assert placement.busiest_planned == pytest.approx(0.2)
    assert len(placement.moves) == 4


def test_a_cpu_without_free_vectors_gets_none() -> None:
    known = slots(3, capacity={1: 0})
    placement = plan([item(24, 0.2), item(25, 0.2)], known)
    assert 1 not in placement.cpu_of.values()
    assert len(placement.moves) == 1


def test_where_no_vector_is_free_nothing_moves() -> None:
    known = slots(2, capacity={0: 0, 1: 0}, eligible={0: False})
    placement = plan([item(24, 0.2, on=0)], known)
    assert placement.moves == ()
    assert not placement.exact


@pytest.mark.parametrize(
    ("items", "known"),
    [
        ([], slots()),
        ([], []),
        ([item(24, 0.2)], []),
        ([item(24, 0.2)], slots(1, eligible={0: False})),
        ([item(24, 0.2, allowed=())], slots()),
        ([item(24, 0.2, on=())], slots(1)),
        ([item(24, 0.2, on=9, movable=False)], slots(1)),
        ([item(24, 0.2, node=7)], slots(1)),
    ],
)
def test_little_to_do_is_no_trouble(items: list[Item], known: list[Slot]) -> None:
    placement = plan(items, known)
    assert placement.gap == 0
    assert placement.busiest_planned >= placement.lower_bound
