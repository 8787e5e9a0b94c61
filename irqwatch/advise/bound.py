"""What no placement's busiest CPU can be below, whatever is tried: the certificate's other half.

Three bounds, and the highest holds. With CPUs all alike, one thread a core and no distance they are
the textbook's: the largest load, ``t_(km-k+1) + … + t_(km+1)`` (of the km + 1 largest, some CPU has
k + 1), and the mean. All are of placements in which each item is on one CPU.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from irqwatch.advise.problem import EQUAL, Kind, Loads, Problem

CROWD = 12  # items on one CPU; with more the mean is as good
ROUNDS = 8  # of the search for prices


def lower_bound(problem: Problem) -> float:
    """In shares of a CPU, as values are."""
    empty = Loads(problem)
    fixed = empty.peak()
    best = max(fixed, _alone(problem, empty), _crowded(problem, empty))
    return max(best, _volume(problem, empty))


def _alone(problem: Problem, empty: Loads) -> float:
    """Each item has to be somewhere."""
    largest: dict[int, int] = {}
    for item, kind in enumerate(problem.kinds):
        known = largest.get(id(kind))
        if known is None or problem.loads[item] > problem.loads[known]:
            largest[id(kind)] = item
    return max(
        (
            min(empty.peak_with(item, slot) for slot in problem.kinds[item].choices)
            for item in largest.values()
        ),
        default=0.0,
    )


def _crowded(problem: Problem, empty: Loads) -> float:
    """Items that have only so many CPUs to go to must share: on one CPU their costs add up; on
    two threads of a core the larger has a part of the smaller's beside it."""
    best = 0.0
    for choices in {frozenset(kind.choices) for kind in problem.kinds} | {
        frozenset(problem.eligible)
    }:
        costs = sorted(
            (
                load * kind.factors[kind.tiers[0][0]]
                for load, kind in zip(problem.loads, problem.kinds, strict=True)
                if choices.issuperset(kind.choices)
            ),
            reverse=True,
        )
        if not costs or not choices:
            continue
        least = min(empty.values[slot] for slot in choices)
        cpus, cores = len(choices), len({problem.slots[slot].core for slot in choices})
        for many in range(1, CROWD + 1):
            last = many * cpus
            if last >= len(costs):
                break
            best = max(best, least + sum(costs[last - many : last + 1]))
        if cores < len(costs):
            best = max(best, least + costs[cores - 1] + problem.sibling * costs[cores])
    return best


@dataclass(frozen=True, slots=True)
class Region:
    """Cores that the same kinds may use at the same cost. Under a limit on all values there is
    room for a load of ``width * limit - taken``: the sum of the values of a core's threads, ``k``
    of which may be used, grows by ``1 + sibling * (k - 1)`` for each load of 1, and is at most
    ``k * limit``. (Not below zero, as no limit is below what is there already.)"""

    factors: tuple[float | None, ...]  # by kind; None where it may not go
    width: float
    taken: float


def _volume(problem: Problem, empty: Loads) -> float:
    """The linear program's bound: items may be cut, and so spread over CPUs like water.

    By duality, for any prices of room, one for each region: if all items, each where it is
    cheapest, pay more than all the room there is under a limit is worth, the limit is too low. Any
    prices give a valid bound; the search only makes it tight.
    """
    kinds = list({id(kind): kind for kind in problem.kinds}.values())
    if not kinds:
        return 0.0
    volumes: dict[int, float] = defaultdict(float)
    for load, kind in zip(problem.loads, problem.kinds, strict=True):
        volumes[id(kind)] += load
    regions = _regions(problem, empty, kinds)
    program = LinearProgram(tuple(volumes[id(kind)] for kind in kinds), regions)
    return _tighten(max(_first_prices(program), key=program.bound), program)


def _regions(problem: Problem, empty: Loads, kinds: Sequence[Kind]) -> tuple[Region, ...]:
    cores: dict[int, list[int]] = defaultdict(list)
    for slot in problem.eligible:
        cores[min((slot, *problem.siblings[slot]))].append(slot)
    allowed = [frozenset(kind.choices) for kind in kinds]
    width: dict[tuple[float | None, ...], float] = defaultdict(float)
    taken: dict[tuple[float | None, ...], float] = defaultdict(float)
    for slots in cores.values():
        factors = tuple(
            next((kind.factors[slot] for slot in slots if slot in may), None)
            for kind, may in zip(kinds, allowed, strict=True)
        )
        if any(factors):
            growth = 1 + problem.sibling * (len(slots) - 1)
            width[factors] += len(slots) / growth
            taken[factors] += sum(empty.values[slot] for slot in slots) / growth
    return tuple(Region(factors, width[factors], taken[factors]) for factors in width)


@dataclass(frozen=True, slots=True)
class LinearProgram:
    volumes: tuple[float, ...]  # by kind: all its load
    regions: tuple[Region, ...]

    def bound(self, prices: Sequence[float]) -> float:
        """The limit at which the room is worth just what the items pay."""
        paid = 0.0
        for kind, volume in enumerate(self.volumes):
            paid += volume * min(
                price * factor
                for price, region in zip(prices, self.regions, strict=True)
                if (factor := region.factors[kind]) is not None
            )
        taken = width = 0.0
        for price, region in zip(prices, self.regions, strict=True):
            taken += price * region.taken
            width += price * region.width
        return (paid + taken) / width if width else 0.0


def _first_prices(program: LinearProgram) -> Iterator[list[float]]:
    """All the same; then, for each number of the fullest regions, these dear and the rest cheap or
    free, where a region is as full as the items that are cheapest there make it."""
    regions = program.regions
    yield [1.0] * len(regions)
    inside = [region.taken for region in regions]
    for kind, volume in enumerate(program.volumes):
        known = {
            index: factor
            for index, region in enumerate(regions)
            if (factor := region.factors[kind]) is not None
        }
        homes = [index for index, factor in known.items() if factor == min(known.values())]
        for index in homes:
            inside[index] += volume / len(homes)
    fullest = sorted(
        range(len(regions)), key=lambda index: (-inside[index] / regions[index].width, index)
    )
    dear = max(factor for region in regions for factor in region.factors if factor is not None)
    for many in range(1, len(regions)):
        for low in (1 / dear, 0.0):
            prices = [low] * len(regions)
            for index in fullest[:many]:
                prices[index] = 1.0
            yield prices


def _tighten(prices: list[float], program: LinearProgram) -> float:
    """The bound of these prices, each changed in turn to nothing, or to where some kind is as dear
    here as there, as long as that raises the bound."""
    best = program.bound(prices)
    for _ in range(ROUNDS):
        before = best
        for index in range(len(prices)):
            kept = prices[index]
            for price in _ties(index, prices, program.regions):
                prices[index] = price
                bound = program.bound(prices)
                if bound > best + EQUAL:
                    best, kept = bound, price
            prices[index] = kept
        if best == before:
            break
    return best


def _ties(index: int, prices: Sequence[float], regions: Sequence[Region]) -> list[float]:
    here = regions[index].factors
    ties = {
        round(price * there / factor, 12)
        for other, price in enumerate(prices)
        if other != index
        for factor, there in zip(here, regions[other].factors, strict=True)
        if factor is not None and there is not None
    }
    return sorted({0.0} | ties)
