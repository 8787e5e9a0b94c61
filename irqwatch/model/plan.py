"""What the advisor says of a host: findings, and moves of interrupts with their certificate.

A *load* is the share of one CPU's time, 0 to 1: seconds in interrupts per second. Where nothing
was timed (``weighed_by`` "count") it is interrupts per second instead, and every figure is a guess.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from irqwatch.model.snapshot import Host, Unavailable

SCHEMA = 1

SEVERITIES = ("critical", "warning", "info")  # in the order they are shown
CONFIDENCES = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Line:
    """A line as the plan was made for it. Its number can be given to another device: action names,
    controller and hwirq tell."""

    irq: int
    actions: tuple[str, ...]
    hwirq: str
    device: str  # the action's name where sysfs names no device
    controller: str = ""  # "PCI-MSIX-0000:00:05.0": tells two devices of one name; "" is not known


@dataclass(frozen=True, slots=True)
class Move:
    """Ask for ``to`` in place of ``requested``."""

    line: Line
    requested: frozenset[int]  # the mask as it is: what an undo writes
    effective: frozenset[int]  # where it runs now
    to: frozenset[int]
    load: float  # top half and what it caused, the mean over the windows
    reason: str


@dataclass(frozen=True, slots=True)
class Immovable:
    """A line that counts and that no mask moves."""

    line: Line
    effective: frozenset[int]
    load: float
    reason: str


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
    """One thing that was seen and should be known. ``advice`` and ``undo`` are exact commands."""

    id: str  # "one-cpu-device": stable, for scripts
    number: int  # of the table in docs/advisor.md
    title: str
    severity: str  # of SEVERITIES
    confidence: str  # of CONFIDENCES
    evidence: str  # what was seen, with its numbers
    why: str
    advice: tuple[str, ...]
    not_when: str
    undo: tuple[str, ...] = ()
    irqs: tuple[int, ...] = ()
    cpus: tuple[int, ...] = ()
    device: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """All of the advice. ``gap`` is busiest_planned / lower_bound - 1; no plan can be better than
    ``lower_bound``. ``busiest_*`` are of the busiest eligible CPU, weighed as the placement weighs
    (node distance, siblings), ``loads`` are not."""

    host: Host
    wall_ns: int  # of the last sample
    goal: str  # "throughput", "latency", "power"
    windows: int
    window_s: float
    weighed_by: str  # "time", or "count" where there is no probe
    verdict: str  # one line
    change: bool  # whether there is anything to move
    busiest_now: float
    busiest_planned: float
    spread: float  # of busiest_now over the windows
    lower_bound: float
    gap: float
    exact: bool  # lower_bound is proven to be the optimum
    loads: tuple[CpuLoad, ...] = ()
    moves: tuple[Move, ...] = ()
    immovable: tuple[Immovable, ...] = ()
    left_out: tuple[Immovable, ...] = ()  # count and could be moved, but --device names others
    findings: tuple[Finding, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    unavailable: tuple[Unavailable, ...] = ()  # what the advice had to do without
