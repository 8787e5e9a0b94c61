"""What there is to place, where it may go and what it costs there, by index; and who is where.

The load of a CPU is the share of its time that interrupts take. Its **value** is its load and a
part ``sibling`` of the loads of the other threads of its core. A placement is as good as its
busiest CPU's value is low. Only CPUs that may be used count: no placement changes what the others
must bear.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

EQUAL = 1e-9  # of floating point, in shares of a CPU
# Loads are multiples of a millionth of a microsecond per second, so that what follows from them is
# the same whether an interrupt's load was measured on its own node or on another.
DIGITS = 12
LOCAL_DISTANCE = 10  # what the kernel calls a node's distance to itself (ACPI 6.5, 5.2.17 SLIT)


@dataclass(frozen=True, slots=True)
class Item:
    """An interrupt line. ``load`` and ``spread`` are shares of a CPU, 0 to 1: its time where it now
    runs, and the standard deviation of that over the windows of the measurement."""

    key: int  # its number
    load: float
    spread: float
    current: frozenset[int]  # CPUs in force now; usually one
    allowed: frozenset[int]  # CPUs it may be on: hard limits are already applied
    node: int | None  # of its device
    movable: bool
    device: str = ""
    queue: int | None = None
    group: Hashable = None  # those of one group (RX and TX of a pair) would rather be on one CPU


@dataclass(frozen=True, slots=True)
class Slot:
    """An online CPU. ``base`` is the share of its time taken by what is not an item."""

    cpu: int
    base: float
    node: int | None
    core: Hashable  # the same for the threads of one core, and for no others
    eligible: bool  # may be given interrupts
    capacity: int | None = None  # vectors still free; None is unlimited


@dataclass(frozen=True, slots=True)
class Weights:
    """What counts how much. All are ratios, ``idle_load`` a share of a CPU."""

    # Cost grows by this part of itself for each 10 of SLIT distance over the local 10. A remote
    # cache miss takes about twice a local one, and a handler is not all misses.
    alpha: float = 0.2
    # Of a sibling's load. Two threads of a core together do about 4/3 of the work of one, which is
    # 2 / (1 + sibling).
    sibling: float = 0.5
    # A plan this much worse than the best is as good, if it has fewer moves.
    epsilon: float = 0.02
    # Less than this is not worth a move: a thousandth of a CPU.
    idle_load: float = 0.001


@dataclass(frozen=True, slots=True)
class Kind:
    """Items that may go to the same CPUs at the same cost."""

    choices: tuple[int, ...]
    factors: tuple[float, ...]  # by slot: cost there / load on its own node
    tiers: tuple[tuple[int, ...], ...]  # ``choices`` by rising factor


@dataclass(frozen=True, slots=True)
class Problem:
    """Items that may be placed, and slots, both by index; slots are in the order of their cores."""

    slots: tuple[Slot, ...]
    items: tuple[Item, ...]
    loads: tuple[float, ...]  # by item: its load on its own node
    kinds: tuple[Kind, ...]  # by item; the same object for items of one kind
    homes: tuple[int | None, ...]  # by item: where it is; None if it is spread over several
    forced: tuple[bool, ...]  # by item: it may not stay
    fixed: tuple[float, ...]  # by slot: load that stays
    siblings: tuple[tuple[int, ...], ...]  # by slot: other threads of its core
    eligible: tuple[int, ...]
    rooms: tuple[float, ...]  # by slot: how many items may be there
    sibling: float

    def cost(self, item: int, slot: int) -> float:
        return self.loads[item] * self.kinds[item].factors[slot]


def problem_of(
    items: Iterable[Item],
    slots: Iterable[Slot],
    distances: Mapping[int, Sequence[int]],
    weights: Weights,
) -> Problem:
    """``distances``: node → SLIT distances to node 0, 1, …"""
    ordered = _by_core(slots)
    at = {slot.cpu: index for index, slot in enumerate(ordered)}
    kinds: dict[Hashable, Kind] = {}
    items = sorted(items, key=lambda item: item.key)
    factors = {
        node: tuple(_factor(node, slot.node, distances, weights.alpha) for slot in ordered)
        for node in {item.node for item in items}
    }
    fixed = [slot.base for slot in ordered]
    placed, loads, item_kinds = [], [], []
    for item in items:
        here = [at[cpu] for cpu in sorted(item.current) if cpu in at]
        load = round(_local_load(item, here, factors[item.node]), DIGITS)
        choices = tuple(
            index
            for index, slot in enumerate(ordered)
            if slot.eligible and slot.cpu in item.allowed
        )
        if not item.movable or not choices or load < weights.idle_load:
            for index in here:
                fixed[index] += item.load / len(here)
            continue
        placed.append(item)
        loads.append(load)
        name = (item.node, choices)
        if name not in kinds:
            kinds[name] = _kind(choices, factors[item.node])
        item_kinds.append(kinds[name])
    homes = tuple(
        at.get(next(iter(item.current))) if len(item.current) == 1 else None for item in placed
    )
    rooms = [float("inf") if slot.capacity is None else slot.capacity for slot in ordered]
    for home in homes:
        if home is not None:
            rooms[home] += 1
    return Problem(
        slots=ordered,
        items=tuple(placed),
        loads=tuple(loads),
        kinds=tuple(item_kinds),
        homes=homes,
        forced=tuple(
            not item.current or not item.current <= {ordered[c].cpu for c in kind.choices}
            for item, kind in zip(placed, item_kinds, strict=True)
        ),
        fixed=tuple(fixed),
        siblings=_siblings(ordered),
        eligible=tuple(index for index, slot in enumerate(ordered) if slot.eligible),
        rooms=tuple(rooms),
        sibling=weights.sibling,
    )


def _by_core(slots: Iterable[Slot]) -> tuple[Slot, ...]:
    """First threads of all cores, by their numbers, then second threads, …: the i-th slot is the
    i-th core's as long as there are cores."""
    rank: dict[Hashable, int] = defaultdict(int)
    ranked = []
    for slot in sorted(slots, key=lambda slot: slot.cpu):
        ranked.append((rank[slot.core], slot.cpu, slot))
        rank[slot.core] += 1
    return tuple(slot for _, _, slot in sorted(ranked, key=lambda one: one[:2]))


