"""Hosts with interrupts to place: made up, recorded on real ones, and a large one.

Every host's rates are scaled so that its interrupts together take an eighth of its CPUs' time, and
at least that of one CPU: little enough that no CPU is ever full, and enough to be told apart in the
ticks that the kernel accounts time in.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from math import sqrt
from pathlib import Path
from random import Random
from typing import NamedTuple

from bench.fake_host import NS, Host, Interrupt
from irqwatch.derive.view import derive
from irqwatch.model.snapshot import SCHEMA, Probe, Snapshot
from irqwatch.model.snapshot import Host as HostName
from irqwatch.model.view import View
from irqwatch.source.replay import Replay
from tests import events
from tests.native.build import compilers
from tests.native.harness import replay
from tests.scale import SIZES as LARGE
from tests.scale import snapshots

FIXTURES = Path(__file__).parent.parent / "tests" / "fixtures"

SIZES = ((4, 8), (8, 16), (32, 128))  # CPUs, interrupts
LARGE_CPUS = 64

EQUAL_COST_NS = 5_000
LEAST_COST_NS, MOST_COST_NS = 500, 400_000

FIRST_IRQ = 24

COSTS = ("hardirq", "softirq", "work")  # collectors: the top half, and what it causes


class Line(NamedTuple):
    rate: float  # a second
    cost_ns: float
    cpu: int


def host(name: str, cpus: int, lines: Iterable[Line]) -> Host:
    known = list(lines)
    scale = max(1, cpus / 8) * NS / sum(line.rate * line.cost_ns for line in known)
    numbered = enumerate(known, FIRST_IRQ)
    interrupts = (Interrupt(irq, of.rate * scale, of.cost_ns, of.cpu) for irq, of in numbered)
    return Host(name, cpus, tuple(interrupts))


def made_up(many: int) -> Iterator[tuple[str, list[Host]]]:
    """Sets of ``many`` hosts, the same ones each time."""
    for kind, lines in (("equal cost", _equal), ("heavy tail", _heavy_tailed)):
        for cpus, interrupts in SIZES:
            name = f"{kind}, {cpus} x {interrupts}"
            rngs = [Random(f"{name} {seed}") for seed in range(many)]
            yield name, [host(name, cpus, lines(cpus, interrupts, rng)) for rng in rngs]


def _equal(cpus: int, interrupts: int, rng: Random) -> Iterator[Line]:
    for number in range(interrupts):
        yield Line(rng.uniform(1, 10), EQUAL_COST_NS, number % cpus)


def _heavy_tailed(cpus: int, interrupts: int, rng: Random) -> Iterator[Line]:
    """Costs of three orders of magnitude. The costlier, the rarer, as where a card moderates its
    interrupts: without that the costliest alone would be nearly all of the load."""
    for number in range(interrupts):
        cost_ns = LEAST_COST_NS * (MOST_COST_NS / LEAST_COST_NS) ** rng.random()
        yield Line(rng.uniform(1, 10) / sqrt(cost_ns), cost_ns, number % cpus)


def recorded() -> tuple[str, list[Host]]:
    """Every recording, and every file of kernel events, in which three lines or more were timed."""
    views = (*_of_recordings(), *_of_events())
    return "recorded", [
        _of_view(name, cpus, view) for name, cpus, view in views if len(_lines(view)) > 2
    ]


def large() -> tuple[str, list[Host]]:
    """The host of that size that other benchmarks and tests use."""
    size = LARGE[LARGE_CPUS]
    before, after = islice(snapshots(size), 2)
    made = _of_view(str(size), size.cpus, derive(after, before))
    return f"{size.cpus} x {len(made.interrupts)}", [made]


def _of_recordings() -> Iterator[tuple[str, int, View]]:
    for path in sorted((FIXTURES / "recordings").glob("*.irqw")):
        with Replay(path) as recording:
            first, *_, last = recording
        yield path.name, max(last.topology.online) + 1, derive(last, first)


def _of_events() -> Iterator[tuple[str, int, View]]:
    """Through the probe, built natively; none where there is no compiler."""
    if not compilers():
        return
    for path in sorted((FIXTURES / "events").glob("*.events.gz")):
        happened = list(events.read(path))
        cpus = max(event.cpu for event in happened) + 1
        probe = replay(happened, cpus, COSTS)
        start, end = (
            Snapshot(SCHEMA, event.time_ns, 0, HostName(path.name, "", ""), probe=counted)
            for event, counted in (
                (happened[0], Probe(probe.collectors, probe.attached_ns)),
                (happened[-1], probe),
            )
        )
        yield path.name, cpus, derive(end, start)


def _of_view(name: str, cpus: int, view: View) -> Host:
    return host(name, cpus, _lines(view))


def _lines(view: View) -> list[Line]:
    """Of each line its top half and what that caused; actions that share a line count as one."""
    found: dict[int, Line] = {}
    for source in view.sources:
        if source.irq is None or not source.seconds:
            continue
        seconds = source.seconds + sum(of.seconds for of in source.caused)
        cost_ns = seconds / source.count * NS
        if before := found.get(source.irq):
            cost_ns += before.cost_ns
        busiest = max(source.cpus, key=lambda cpu: source.cpus[cpu].count)
        found[source.irq] = Line(source.rate, cost_ns, busiest)
    return list(found.values())
