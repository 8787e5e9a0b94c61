"""Good placements of any number of items: longest first, then moves and swaps; and how to get under
a limit from what is there today in few moves. Nothing here depends on chance or on a clock."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from irqwatch.advise.problem import EQUAL, Loads, Problem, now

# Of the bound: an item goes to the next node only when its own has no CPU that would stay under.
FULL = (1.0, 1.02, 1.06, 1.15, 1.4)
WORK = 300_000  # moves and swaps looked at, at the most: half a second
IMPROVED = 2  # of those that start so, the best
CLOSE = 1e-3  # to the bound: no need to search on
TRIED = 2  # items, on either side of the best cost, of each CPU to swap with


def from_nothing(problem: Problem, bound: float) -> Loads | None:
    """The best found with no regard to where items are now; so what is found is the same when asked
    again after the plan was carried out. None if the vectors that are free did not suffice."""
    order = sorted(range(len(problem.items)), key=lambda item: (-problem.loads[item], item))
    target = bound * (1 + CLOSE)
    states = []
    for part in (*FULL, 0.0):
        state = Loads(problem)
        if all(_add(state, item, part * bound) for item in order):
            states.append(state)
        if states and states[-1].peak() <= target:
            return states[-1]
    states.sort(key=Loads.peak)
    for state in states[:IMPROVED]:
        improve(state, target)
    return min(states, key=Loads.peak, default=None)


def from_today(problem: Problem, limit: float) -> Loads | None:
    """A placement with no value over ``limit`` that keeps much of what is there; None if that did
    not come out."""
    state = now(problem)
    lifted = [item for item, forced in enumerate(problem.forced) if forced]
    for item in lifted:
        state.remove(item)
    lifted += _lift(state, limit)
    lifted.sort(key=lambda item: (-problem.loads[item], item))
    if not all(_add(state, item, limit) for item in lifted):
        return None
    improve(state, limit)
    return state if state.peak() <= limit + EQUAL else None


def from_today_as_little(problem: Problem) -> Loads:
    """Only what may not stay moves, if there is room for it."""
    state = now(problem)
    for item, forced in enumerate(problem.forced):
        if forced:
            state.remove(item)
            if not _add(state, item, 0.0):
                home = problem.homes[item]
                state.spread(item) if home is None else state.add(item, home)
    return state


def put_back(state: Loads, limit: float) -> None:
    """Moves that the limit does not need are not made, cheapest first."""
    problem = state.problem
    for item in sorted(moved(state), key=lambda item: (problem.loads[item], item)):
        home = problem.homes[item]
        if problem.forced[item] or home is None or not state.has_room(home):
            continue
        there = state.at[item]
        state.remove(item)
        back = state.peak_with(item, home) <= limit
        state.add(item, home if back or there is None else there)


def moved(state: Loads) -> list[int]:
    return [
        item
        for item, (slot, home) in enumerate(zip(state.at, state.problem.homes, strict=True))
        if slot != home
    ]


def _add(state: Loads, item: int, full: float) -> bool:
    """To the slot where its core's highest value stays lowest: on the nearest node where that is
    not over ``full``, else on any; False if none has a vector free."""
    best, where = float("inf"), -1
    for tier in state.problem.kinds[item].tiers:
        for slot in tier:
            peak = state.peak_with(item, slot)
            if peak < best - EQUAL and state.has_room(slot):
                best, where = peak, slot
        if best <= full:
            break
    if where >= 0:
        state.add(item, where)
    return where >= 0


def _lift(state: Loads, limit: float) -> list[int]:
    """Takes off items until no value is over the limit: of a CPU's the smallest that does it alone,
    else the largest."""
    lifted = []
    spread = {item for item, slot in enumerate(state.at) if slot is None}
    spread = {item for item in spread if not state.problem.forced[item]}
    for slot in state.problem.eligible:
        while state.values[slot] > limit + EQUAL:
            over = state.values[slot] - limit
            # Of equal ones the last: first queues stay.
            reliefs = sorted((relief, -item) for item, relief in _reliefs(state, slot, spread))
            if not reliefs:
                break
            item = -next((item for relief, item in reliefs if relief >= over), reliefs[-1][1])
            state.remove(item)
            spread.discard(item)
            lifted.append(item)
    return lifted


def _reliefs(state: Loads, slot: int, spread: Iterable[int]) -> Iterable[tuple[int, float]]:
    """Items whose leaving lowers the slot's value, and by how much."""
    problem = state.problem
    for item in state.on[slot]:
        yield item, problem.cost(item, slot)
    for other in problem.siblings[slot]:
        for item in state.on[other]:
            yield item, problem.sibling * problem.cost(item, other)
    for item in spread:
        current = problem.items[item].current
        part = problem.items[item].load / len(current)
        threads = sum(problem.slots[other].cpu in current for other in problem.siblings[slot])
        own = problem.slots[slot].cpu in current
        if own or threads:
            yield item, part * (own + problem.sibling * threads)


