"""A kind of finding, what one look for it may see, and what several look at."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from irqwatch.advise.facts import CpuFacts, Facts, LineFacts
from irqwatch.advise.moves import Placed
from irqwatch.model.action import Action, SetAffinity
from irqwatch.model.evidence import Evidence, NamedLine


@dataclass(frozen=True, slots=True)
class Case:
    """What rules look at."""

    facts: Facts
    placed: Placed

    def limit(self, name: str) -> float:
        """A threshold."""
        return self.facts.thresholds[name]


@dataclass(frozen=True, slots=True)
class Seen:
    """One place where a rule holds; the fields are those of Finding. ``severity`` and
    ``confidence`` are the rule's where they are empty."""

    evidence: Evidence
    advice: tuple[Action, ...] = ()
    undo: tuple[Action, ...] = ()
    irqs: tuple[int, ...] = ()
    cpus: tuple[int, ...] = ()
    device: str = ""
    severity: str = ""
    confidence: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """``number`` is that of docs/advisor.md; ``look`` gives what it sees in a case. ``title``,
    ``why`` and ``not_when`` are of the rule, whatever it sees: they have no figures to word."""

    number: int
    id: str
    title: str
    severity: str
    why: str
    not_when: str
    look: Callable[[Case], Iterable[Seen]]
    confidence: str = "high"


def irqs_of(lines: Iterable[LineFacts]) -> tuple[int, ...]:
    return tuple(sorted(line.irq for line in lines))


def named(lines: Iterable[LineFacts]) -> tuple[NamedLine, ...]:
    return tuple(line.named for line in lines)


def moves_of(
    case: Case, irqs: Iterable[int]
) -> tuple[tuple[SetAffinity, ...], tuple[SetAffinity, ...]]:
    """What the plan does with these lines, and its undo."""
    of = case.placed.move_of
    moves = [of[irq] for irq in irqs if irq in of]
    return (
        tuple(SetAffinity(move.line.irq, move.to) for move in moves),
        tuple(SetAffinity(move.line.irq, move.requested) for move in moves),
    )


def is_busy_cpu(case: Case, cpu: CpuFacts) -> bool:
    """Where nothing was timed, the kernel's own accounting of softirqs is all there is; where the
    kernel does not account for them, as with a line whatever counts is busy."""
    if case.facts.weighed_by == "count":
        is_counted = cpu.softirq is None and cpu.load >= case.facts.idle
        return is_counted or (cpu.softirq or 0.0) >= case.limit("busy_cpu")
    return cpu.load >= case.limit("busy_cpu")


def queues(case: Case) -> Iterator[tuple[str, list[LineFacts]]]:
    """Devices with their lines that serve a queue."""
    for device, lines in sorted(case.facts.by_device.items()):
        if of_queues := [line for line in lines if line.queue is not None]:
            yield device, of_queues
