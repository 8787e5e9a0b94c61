"""On which CPU each interrupt should run, in few moves, and a proof of how good that is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from irqwatch.advise import exact, search
from irqwatch.advise.bound import lower_bound
from irqwatch.advise.order import tidy
from irqwatch.advise.problem import (
    EQUAL,
    Item,
    Loads,
    Problem,
    Slot,
    Weights,
    now,
    placed_at,
    problem_of,
)

__all__ = ["Item", "Placement", "Slot", "Weights", "place"]


@dataclass(frozen=True, slots=True)
class Placement:
    """Values are those of the busiest CPU that may be used (irqwatch.advise.problem), in shares of
    a CPU. ``cpu_of`` has the interrupts that could be moved and are, or will be, on one CPU."""

    cpu_of: Mapping[int, int]  # interrupt → CPU
    busiest_now: float
    busiest_planned: float
    lower_bound: float  # of all placements with each interrupt on one CPU
    exact: bool  # the lower bound can be had: it is the optimum
    moves: tuple[int, ...]  # interrupts that change
    spilled: tuple[int, ...]  # those of them that go to another node, as their own was full

    @property
    def gap(self) -> float | None:
        """How much worse than the optimum the plan is at the most: 0.05 is 5 %. None where no bound
        is known."""
        if self.lower_bound <= EQUAL:
            return 0.0 if self.busiest_planned <= EQUAL else None
        return max(0.0, self.busiest_planned / self.lower_bound - 1)


def place(
    items: Iterable[Item],
    slots: Iterable[Slot],
    distances: Mapping[int, Sequence[int]],
    weights: Weights | None = None,
    noise: float | None = None,
) -> Placement:
    """Minimises the busiest CPU's ``base + Σ load · (1 + alpha · (distance − 10) / 10)``, plus the
    siblings' part; of the plans within ``epsilon`` of the best found, one of few moves.

    ``distances`` are the kernel's (/sys/devices/system/node/nodeN/distance), node → row. ``noise``
    is the busiest CPU's, in shares of a CPU; None has it from the items' own spreads. A plan that
    gains no more than that is not made; only what may not stay is moved then. Interrupts that are
    idle, cannot be moved, or have no CPU to go to stay where they are and count there, evenly on
    each of their CPUs.
    """
    weights = weights or Weights()
    problem = problem_of(items, slots, distances, weights)
    bound = lower_bound(problem)
    best, exactly = _best(problem, bound)
    plan = search.from_today_as_little(problem)
    if best is not None:
        peak = best.peak()
        bound = peak if exactly else bound
        limit = peak * (1 + weights.epsilon)
        # Not what the plan comes to: the limit is the same when asked again.
        if plan.peak() - limit > (_noise(plan) if noise is None else noise) + EQUAL:
            plan = _fewest(problem, best, limit)
        tidy(plan, max(limit, plan.peak()))
    else:
        # The bound is of placements that keep to the room that CPUs have. None was found, so the
        # plan is not one of them either: nothing is known of the best.
        bound = 0.0
    return _placement(plan, bound, exactly)


def _best(problem: Problem, bound: float) -> tuple[Loads | None, bool]:
    """The placement of the least peak, and whether it is the optimum; None if there is no room."""
    best = search.from_nothing(problem, bound)
    if best is None:
        return None, False
    if best.peak() <= bound + EQUAL:
        return best, True
    if not exact.is_small(problem):
        return best, False
    better, certain = exact.least_peak(problem, best.peak(), bound)
    return best if better is None else placed_at(problem, better), certain


def _fewest(problem: Problem, best: Loads, limit: float) -> Loads:
    """The plan under the limit with the fewest moves of those that are found."""
    plans = [search.from_today(problem, limit), placed_at(problem, best.at)]
    known = [plan for plan in plans if plan is not None]
    for plan in known:
        search.put_back(plan, limit)
    fewest = min(known, key=lambda plan: len(search.moved(plan)))
    if exact.is_small(problem):
        fewer = exact.fewest_moves(problem, limit + EQUAL, len(search.moved(fewest)))
        return fewest if fewer is None else placed_at(problem, fewer)
    return fewest


def _noise(state: Loads) -> float:
    """The standard deviation of the busiest CPU's own load, its items' taken as independent."""
    if not state.problem.eligible:
        return 0.0
    busiest = max(state.problem.eligible, key=lambda slot: (state.values[slot], -slot))
    return sqrt(sum(state.problem.items[item].spread ** 2 for item in state.on[busiest]))


def _placement(plan: Loads, bound: float, exactly: bool) -> Placement:
    problem = plan.problem
    moves = search.moved(plan)
    where = [(item, slot) for item, slot in enumerate(plan.at) if slot is not None]
    return Placement(
        cpu_of={problem.items[item].key: problem.slots[slot].cpu for item, slot in where},
        busiest_now=now(problem).peak(),
        busiest_planned=plan.peak(),
        lower_bound=bound,
        exact=exactly,
        moves=tuple(problem.items[item].key for item in moves),
        spilled=tuple(
            problem.items[item].key
            for item, slot in where
            if item in set(moves) and _is_farther(problem, item, slot)
        ),
    )


def _is_farther(problem: Problem, item: int, slot: int) -> bool:
    """Than it could be."""
    kind = problem.kinds[item]
    return kind.factors[slot] > kind.factors[kind.tiers[0][0]]
