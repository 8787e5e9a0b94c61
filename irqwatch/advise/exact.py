"""Small cases, to the end: branch and bound."""

from collections.abc import Hashable

from irqwatch.advise.problem import EQUAL, Loads, Problem

ITEMS = 14  # more are not tried
STEPS = 400_000  # slots looked at by either search: about half a second


def is_small(problem: Problem) -> bool:
    return len(problem.items) <= ITEMS


Placed = list[int | None]


def least_peak(problem: Problem, above: float, bound: float) -> tuple[Placed | None, bool]:
    """The placement with the least value of the busiest CPU, each item on one CPU; None if that is
    not below ``above``; it cannot be below ``bound``. And whether it is certain: the search has a
    limit."""
    state = Loads(problem)
    order = _largest_first(problem)
    best, steps = above, 0
    found: Placed | None = None
    alike = _alike(problem)

    def descend(depth: int, peak: float) -> None:
        nonlocal best, found, steps
        if depth == len(order):
            best, found = peak, list(state.at)
            return
        item = order[depth]
        seen = set()
        steps += len(problem.kinds[item].choices)
        options = sorted(
            (state.peak_with(item, slot), slot) for slot in problem.kinds[item].choices
        )
        for there, slot in options:
            if there >= best - EQUAL or best <= bound + EQUAL or steps >= STEPS:
                return
            likeness = tuple(
                (alike[one], len(state.on[one]), round(state.values[one], 12))
                for one in (slot, *problem.siblings[slot])
            )
            if likeness in seen or not state.has_room(slot):
                continue
            seen.add(likeness)
            state.add(item, slot)
            descend(depth + 1, max(peak, there))
            state.remove(item)

    descend(0, state.peak())
    return found, steps < STEPS


def fewest_moves(problem: Problem, limit: float, most: int) -> Placed | None:
    """A placement with no value over ``limit`` in fewer than ``most`` moves, and in the fewest of
    all unless the search's limit is met first; None if there is none. An item that is spread over
    several CPUs moves."""
    state = Loads(problem)
    order = _largest_first(problem)
    best: Placed | None = None
    steps = 0

    def descend(depth: int, moves: int) -> None:
        nonlocal best, most, steps
        if depth == len(order):
            best, most = list(state.at), moves
            return
        item = order[depth]
        home = None if problem.forced[item] else problem.homes[item]
        steps += len(problem.kinds[item].choices)
        options = sorted(
            (slot != home, state.peak_with(item, slot), slot)
            for slot in problem.kinds[item].choices
        )
        for moved, there, slot in options:
            if moves + moved >= most or steps >= STEPS:
                return
            if there > limit or not state.has_room(slot):
                continue
            state.add(item, slot)
            descend(depth + 1, moves + moved)
            state.remove(item)

    descend(0, 0)
    return best


def _largest_first(problem: Problem) -> list[int]:
    return sorted(range(len(problem.items)), key=lambda item: (-problem.loads[item], item))


def _alike(problem: Problem) -> list[int]:
    """By slot: the same number for those that are as good for all items, when what is on them and
    on their siblings is the same too."""
    kinds = {id(kind): kind for kind in problem.kinds}.values()
    numbers: dict[Hashable, int] = {}
    return [
        numbers.setdefault(
            (room, *(kind.factors[slot] if slot in kind.choices else None for kind in kinds)),
            len(numbers),
        )
        for slot, room in enumerate(problem.rooms)
    ]
