"""What must add up in whatever the probe has counted."""

from collections import Counter
from collections.abc import Iterable

from irqwatch.collectors.hardirq import HardirqTime
from irqwatch.collectors.vector import VectorTime
from irqwatch.model.snapshot import CountAndTime, Probe
from tests.events import Event


def check_causes(probe: Probe) -> None:
    """Each run of a softirq follows from one interrupt or from none, and so does each of a work
    item, unless it was counted as lost."""
    check_softirqs(probe)
    check_works(probe)


def check_softirqs(probe: Probe) -> None:
    counts, times = Counter[tuple[str, int]](), Counter[tuple[str, int]]()
    interrupts: tuple[HardirqTime | VectorTime, ...] = (
        *probe.parts.get("hardirqs", ()),
        *probe.parts.get("vectors", ()),
    )
    for part in interrupts:
        for vector, runs in part.softirqs.items():
            counts[vector, part.cpu] += runs.count
            times[vector, part.cpu] += runs.ns
    for softirq in probe.parts.get("softirqs", ()):
        key = softirq.vector, softirq.cpu
        caused = counts.pop(key, 0)
        told = f"{key}: {caused} + {softirq.uncaused.count} of {softirq.run.count}"
        assert caused + softirq.uncaused.count == softirq.run.count, told
        assert times.pop(key, 0) + softirq.uncaused.ns == softirq.run.sum_ns, key
        assert softirq.interrupt_count + softirq.ksoftirqd_count <= softirq.run.count, key
    assert not counts


def check_works(probe: Probe) -> None:
    counts, times = Counter[tuple[str, str, int]](), Counter[tuple[str, str, int]]()
    for part in probe.parts.get("work_causes", ()):
        key = part.function, part.workqueue, part.cpu
        counts[key] += part.runs.count
        times[key] += part.runs.ns
    lost = probe.losses["work"]["cause_map_full"]
    for work in probe.parts.get("works", ()):
        for cpu, runs in work.cpus.items():
            key = work.function, work.workqueue, cpu
            count, ns = counts.pop(key, 0), times.pop(key, 0)
            lost -= runs.count - count
            on_cpu = work.on_cpu.get(cpu, CountAndTime(0, 0))
            assert count <= runs.count and ns <= on_cpu.ns <= runs.ns, key
            assert ns == on_cpu.ns or count < runs.count, key
    assert not counts
    assert lost == 0


def busy_ns(events: Iterable[Event], cpu: int) -> int:
    """The time during which at least one hard interrupt, vector or softirq was open on ``cpu``:
    between an entry that finds nothing open and the exit after which nothing is."""
    opened: list[str] = []
    since_ns = total_ns = 0
    for event in events:
        what, _, edge = event.name.rpartition("_")
        if event.cpu != cpu or event.name.startswith("ipi") or edge not in ("entry", "exit"):
            continue
        if edge == "entry":
            since_ns = since_ns if opened else event.time_ns
            opened.append(what)
        elif opened and opened[-1] == what:
            opened.pop()
            total_ns += 0 if opened else event.time_ns - since_ns
    return total_ns


def up_to_a_quiet_moment(events: list[Event]) -> list[Event]:
    """The longest beginning after which nothing is open on any CPU."""
    opened = Counter[int]()
    end = 0
    for index, event in enumerate(events, 1):
        _, _, edge = event.name.rpartition("_")
        opened[event.cpu] += {"entry": 1, "exit": -1}.get(edge, 0)
        opened[event.cpu] = max(0, opened[event.cpu])
        if not any(opened.values()):
            end = index
    return events[:end]
