"""What the advisor says of a host: findings, and moves of interrupts with their certificate.

A *load* is the share of one CPU's time, 0 to 1: seconds in interrupts per second. Where nothing
was timed (``weighed_by`` "count") it is interrupts per second instead, and every figure is a guess.
What was seen and decided are figures and names: words for them are in sink/advise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from irqwatch.model.action import Action
from irqwatch.model.evidence import Evidence
from irqwatch.model.snapshot import Host, Unavailable

SCHEMA = 1

SEVERITIES = ("critical", "warning", "info")  # in the order they are shown
CONFIDENCES = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """A line as the plan was made for it. Its number can be given to another device: action names,
    controller and hwirq tell."""

    irq: int
    actions: tuple[str, ...]
    hwirq: str
    device: str  # the action's name where sysfs names no device
    controller: str = ""  # "PCI-MSIX-0000:00:05.0": tells two devices of one name; "" is not known

    @property
    def name(self) -> str:
        return ", ".join(self.actions) or self.device


# Isolated or nohz_full; --cpus names others; the goal is power; the goal is latency.
WhyOutside = Literal["reserved", "unwanted", "can-sleep", "late-timers"]


@dataclass(frozen=True, slots=True)
class Outside:
    """The line runs on CPUs that are to have no interrupts."""

    cpus: frozenset[int]
    why: WhyOutside


@dataclass(frozen=True, slots=True)
class NodeFull:
    """Its CPU is too busy, and so are those of its device's node."""

    node: int


@dataclass(frozen=True, slots=True)
class OtherNode:
    """It goes home: to its device's node."""

    node: int


@dataclass(frozen=True, slots=True)
class Busier:
    """Than the CPU it goes to."""

    load: float  # of the CPU it runs on, the mean where these are several
    to_load: float


Reason = Outside | NodeFull | OtherNode | Busier


class Stays(Enum):
    """Why a line that counts is not the plan's to move."""

    NOT_READ = "not-read"  # /proc/irq/N
    NOT_PLACED = "not-placed"  # by the kernel, whatever the mask
    MANAGED = "managed"  # by the kernel, which shows the mask read-only
    LIKELY_MANAGED = "likely-managed"  # by a kernel that does not show it
    CPU_UNKNOWN = "cpu-unknown"
    OTHER_DEVICE = "other-device"  # than those of --device


@dataclass(frozen=True, slots=True)
class Improves:
    """The plan's moves do; its figures say by how much."""


@dataclass(frozen=True, slots=True)
class NothingCounts:
    idle: float  # no line has as much load


@dataclass(frozen=True, slots=True)
class NothingMovable:
    """Of the lines that count, or of those that --device names."""


@dataclass(frozen=True, slots=True)
class GainIsNoise:
    noise: float  # a gain of the busiest CPU must exceed it


@dataclass(frozen=True, slots=True)
class NoneBetter:
    """Was found, though the bound does not rule it out."""


@dataclass(frozen=True, slots=True)
class CannotTell:
    """The interrupts are hidden: /proc/interrupts cannot be read, or lists none, or what it counted
    is not known of any window."""

    reason: str


Verdict = CannotTell | Improves | NothingCounts | NothingMovable | GainIsNoise | NoneBetter


@dataclass(frozen=True, slots=True)
class Move:
    """Ask for ``to`` in place of ``requested``."""

    line: PlannedLine
    requested: frozenset[int]  # the mask as it is: what an undo writes
    effective: frozenset[int]  # where it runs now
    to: frozenset[int]
    load: float  # top half and what it caused, the mean over the windows
    reason: Reason


@dataclass(frozen=True, slots=True)
class Immovable:
    """A line that counts and stays."""

    line: PlannedLine
    effective: frozenset[int]
    load: float
    reason: Stays


@dataclass(frozen=True, slots=True)
class CpuLoad:
    """One online CPU before and after."""

    cpu: int
    now: float
    planned: float
    spread: float  # standard deviation of ``now`` over the windows; 0 with one window
    eligible: bool  # may be given interrupts: not isolated, not nohz_full, not left out by --cpus


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was seen and should be known. What its rule says of all such (``title``,
    ``why``, ``not_when``) is the rule's own text."""

    id: str  # "one-cpu-device": stable, for scripts
    number: int  # of the table in docs/advisor.md
    title: str
    severity: str  # of SEVERITIES
    confidence: str  # of CONFIDENCES
    evidence: Evidence
    why: str
    advice: tuple[Action, ...]
    not_when: str
    undo: tuple[Action, ...] = ()
    irqs: tuple[int, ...] = ()
    cpus: tuple[int, ...] = ()
    device: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """All of the advice. ``gap`` is busiest_planned / lower_bound - 1; no plan can be better than
    ``lower_bound``. ``busiest_*`` are of the busiest eligible CPU, weighed as the placement weighs
    (node distance, siblings), ``loads`` are not. Where the interrupts are hidden and nothing was
    timed, no load is known: these are None, and ``loads`` is empty."""

    host: Host
    wall_ns: int  # of the last sample
    goal: str  # "throughput", "latency", "power"
    windows: int
    window_s: float
    weighed_by: str  # "time", or "count" where there is no probe
    verdict: Verdict
    change: bool  # whether there is anything to move
    busiest_now: float | None
    busiest_planned: float | None
    spread: float | None  # of busiest_now over the windows
    lower_bound: float | None
    gap: float | None
    exact: bool  # lower_bound is proven to be the optimum
    loads: tuple[CpuLoad, ...] = ()
    moves: tuple[Move, ...] = ()
    immovable: tuple[Immovable, ...] = ()
    left_out: tuple[Immovable, ...] = ()  # count and could be moved, but --device names others
    findings: tuple[Finding, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    behind: Mapping[str, str] = field(default_factory=dict)  # adapter → "sda +23" behind it
    unavailable: tuple[Unavailable, ...] = ()  # what the advice had to do without
