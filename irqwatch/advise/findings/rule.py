"""A kind of finding, and what one look for it may see."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from irqwatch.advise.facts import Facts
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
