"""What came of applying a plan and of putting it back: names and figures, which the sink words."""

from dataclasses import dataclass
from pathlib import Path

from irqwatch.model.plan import Move, PlannedLine


@dataclass(frozen=True, slots=True)
class Refusal:
    """The error with which the kernel refused a mask."""

    number: int  # errno
    text: str


@dataclass(frozen=True, slots=True)
class Written:
    """What came of a move. ``cpus`` is the mask that was accepted, None where the line was left as
    it was; ``refused`` is not None where that is not what was planned."""

    move: Move
    cpus: frozenset[int] | None
    refused: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where a line is to run."""

    line: PlannedLine
    cpus: frozenset[int]


@dataclass(frozen=True, slots=True)
class Checked:
    """``verdict``: "ok", "unverified" (no interrupt came, or it is not known how many did),
    "elsewhere" or "gone". ``there`` and ``elsewhere`` are the interrupts that came on its CPUs and
    on others, None where that is not known."""

    target: Target
    verdict: str
    effective: frozenset[int] | None
    there: int | None
    elsewhere: int | None


@dataclass(frozen=True, slots=True)
class CpuOutcome:
    """The load of one CPU. ``measured`` is None where it was not: it is offline now."""

    cpu: int
    before: float
    predicted: float
    measured: float | None


@dataclass(frozen=True, slots=True)
class Busiest:
    """The highest load of the CPUs that may be given interrupts. ``noise`` is what a difference is
    held against: the larger of the spreads of the two measurements."""

    before: float
    predicted: float
    measured: float
    noise: float


@dataclass(frozen=True, slots=True)
class Applied:
    """What was written of a plan, and what was found then."""

    weighed_by: str  # as the plan's
    written: tuple[Written, ...]
    checked: tuple[Checked, ...]
    cpus: tuple[CpuOutcome, ...]
    busiest: Busiest
    is_worse: bool  # than before, by more than the noise
    is_without_gain: bool  # one was predicted and did not come


@dataclass(frozen=True, slots=True)
class Restored:
    """``verdict``: "restored", "as before" (nothing to do), "changed" (by somebody else, to
    ``found``: left), "gone" (its number is free or another device's) or "failed" (``refused``)."""

    line: PlannedLine
    verdict: str
    found: frozenset[int] | None = None
    refused: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """What there is stands in the journal; the masks come next."""

    journal: Path


@dataclass(frozen=True, slots=True)
class Wrote:
    """In the order in which they were written."""

    written: tuple[Written, ...]


@dataclass(frozen=True, slots=True)
class Remeasuring:
    """It takes ``seconds``."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Kept:
    """It stays as it was written."""

    journal: Path
    is_without_gain: bool


@dataclass(frozen=True, slots=True)
class PutBack:
    """``why``: "not followed" (interrupts went elsewhere), "worse", "not confirmed", "interrupted"
    or "failed". ``restored`` in the order in which they were."""

    why: str
    restored: tuple[Restored, ...]


# What is told of while a plan is applied, as it happens.
Step = Begun | Wrote | Remeasuring | Applied | Kept | PutBack


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of a plan that was applied to its end. ``put_back`` is None where it is kept."""

    applied: Applied
    journal: Path
    put_back: PutBack | None = None


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo did by a journal that was written at ``time``."""

    journal: Path
    time: str
    restored: tuple[Restored, ...]
