"""Hosts made by chance, with interrupts to place; the same seed makes the same host each time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from irqwatch.advise.placement import Item, Placement, Slot, Weights

FIRST_IRQ = 24
LOCAL, NEAR, FAR = 10, 21, 31  # SLIT distances


@dataclass(frozen=True, slots=True)
class RandomHost:
    items: tuple[Item, ...]
    slots: tuple[Slot, ...]
    distances: dict[int, tuple[int, ...]]


def host(seed: int, cpus: int | None = None, interrupts: int | None = None) -> RandomHost:
    """2 to 256 CPUs on 1 to 8 nodes, with siblings or without, some isolated; 4 to 1,000 interrupts
    of heavy-tailed cost, some managed, some shared lines (what their devices cost together), most
    in pairs of queues; where they are now is as drivers leave them: by chance, or on few CPUs."""
    rng = Random(seed)
    cpus = cpus or round(2 ** rng.uniform(1, 8))
    interrupts = interrupts or round(4 * 250 ** rng.random())
    nodes = min(rng.choice((1, 1, 2, 2, 4, 8)), max(1, cpus // 2))
    slots = _slots(rng, cpus, nodes)
    return RandomHost(
        items=_items(rng, interrupts, slots, nodes),
        slots=slots,
        distances={
            one: tuple(_distance(one, other) for other in range(nodes)) for one in range(nodes)
        },
    )


def _distance(one: int, other: int) -> int:
    if one == other:
        return LOCAL
    return NEAR if one // 2 == other // 2 else FAR  # two nodes to a package


def _slots(rng: Random, cpus: int, nodes: int) -> tuple[Slot, ...]:
    threads = 2 if cpus % 2 == 0 and rng.random() < 0.6 else 1
    cores = cpus // threads
    isolated = rng.choice((0.0, 0.0, 0.2, 0.5))
    free = rng.random() < 0.3
    return tuple(
        Slot(
            cpu=cpu,
            base=rng.random() * 0.02,
            node=cpu % cores * nodes // cores,
            core=cpu % cores,
            eligible=cpu == 0 or rng.random() >= isolated,
            capacity=rng.randint(20, 180) if free else None,
        )
        for cpu in range(cpus)
    )


def _items(rng: Random, many: int, slots: tuple[Slot, ...], nodes: int) -> tuple[Item, ...]:
    online = [slot.cpu for slot in slots]
    usable = frozenset(slot.cpu for slot in slots if slot.eligible)
    tail = rng.uniform(1.1, 2.5)
    loads = [rng.paretovariate(tail) for _ in range(many)]
    scale = rng.uniform(0.05, 0.3) * len(usable) / sum(loads)
    crowded = rng.random() < 0.5
    items: list[Item] = []
    device = 0
    while len(items) < many:
        device += 1
        node = rng.choice((None, *range(nodes), *range(nodes)))
        managed, pairs = rng.random() < 0.15, rng.random() < 0.3
        mine = [slot.cpu for slot in slots if node is None or slot.node == node] or online
        few = mine[: max(1, len(mine) // 4)] if crowded else online
        only = frozenset(rng.sample(online, max(1, len(online) // 2))) | {0}
        allowed = usable & (only if rng.random() < 0.1 else usable)
        for queue in range(min(rng.randint(1, 32), many - len(items))):
            load = min(0.9, loads[len(items)] * scale)
            items.append(
                Item(
                    key=FIRST_IRQ + len(items),
                    load=load,
                    spread=load * rng.uniform(0, 0.05),
                    current=frozenset({rng.choice(few)}),
                    allowed=allowed,
                    node=node,
                    movable=not managed,
                    device=f"dev{device}",
                    queue=queue // 2 if pairs else queue,
                    group=(device, queue // 2) if pairs else None,
                )
            )
    return tuple(items)


def factor(host: RandomHost, node: int | None, cpu: int, alpha: float) -> float:
    there = next(slot.node for slot in host.slots if slot.cpu == cpu)
    if node is None or there is None:
        return 1.0
    return 1 + alpha * (host.distances[node][there] - LOCAL) / LOCAL


def values(host: RandomHost, at: Mapping[int, int], weights: Weights) -> dict[int, float]:
    """Of each CPU that may be used, were the interrupts ``at`` (interrupt → CPU) there and the
    others where they are: by the definition, and by none of the code under test."""
    own = {slot.cpu: slot.base for slot in host.slots}
    for item in host.items:
        online = [cpu for cpu in item.current if cpu in own]
        parts = [factor(host, item.node, cpu, weights.alpha) for cpu in online]
        if item.key in at:
            local = item.load * len(parts) / sum(parts) if parts else item.load
            own[at[item.key]] += local * factor(host, item.node, at[item.key], weights.alpha)
        else:
            for cpu in online:
                own[cpu] += item.load / len(online)
    return {
        slot.cpu: own[slot.cpu]
        + weights.sibling
        * sum(own[o.cpu] for o in host.slots if o.core == slot.core and o.cpu != slot.cpu)
        for slot in host.slots
        if slot.eligible
    }


def carried_out(host: RandomHost, placement: Placement, weights: Weights) -> RandomHost:
    """The host after the plan: what moved costs what it costs there, and took a vector."""
    taken: dict[int, int] = {slot.cpu: 0 for slot in host.slots}
    items = []
    for item in host.items:
        if item.key not in placement.moves:
            items.append(item)
            continue
        cpu = placement.cpu_of[item.key]
        taken[cpu] += 1
        parts = [factor(host, item.node, one, weights.alpha) for one in item.current]
        if len(item.current) == 1:
            taken[next(iter(item.current))] -= 1
        local = item.load * len(parts) / sum(parts)
        load = local * factor(host, item.node, cpu, weights.alpha)
        items.append(replace(item, load=load, current=frozenset({cpu})))
    slots = tuple(
        slot if slot.capacity is None else replace(slot, capacity=slot.capacity - taken[slot.cpu])
        for slot in host.slots
    )
    return replace(host, items=tuple(items), slots=slots)
