"""Which of the equally good: to the device's node where that has room, partners side by side, and
queue after queue on core after core. No more moves than there are, and no value over the limit."""

from collections import defaultdict
from collections.abc import Hashable
from itertools import combinations

from irqwatch.advise.problem import Loads
from irqwatch.advise.search import moved

Unit = list[int]  # items that go together, to one slot
Change = tuple[tuple[Unit, int], ...]  # units, and where to


def tidy(state: Loads, limit: float) -> None:
    moving = moved(state)
    if not moving:
        return
    for item in sorted(moving, key=lambda item: (-state.problem.loads[item], item)):
        _bring_near(state, item, limit)
    for group in _groups(state):
        _bring_together(state, group, limit)
    for units in _devices(state):
        _put_in_order(state, units, limit)


def _try(state: Loads, change: Change, limit: float) -> bool:
    """Makes the change if all may go there, none farther from its node, and nothing speaks against
    how it is then."""
    problem = state.problem
    items = [item for unit, _ in change for item in unit]
    before = []
    for unit, slot in change:
        for item in unit:
            kind, here = problem.kinds[item], state.at[item]
            if here is None or slot not in kind.choices or kind.factors[slot] > kind.factors[here]:
                return False
            before.append(([item], here))

    def stay() -> int:
        return sum(state.at[item] == problem.homes[item] for item in items)

    stayed = stay()
    _make(state, change)
    slots = [slot for _, slot in change]
    if (
        stay() >= stayed
        and max(state.core_peak(slot) for slot in slots) <= limit
        and all(len(state.on[slot]) <= problem.rooms[slot] for slot in slots)
    ):
        return True
    _make(state, tuple(before))
    return False


def _make(state: Loads, change: Change) -> None:
    for unit, _ in change:
        for item in unit:
            state.remove(item)
    for unit, slot in change:
        for item in unit:
            state.add(item, slot)


def _bring_near(state: Loads, item: int, limit: float) -> None:
    here, kind = state.at[item], state.problem.kinds[item]
    if here is None:
        return
    for tier in kind.tiers:
        if kind.factors[tier[0]] >= kind.factors[here]:
            return
        if _try(state, (([item], min(tier, key=state.core_peak)),), limit):
            return


def _groups(state: Loads) -> list[Unit]:
    groups: dict[Hashable, Unit] = defaultdict(list)
    for item, known in enumerate(state.problem.items):
        if known.group is not None and state.at[item] is not None:
            groups[known.group].append(item)
    return list(groups.values())


def _bring_together(state: Loads, group: Unit, limit: float) -> None:
    """Each beside the first, or the first beside it; in exchange for another, if it must be."""
    for item in group[1:]:
        for one, other in ((item, group[0]), (group[0], item)):
            here, there = state.at[one], state.at[other]
            if here is None or there is None or here == there:
                break
            if _try(state, (([one], there),), limit) or any(
                _try(state, (([one], there), ([third], here)), limit)
                for third in sorted(state.on[there] - set(group))
                if not _has_partner(state, third, there)
            ):
                break


def _has_partner(state: Loads, item: int, slot: int) -> bool:
    items = state.problem.items
    group = items[item].group
    return group is not None and any(
        items[other].group == group for other in state.on[slot] if other != item
    )


def _devices(state: Loads) -> list[list[Unit]]:
    """Of each device: what is on one CPU of each queue, in the order of its queues."""
    devices: dict[str, dict[tuple[int, int], Unit]] = defaultdict(lambda: defaultdict(list))
    for item, known in enumerate(state.problem.items):
        slot = state.at[item]
        if slot is not None and known.queue is not None and known.device:
            devices[known.device][known.queue, slot].append(item)
    return [[units[name] for name in sorted(units)] for units in devices.values()]


def _put_in_order(state: Loads, units: list[Unit], limit: float) -> None:
    """A queue that is on a later core than a later queue changes places with it."""
    for one, other in combinations(units, 2):
        first, second = state.at[one[0]], state.at[other[0]]
        if first is not None and second is not None and first > second:
            _try(state, ((one, second), (other, first)), limit)