def improve(state: Loads, target: float) -> None:
    """Moves and swaps that lower the busiest CPU, until it is at the target or none does."""
    slots = state.problem.eligible
    work = 0
    while slots and work < WORK:
        busiest = max(slots, key=lambda slot: (state.values[slot], -slot))
        if state.values[busiest] <= target:
            return
        work += len(_near(state, busiest)) * len(slots) * (1 + 2 * TRIED)
        change = _best_of(_moves_off(state, busiest), state.values[busiest], target)
        change = change or _best_of(_swaps_off(state, busiest), state.values[busiest], target)
        if change is None:
            return
        for item, _ in change:
            state.remove(item)
        for item, slot in change:
            state.add(item, slot)


Change = tuple[tuple[int, int], ...]  # items, and where to


def _best_of(changes: Iterable[tuple[float, Change]], was: float, target: float) -> Change | None:
    """Of changes with the highest values they leave on the CPUs they touch: the first that is at
    the target, else the lowest; None if none is below what was."""
    best, known = was - EQUAL, None
    for peak, change in changes:
        if peak < best:
            best, known = peak, change
            if peak <= target:
                break
    return known


def _near(state: Loads, slot: int) -> list[int]:
    return sorted(item for one in (slot, *state.problem.siblings[slot]) for item in state.on[one])


def _moves_off(state: Loads, busiest: int) -> Iterator[tuple[float, Change]]:
    """Of one item off the busiest core."""
    was = state.values[busiest]
    for item in _near(state, busiest):
        here = state.at[item]
        assert here is not None
        state.remove(item)
        left = state.core_peak(here)
        choices = state.problem.kinds[item].choices if left < was else ()
        peaks = [
            (max(left, state.peak_with(item, slot)), slot)
            for slot in choices
            if slot != here and state.has_room(slot)
        ]
        state.add(item, here)
        if peaks:
            peak, slot = min(peaks)
            yield peak, ((item, slot),)


def _swaps_off(state: Loads, busiest: int) -> Iterator[tuple[float, Change]]:
    """Of an item of the busiest core with a smaller one elsewhere: of each CPU's those whose cost
    is nearest to what would make the two CPUs equal."""
    problem = state.problem
    core = {busiest, *problem.siblings[busiest]}
    costs = {
        slot: sorted((problem.cost(item, slot), item) for item in state.on[slot])
        for slot in problem.eligible
        if slot not in core
    }
    for item in _near(state, busiest):
        here = state.at[item]
        assert here is not None
        cost = problem.cost(item, here)
        for slot in problem.kinds[item].choices:
            if slot in core:
                continue
            more = problem.cost(item, slot)
            even = more - (state.values[busiest] - state.values[slot]) / 2
            middle = bisect_left(costs[slot], (even, -1))
            for less, other in costs[slot][max(0, middle - TRIED) : middle + TRIED]:
                if less < more and here in problem.kinds[other].choices:
                    peak = max(
                        _peak_changed(state, here, problem.cost(other, here) - cost),
                        _peak_changed(state, slot, more - less),
                    )
                    yield peak, ((item, slot), (other, here))


def _peak_changed(state: Loads, slot: int, load: float) -> float:
    peak = state.values[slot] + load
    for other in state.problem.siblings[slot]:
        peak = max(peak, state.values[other] + state.problem.sibling * load)
    return peak
