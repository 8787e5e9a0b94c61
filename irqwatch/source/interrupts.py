"""Merges what the probe keeps of interrupts, per struct irqaction and CPU, into one part per name,
and names what caused the runs of work. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from irqwatch.model.histogram import merge
from irqwatch.model.snapshot import CountAndTime, HardirqTime, VectorTime, WorkCause
from irqwatch.source import abi

Entries = Iterable[tuple[bytes, memoryview]]
Softirqs = Mapping[str, CountAndTime]


def merge_interrupts(
    entries: Entries, epoch: int
) -> tuple[tuple[HardirqTime, ...], tuple[VectorTime, ...]]:
    """One part per (irq, action, CPU) and one per (vector, CPU). A line that was freed and set up
    again has a new struct irqaction under the same name, and a line may be shared by actions of
    one name: they count together."""
    hardirqs: dict[tuple[int, str, int], HardirqTime] = {}
    vectors = []
    for key, value in entries:
        action, irq, cpu = abi.hardirq_key(key)
        part = abi.hardirq(abi.words(value), cpu, epoch)
        vector = abi.vector(action, irq, part.name)
        if vector is not None:
            nested = irq == abi.IPI_IRQ
            vectors.append(VectorTime(vector, cpu, part.handled, part.worst, part.softirqs, nested))
            continue
        one = HardirqTime(
            irq=irq,
            action=part.name,
            cpu=cpu,
            handled=part.handled,
            not_mine_count=part.not_mine_count,
            not_mine_ns=part.not_mine_ns,
            worst=part.worst,
            softirqs=part.softirqs,
        )
        identity = (irq, part.name, cpu)
        hardirqs[identity] = _together(hardirqs[identity], one) if identity in hardirqs else one
    return tuple(hardirqs.values()), tuple(vectors)


def _together(one: HardirqTime, other: HardirqTime) -> HardirqTime:
    return replace(
        one,
        handled=merge((one.handled, other.handled)),
        not_mine_count=one.not_mine_count + other.not_mine_count,
        not_mine_ns=one.not_mine_ns + other.not_mine_ns,
        worst=abi.longer(one.worst, other.worst),
        softirqs=_added(one.softirqs, other.softirqs),
    )


def _added(one: Softirqs, other: Softirqs) -> Softirqs:
    added = dict(one)
    for vector, part in other.items():
        before = added.get(vector, CountAndTime(0, 0))
        added[vector] = CountAndTime(before.count + part.count, before.ns + part.ns)
    return added


def merge_work_causes(
    entries: Entries, interrupts: Entries, functions: Iterable[tuple[tuple[int, str], str]]
) -> tuple[WorkCause, ...]:
    """One part per cause, function and CPU, sorted. The names are those of ``interrupts`` (the
    entries of lines; "" where an action's has gone) and ``functions`` (the work's key and its
    function's name); what has no function's name yet came into being between two reads."""
    actions = action_names(interrupts)
    named = dict(functions)
    merged: dict[tuple[int | None, str, str, str, str, int], CountAndTime] = {}
    for key, value in entries:
        of = abi.work_cause_key(key)
        if of.work not in named:
            continue
        identity = (*named_cause(of.cause, actions), of.via, named[of.work], of.work[1], of.cpu)
        part = abi.count_and_time(abi.words(value))
        before = merged.get(identity, CountAndTime(0, 0))
        merged[identity] = CountAndTime(before.count + part.count, before.ns + part.ns)
    order = sorted(merged, key=lambda identity: (identity[0] is None, *map(str, identity)))
    return tuple(WorkCause(*identity, runs=merged[identity]) for identity in order)


def action_names(interrupts: Entries) -> dict[tuple[int, int], str]:
    """By (action's address, irq), from the entries of ``hardirqs``."""
    actions = {}
    for key, value in interrupts:
        action, irq, _ = abi.hardirq_key(key)
        actions[action, irq] = abi.string(abi.words(value), 0, abi.NAME_WORDS)
    return actions


def named_cause(
    cause: tuple[int, int], actions: Mapping[tuple[int, int], str]
) -> tuple[int | None, str]:
    """(irq, action) of a line, "" where it has gone; (None, vector), or (None, "") for none."""
    action, irq = cause
    if not action and not irq:
        return None, ""
    vector = abi.vector(action, irq, "")
    return (irq, actions.get(cause, "")) if vector is None else (None, vector)
