"""What bpf/blame.c keeps: the time that interrupts took from processes."""

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from irqwatch.model.snapshot import NEVER, SOFTIRQ_VECTORS, Blame, CountAndTime
from irqwatch.source import abi
from irqwatch.source.interrupts import named_cause

KEY = "=QQQIIQ"
WORDS = abi.COUNT_AND_NS_WORDS + 2
KINDS = ("hardirq", "vector", "softirq")
CPU_WORDS = len(KINDS) * abi.COUNT_AND_NS_WORDS

Actions = Mapping[tuple[int, int], str]


def blames(
    entries: Iterable[tuple[bytes, memoryview]],
    parts: Iterable[tuple[int, memoryview]],
    actions: Actions,
) -> tuple[Blame, ...]:
    """One per process, cgroup, what took its time and CPU, from the entries of ``blames``; then one
    per kind and CPU of those that found no room, from all CPUs' struct blame_cpu. ``actions`` is
    what ``irqwatch.source.interrupts.action_names`` gives."""
    found: dict[tuple[object, ...], Blame] = {}
    for key, value in entries:
        one = _blame(key, value, actions)
        identity = (one.pid, one.cgroup, one.kind, one.name, one.irq, one.cause, one.cpu)
        found[identity] = _together(found[identity], one) if identity in found else one
    return (*found.values(), *_others(parts))


def _blame(key: bytes, value: memoryview, actions: Actions) -> Blame:
    cgroup, action, irq, process, cpu, softirq = struct.unpack(KEY, key)
    line, interrupt = named_cause((action, irq), actions)
    kind, name, cause = KINDS[line is None], interrupt, ""
    if softirq < len(SOFTIRQ_VECTORS):
        kind, name, cause = "softirq", SOFTIRQ_VECTORS[softirq], interrupt
    return Blame(
        pid=process,
        comm=abi.string(value, abi.COUNT_AND_NS_WORDS, 2),
        cgroup=cgroup,
        kind=kind,
        name=name,
        cpu=cpu,
        irq=line,
        cause=cause,
        taken=abi.count_and_time(value),
    )


def _together(one: Blame, other: Blame) -> Blame:
    """Actions of one name on one line."""
    both = CountAndTime(
        one.taken.count + other.taken.count,
        one.taken.ns + other.taken.ns,
    )
    return replace(one, taken=both)


def _others(parts: Iterable[tuple[int, memoryview]]) -> Iterator[Blame]:
    for cpu, value in parts:
        for number, kind in enumerate(KINDS):
            taken = abi.count_and_time(value, abi.COUNT_AND_NS_WORDS * number)
            if taken != NEVER:
                yield Blame(None, "", None, kind, "", cpu, taken=taken)