def _siblings(slots: Sequence[Slot]) -> tuple[tuple[int, ...], ...]:
    cores: dict[Hashable, list[int]] = defaultdict(list)
    for index, slot in enumerate(slots):
        cores[slot.core].append(index)
    return tuple(
        tuple(other for other in cores[slot.core] if other != index)
        for index, slot in enumerate(slots)
    )


def _factor(
    device: int | None, cpu: int | None, distances: Mapping[int, Sequence[int]], alpha: float
) -> float:
    """Of an interrupt's cost on a CPU of node ``cpu``; 1 where either node is not known."""
    if device is None or cpu is None or device == cpu:
        return 1.0
    row = distances.get(device, ())
    distance = row[cpu] if 0 <= cpu < len(row) else 2 * LOCAL_DISTANCE
    return 1 + alpha * max(0, distance - LOCAL_DISTANCE) / LOCAL_DISTANCE


def _local_load(item: Item, here: Sequence[int], factors: Sequence[float]) -> float:
    """What was measured has the price of the distance in it."""
    if not here:
        return item.load
    return item.load * len(here) / sum(factors[index] for index in here)


def _kind(choices: tuple[int, ...], factors: tuple[float, ...]) -> Kind:
    tiers: dict[float, list[int]] = defaultdict(list)
    for index in choices:
        tiers[factors[index]].append(index)
    return Kind(choices, factors, tuple(tuple(tiers[factor]) for factor in sorted(tiers)))


class Loads:
    """Who is where, and what that makes of each slot's value. A slot that may not be used has the
    value minus infinity, whatever is on it."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.at: list[int | None] = [None] * len(problem.items)
        self.on: list[set[int]] = [set() for _ in problem.slots]
        self.values = [
            own + problem.sibling * sum(problem.fixed[other] for other in others)
            if slot.eligible
            else float("-inf")
            for slot, own, others in zip(
                problem.slots, problem.fixed, problem.siblings, strict=True
            )
        ]

    def add(self, item: int, slot: int) -> None:
        self.at[item] = slot
        self.on[slot].add(item)
        self._charge(slot, self.problem.cost(item, slot))

    def remove(self, item: int) -> None:
        """From where it is, or from the several CPUs it is spread over."""
        slot = self.at[item]
        if slot is None:
            self.spread(item, -1)
            return
        self.at[item] = None
        self.on[slot].discard(item)
        self._charge(slot, -self.problem.cost(item, slot))

    def spread(self, item: int, sign: int = 1) -> None:
        """As it is now, over several CPUs; ``sign`` −1 takes it from them."""
        current = self.problem.items[item].current
        for slot, known in enumerate(self.problem.slots):
            if known.cpu in current:
                self._charge(slot, sign * self.problem.items[item].load / len(current))

    def has_room(self, slot: int) -> bool:
        return len(self.on[slot]) < self.problem.rooms[slot]

    def peak_with(self, item: int, slot: int) -> float:
        """The highest value on the slot's core, were the item there too."""
        cost = self.problem.cost(item, slot)
        peak = self.values[slot] + cost
        for other in self.problem.siblings[slot]:
            peak = max(peak, self.values[other] + self.problem.sibling * cost)
        return peak

    def core_peak(self, slot: int) -> float:
        return max(
            self.values[slot], *(self.values[other] for other in self.problem.siblings[slot]), 0.0
        )

    def peak(self) -> float:
        return max((self.values[slot] for slot in self.problem.eligible), default=0.0)

    def _charge(self, slot: int, load: float) -> None:
        self.values[slot] += load
        for other in self.problem.siblings[slot]:
            self.values[other] += self.problem.sibling * load


def now(problem: Problem) -> Loads:
    """What is there today."""
    state = Loads(problem)
    for item, home in enumerate(problem.homes):
        if home is not None:
            state.add(item, home)
        else:
            state.spread(item)
    return state


def placed_at(problem: Problem, at: Sequence[int | None]) -> Loads:
    """A placement with its values added up anew; None leaves an item as it is now."""
    state = Loads(problem)
    for item, slot in enumerate(at):
        if slot is not None:
            state.add(item, slot)
        else:
            state.spread(item)
    return state
