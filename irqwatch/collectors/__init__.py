"""The registry of collectors: a file each, which has all that is the collector's own, and what the
engines ask of all.

To add one is its C file in bpf/, its file here with a ``COLLECTOR`` (``irqwatch.base.collector``
says what that is), its tests, and its name below. The order is that of each listing: of flags,
sources, metrics.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from importlib import import_module
from typing import Any

from irqwatch.base.blind import why_blind
from irqwatch.base.collector import Collector, Default
from irqwatch.base.follows import Follows
from irqwatch.base.parts import Part
from irqwatch.model.snapshot import Probe, Snapshot, Unavailable

_NAMES = (
    "hardirq",
    "softirq",
    "work",
    "vector",
    "cause",
    "cpu",
    "timer",
    "tasklet",
    "napi",
    "exception",
    "signal",
    "syscall",
    "thread",
    "blame",
    "ipi",
    "trace",
)


def _collector(name: str) -> Collector:
    found = import_module(f"{__name__}.{name}").COLLECTOR
    assert isinstance(found, Collector) and found.name == name
    return found


ALL = tuple(map(_collector, _NAMES))
BY_NAME = {collector.name: collector for collector in ALL}

# Those that can be chosen.
COLLECTORS = tuple(collector.name for collector in ALL if not collector.is_hidden)
DEFAULT_COLLECTORS = frozenset(
    collector.name
    for collector in ALL
    if not collector.is_hidden and collector.default is Default.ON
)
ON_WHERE_THREADS_ARE_FORCED = frozenset(
    collector.name for collector in ALL if collector.default is Default.WHERE_THREADS_ARE_FORCED
)

PARTS: tuple[Part[Any], ...] = tuple(part for collector in ALL for part in collector.parts)

# Interrupts come first, then what follows from them, by name.
_CAUSING = sorted(
    (collector for collector in ALL if collector.follows),
    key=lambda collector: (not collector.is_interrupt, collector.name),
)

SLOW_KINDS = tuple(
    kind
    for collector in sorted(ALL, key=lambda collector: not collector.is_interrupt)
    for kind in collector.slow_kinds
)


def follows(probe: Probe | None) -> Iterator[Follows]:
    """What followed from what; nothing where the interrupts themselves were not timed."""
    if probe is None:
        return
    needed = {collector.name for collector in ALL if collector.is_needed_for_causes}
    if needed <= probe.collectors:
        for collector in _CAUSING:
            if collector.follows:
                yield from collector.follows(probe)


def lines_of(probe: Probe | None) -> set[int]:
    """The numbers of all lines that a part is of."""
    return {
        one.irq
        for part in PARTS
        if "irq" in part.key
        for one in part.of(probe)
        if one.irq is not None
    }


def actions_of(probe: Probe) -> set[tuple[int, str]]:
    """(irq, action) of all that parts are of which go when their line is freed."""
    return {
        (one.irq, one.action)
        for part in PARTS
        if part.key == ("irq", "action", "cpu")
        for one in part.of(probe)
    }


def running(names: Collection[str]) -> list[Collector]:
    """In the registry's order."""
    return [collector for collector in ALL if collector.name in names]


def without_blind(snapshot: Snapshot) -> Snapshot:
    """A snapshot of which no collector claims to have timed what it could not read: one that sees
    events and reads none of them is not running but unavailable, as one that was refused."""
    probe = snapshot.probe
    cpus = len(snapshot.topology.cpus or snapshot.cpu_times or snapshot.line_cpus)
    if probe is None:
        return snapshot
    reasons = {one.name: why_blind(one, probe, cpus) for one in running(probe.collectors)}
    blind = tuple(Unavailable(name, reason) for name, reason in reasons.items() if reason)
    if not blind:
        return snapshot
    seeing = probe.collectors - {lack.part for lack in blind}
    return replace(
        snapshot,
        probe=replace(probe, collectors=seeing),
        unavailable=(*snapshot.unavailable, *blind),
    )
