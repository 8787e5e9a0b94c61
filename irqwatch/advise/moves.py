"""The lines and CPUs of a host as placement takes them, and its answer as moves with reasons."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from irqwatch.advise import eligible, thresholds
from irqwatch.advise.facts import Facts, LineFacts
from irqwatch.advise.placement import Item, Placement, Slot, place
from irqwatch.base.action_name import RX, TX
from irqwatch.model.plan import (
    Busier,
    CpuLoad,
    Immovable,
    Move,
    NodeFull,
    OtherNode,
    Outside,
    Reason,
    Stays,
    WhyOutside,
)


@dataclass(frozen=True)
class Placed:
    """``noise`` is what a gain of the busiest CPU must exceed, ``cpus`` those that may be used."""

    placement: Placement
    moves: tuple[Move, ...]
    immovable: tuple[Immovable, ...]
    left_out: tuple[Immovable, ...]
    loads: tuple[CpuLoad, ...]
    cpus: frozenset[int]
    noise: float

    @cached_property
    def move_of(self) -> Mapping[int, Move]:
        """By line."""
        return {move.line.irq: move for move in self.moves}


def placed(facts: Facts, devices: frozenset[str] = frozenset()) -> Placed:
    """The best placement of the lines of ``devices``, or of all where there are none."""
    counted = [line for line in facts.lines if facts.counts(line)]
    reasons = {line.irq: eligible.why_immovable(line, facts) for line in counted}
    others = [
        line for line in counted if not reasons[line.irq] and eligible.is_left_out(line, devices)
    ]
    left_out = {line.irq for line in others}
    # What stays is the CPUs' base, on each as it was measured.
    items = [line for line in counted if not reasons[line.irq] and line.irq not in left_out]
    base = _base(facts, items)
    movable = {line.irq: line.load for line in items}
    cpus = eligible.for_goal(facts, base, movable)
    noise = _noise(facts, cpus)
    placement = place(
        [_item(line, facts) for line in items],
        [_slot(facts, cpu, base[cpu], cpu in cpus) for cpu in facts.cpus],
        facts.topology.node_distances,
        thresholds.weights(facts.thresholds, facts.idle),
        noise,
    )
    moves = tuple(_move(facts.by_irq[irq], placement, facts, cpus) for irq in placement.moves)
    return Placed(
        placement=placement,
        moves=moves,
        immovable=tuple(
            Immovable(line.line, line.current, line.load, why)
            for line in counted
            if (why := reasons[line.irq])
        ),
        left_out=tuple(
            Immovable(line.line, line.current, line.load, Stays.OTHER_DEVICE) for line in others
        ),
        loads=_loads(facts, moves, cpus),
        cpus=cpus,
        noise=noise,
    )


def _base(facts: Facts, items: list[LineFacts]) -> dict[int, float]:
    """What each CPU spends in interrupts that is no item's; with latency as the goal in tasks too,
    for an interrupt makes them wait."""
    base = {cpu: one.load for cpu, one in facts.cpus.items()}
    for line in items:
        for cpu, load in line.load_by_cpu.items():
            if cpu in base:
                base[cpu] -= load
    if facts.goal == "latency" and facts.weighed_by == "time":
        for cpu, one in facts.cpus.items():
            base[cpu] += one.task or 0.0
    return {cpu: max(0.0, load) for cpu, load in base.items()}


def _noise(facts: Facts, cpus: frozenset[int]) -> float:
    busiest = max((facts.cpus[cpu] for cpu in cpus), key=lambda one: one.load, default=None)
    if busiest is None:
        return 0.0
    limits = facts.thresholds
    least = limits["min_gain"]
    if facts.weighed_by == "count":
        least = limits["min_gain_ratio"] * busiest.load
    return max(least, limits["gain_spreads"] * busiest.spread)


def _item(line: LineFacts, facts: Facts) -> Item:
    is_half = line.serves in {RX, TX}  # the vectors of one pair would rather be on one CPU
    return Item(
        key=line.irq,
        load=line.load,
        spread=line.spread,
        current=line.current,
        allowed=frozenset(facts.cpus),
        node=line.node,
        movable=True,
        device=line.device,
        queue=line.queue,
        group=(line.device, line.queue) if is_half and line.queue is not None else None,
    )


def _slot(facts: Facts, cpu: int, base: float, is_eligible: bool) -> Slot:
    one = facts.cpus[cpu]
    return Slot(cpu, base, one.node, one.core, is_eligible)


def _move(line: LineFacts, placement: Placement, facts: Facts, cpus: frozenset[int]) -> Move:
    to = placement.cpu_of[line.irq]
    requested = line.setting.affinity if line.setting else None
    return Move(
        line=line.line,
        requested=requested or line.current,
        effective=line.current,
        to=frozenset({to}),
        load=line.load,
        reason=_reason(line, to, line.irq in placement.spilled, facts, cpus),
    )


def _reason(line: LineFacts, to: int, spilled: bool, facts: Facts, cpus: frozenset[int]) -> Reason:
    if outside := line.current - cpus:
        return Outside(outside, _why_outside(outside, facts))
    target, node = facts.cpus[to], line.node
    if node is not None and spilled:
        return NodeFull(node)
    if node is not None and target.node == node and _nodes(line, facts) - {node}:
        return OtherNode(node)
    busy = sum(facts.cpus[cpu].load for cpu in line.current) / len(line.current)
    return Busier(busy, target.load)


def _why_outside(cpus: frozenset[int], facts: Facts) -> WhyOutside:
    if cpus - facts.eligible:
        return "reserved" if cpus & facts.reserved else "unwanted"
    return "can-sleep" if facts.goal == "power" else "late-timers"


def _nodes(line: LineFacts, facts: Facts) -> set[int | None]:
    return {facts.cpus[cpu].node for cpu in line.current}


def _loads(facts: Facts, moves: tuple[Move, ...], cpus: frozenset[int]) -> tuple[CpuLoad, ...]:
    planned = {cpu: one.load for cpu, one in facts.cpus.items()}
    for move in moves:
        _shift(planned, facts.by_irq[move.line.irq].load_by_cpu, move)
    return tuple(
        CpuLoad(cpu, one.load, max(0.0, planned[cpu]), one.spread, cpu in cpus)
        for cpu, one in facts.cpus.items()
    )


def _shift(planned: dict[int, float], by_cpu: Mapping[int, float], move: Move) -> None:
    for cpu, load in by_cpu.items():
        if cpu in planned:
            planned[cpu] -= load
    for cpu in move.to:
        planned[cpu] += move.load / len(move.to)
