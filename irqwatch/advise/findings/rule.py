"""A kind of finding, what one look for it may see, and what several look at."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from irqwatch.advise import text
from irqwatch.advise.facts import CpuFacts, Facts, LineFacts
from irqwatch.advise.moves import Placed


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

    evidence: str
    advice: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    irqs: tuple[int, ...] = ()
    cpus: tuple[int, ...] = ()
    device: str = ""
    severity: str = ""
    confidence: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """``number`` is that of docs/advisor.md; ``look`` gives what it sees in a case."""

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


def moves_of(case: Case, irqs: Iterable[int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the plan does with these lines, as commands, and its undo."""
    moves = case.placed.move_of
    return text.commands(moves[irq] for irq in irqs if irq in moves)


def shown(case: Case, load: float) -> str:
    return text.load(load, case.facts.weighed_by)


def is_busy_cpu(case: Case, cpu: CpuFacts) -> bool:
    """Where nothing was timed, the kernel's own accounting of softirqs is all there is."""
    load = cpu.load if case.facts.weighed_by == "time" else (cpu.softirq or 0.0)
    return load >= case.limit("busy_cpu")


def queues(case: Case) -> Iterator[tuple[str, list[LineFacts]]]:
    """Devices with their lines that serve a queue."""
    for device, lines in sorted(case.facts.by_device.items()):
        if of_queues := [line for line in lines if line.queue is not None]:
            yield device, of_queues
