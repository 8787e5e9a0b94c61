"""What each interrupt caused over an interval: softirqs, its thread, and the work that those or it
queued."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from irqwatch.base.measures import NS
from irqwatch.base.parts import add_pair
from irqwatch.collectors import follows
from irqwatch.model.snapshot import NEVER, CountAndTime, Probe
from irqwatch.model.view import Caused, CpuPart

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
    parts: defaultdict[Interrupt, defaultdict[_What, dict[int, CountAndTime]]]
    parts = defaultdict(lambda: defaultdict(dict))
    for part in follows(probe):
        if part.runs == NEVER:
            continue
        by_cpu = parts[part.irq, part.cause][part.kind, part.name, part.via, part.workqueue]
        before = by_cpu.get(part.cpu)
        by_cpu[part.cpu] = add_pair(before, part.runs) if before else part.runs
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
