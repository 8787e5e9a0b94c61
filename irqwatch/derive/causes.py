"""What each interrupt caused over an interval: softirqs, its thread, and the work that those or it
queued."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from irqwatch.model.snapshot import NEVER, CountAndTime, Probe
from irqwatch.model.view import Caused, CpuPart

NS = 1e9

# Of work that was queued before the probe was attached.
UNKNOWN_VIA = "unknown"

# (line, action), or (None, vector).
Interrupt = tuple[int | None, str]
NO_INTERRUPT: Interrupt = (None, "")

# kind, name, via, workqueue
_What = tuple[str, str, str, str | None]


@dataclass(frozen=True, slots=True)
class Causes:
    """What followed, by interrupt, most time first; under ``NO_INTERRUPT`` what followed from none.
    Empty where the interrupts themselves were not timed: then nothing is known."""

    by_interrupt: Mapping[Interrupt, tuple[Caused, ...]] = field(default_factory=dict)

    def of(self, irq: int | None, name: str) -> tuple[Caused, ...]:
        return self.by_interrupt.get((irq, name), ())


def causes(probe: Probe | None) -> Causes:
    """Of the events of an interval."""
    if probe is None or "hardirq" not in probe.collectors:
        return Causes()
    parts: defaultdict[Interrupt, defaultdict[_What, dict[int, CountAndTime]]]
    parts = defaultdict(lambda: defaultdict(dict))
    for interrupt, what, cpu, runs in _parts(probe):
        by_cpu = parts[interrupt][what]
        before = by_cpu.get(cpu, NEVER)
        by_cpu[cpu] = CountAndTime(before.count + runs.count, before.ns + runs.ns)
    return Causes(
        {
            interrupt: tuple(
                sorted(
                    (_caused(what, cpus) for what, cpus in of_it.items()),
                    key=lambda caused: (-caused.seconds, caused.kind, caused.name, caused.via),
                )
            )
            for interrupt, of_it in parts.items()
        }
    )


def _parts(probe: Probe) -> Iterator[tuple[Interrupt, _What, int, CountAndTime]]:
    for line in probe.hardirqs:
        for vector, runs in line.softirqs.items():
            yield (line.irq, line.action), ("softirq", vector, "", None), line.cpu, runs
    for own in probe.vectors:
        for vector, runs in own.softirqs.items():
            yield (None, own.vector), ("softirq", vector, "", None), own.cpu, runs
    for softirq in probe.softirqs:
        if softirq.uncaused.count:
            what: _What = ("softirq", softirq.vector, "", None)
            yield NO_INTERRUPT, what, softirq.cpu, softirq.uncaused
    for thread in probe.irq_threads:
        if thread.run.count:
            runs = CountAndTime(thread.run.count, thread.run.sum_ns)
            what = ("thread", thread.action, "", None)
            yield (thread.irq, thread.action), what, thread.cpu, runs
    for work in probe.work_causes:
        if work.runs.count:
            via = work.via if work.workqueue else UNKNOWN_VIA
            what = ("work", work.function, via, work.workqueue)
            yield (work.irq, work.cause), what, work.cpu, work.runs


def _caused(what: _What, cpus: Mapping[int, CountAndTime]) -> Caused:
    kind, name, via, workqueue = what
    return Caused(
        kind=kind,
        name=name,
        count=sum(runs.count for runs in cpus.values()),
        seconds=sum(runs.ns for runs in cpus.values()) / NS,
        cpus={cpu: CpuPart(cpus[cpu].count, cpus[cpu].ns / NS) for cpu in sorted(cpus)},
        via=via,
        workqueue=workqueue,
    )
