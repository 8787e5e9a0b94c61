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


@dataclass(slots=True)
class _Runs:
    """By CPU; of those on ``untimed`` the time is not known."""

    by_cpu: dict[int, CountAndTime] = field(default_factory=dict)
    untimed: set[int] = field(default_factory=set)


def causes(probe: Probe | None) -> Causes:
    """Of the events of an interval."""
    parts: defaultdict[Interrupt, defaultdict[_What, _Runs]]
    parts = defaultdict(lambda: defaultdict(_Runs))
    for part in follows(probe):
        if part.runs == NEVER:
            continue
        found = parts[part.irq, part.cause][part.kind, part.name, part.via, part.workqueue]
        before = found.by_cpu.get(part.cpu)
        found.by_cpu[part.cpu] = add_pair(before, part.runs) if before else part.runs
        if not part.is_timed:
            found.untimed.add(part.cpu)
    return Causes(
        {
            interrupt: tuple(
                sorted((_caused(what, runs) for what, runs in of_it.items()), key=_most_time_first)
            )
            for interrupt, of_it in parts.items()
        }
    )


def _most_time_first(caused: Caused) -> tuple[object, ...]:
    unknown = caused.seconds is None
    return unknown, -(caused.seconds or 0.0), caused.kind, caused.name, caused.via


def _caused(what: _What, runs: _Runs) -> Caused:
    kind, name, via, workqueue = what
    ns = sum(part.ns for part in runs.by_cpu.values())
    return Caused(
        kind=kind,
        name=name,
        count=sum(part.count for part in runs.by_cpu.values()),
        seconds=None if runs.untimed else ns / NS,
        cpus={
            cpu: CpuPart(part.count, None if cpu in runs.untimed else part.ns / NS)
            for cpu, part in sorted(runs.by_cpu.items())
        },
        via=via,
        workqueue=workqueue,
    )
