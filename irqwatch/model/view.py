"""What happened between two snapshots: rates, shares, quantiles.

``None`` is "unknown" throughout: a counter that went backwards, a part that is not available, a
quantile of nothing. Never a negative rate and never a zero that was not measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from irqwatch.model.snapshot import Host, Unavailable, Worst


@dataclass(frozen=True, slots=True)
class CpuPart:
    """A source's part on one CPU, of the interval."""

    count: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Source:
    """One thing that interrupts.

    ``kind`` is "hardirq" (one action on a line), "softirq" (a vector), "work" (a function on a
    workqueue) or "vector" (an architecture row of /proc/interrupts, counted by the kernel only).
    ``latency_*`` is raised-to-run (softirq) or queued-to-start (work). ``not_mine_*`` is the part
    of count and seconds that a hardirq action answered with IRQ_NONE; ``ksoftirqd_*`` the part of
    a softirq's that ran in ksoftirqd; ``stall_*`` work items that waited at max_active.
    """

    kind: str
    name: str
    count: int
    seconds: float | None
    rate: float  # events a second
    cpus: Mapping[int, CpuPart]
    irq: int | None = None
    device: str | None = None
    workqueue: str | None = None
    share: float | None = None  # of one CPU: seconds / interval
    p50_s: float | None = None
    p99_s: float | None = None
    max_s: float | None = None
    latency_p50_s: float | None = None
    latency_p99_s: float | None = None
    latency_max_s: float | None = None
    worst: Worst | None = None
    worst_latency: Worst | None = None
    not_mine_count: int | None = None
    not_mine_seconds: float | None = None
    ksoftirqd_count: int | None = None
    ksoftirqd_seconds: float | None = None
    stall_count: int | None = None
    stall_seconds: float | None = None
    description: str | None = None  # of a vector: "Local timer interrupts"


@dataclass(frozen=True, slots=True)
class CpuView:
    """Shares of one CPU's time, 0 to 1. hardirq and softirq are the probe's where it runs
    (``timed_by`` "probe"), else the kernel's own accounting (``timed_by`` "kernel"), which many
    kernels leave at zero."""

    cpu: int
    hardirq: float | None
    softirq: float | None
    user: float | None
    system: float | None
    idle: float | None
    steal: float | None
    timed_by: str


@dataclass(frozen=True, slots=True)
class View:
    interval_s: float
    monotonic_ns: int
    wall_ns: int
    host: Host
    sources: tuple[Source, ...]
    cpus: tuple[CpuView, ...]
    collectors: frozenset[str]
    coverage: float | None  # the lowest of coverage_by
    coverage_by: Mapping[str, float] = field(default_factory=dict)  # collector → seen / counted
    losses: Mapping[str, int] = field(default_factory=dict)  # "hardirq.exit_without_entry" → n
    unavailable: tuple[Unavailable, ...] = ()
