"""What happened between two snapshots: rates, shares, quantiles.

``None`` is "unknown" throughout: a counter that went backwards, a part that is not available, a
quantile of nothing. Never a negative rate and never a zero that was not measured. A source that is
absent counted nothing, or ``unavailable`` says that it is not known.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from irqwatch.model.snapshot import Host, Unavailable, Worst


@dataclass(frozen=True, slots=True)
class CpuPart:
    """A source's part on one CPU, of the interval."""

    count: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Caused:
    """Bottom halves of one kind and name that one interrupt caused, or that none did.

    ``kind`` is "softirq", "thread" or "work"; ``via`` of a work item is what queued it: "" the top
    half itself, a softirq vector, "thread", "task" where no interrupt did, or "unknown" where the
    queueing was not seen.
    """

    kind: str
    name: str  # vector, thread, or work function
    count: int
    seconds: float | None
    cpus: Mapping[int, CpuPart]
    via: str = ""
    workqueue: str | None = None


@dataclass(frozen=True, slots=True)
class PartRow:
    """A part of a source that is told under it, by name."""

    name: str
    count: int
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One thing that interrupts, or that interrupts cause, as an interval saw it. ``kind`` is the
    name of its collector; each kind is a class of its own, in the collector's file.

    ``latency_*`` is how long it waited, or how late it was; which wait that is, the collector says.
    ``irq`` and ``device`` are of the line that it is of, if it is of one.
    """

    kind: str
    name: str
    count: int
    seconds: float | None
    rate: float  # events a second
    cpus: Mapping[int, CpuPart]
    irq: int | None = None
    device: str | None = None
    share: float | None = None  # of one CPU: seconds / interval
    p50_s: float | None = None
    p99_s: float | None = None
    max_s: float | None = None
    latency_p50_s: float | None = None
    latency_p99_s: float | None = None
    latency_max_s: float | None = None
    worst: Worst | None = None
    worst_latency: Worst | None = None

    @property
    def happened(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.count)

    @property
    def beside(self) -> str | None:
        """What stands in brackets after its name, and tells it from others of that name."""
        return None

    def words(self) -> Iterator[str | None]:
        """What a filter looks in."""
        yield from (self.kind, self.name, self.device)

    def phrases(self) -> Iterator[str]:
        """What it did beside its count and time, for the line on the row that is selected."""
        yield from ()

    def aside(self) -> str | None:
        """The line after that one; None: the story of its worst event."""
        return None

    def parts(self) -> Iterator[PartRow]:
        """What stands under it in its own view."""
        yield from ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptSource(Source):
    """One that other things follow from."""

    caused: tuple[Caused, ...] = ()
    whole_share: float | None = None  # of one CPU: with what it caused

    @property
    def happened(self) -> bool:
        return bool(self.count or self.caused)


@dataclass(frozen=True, slots=True)
class CpuView:
    """Shares of one CPU's time, 0 to 1. hardirq and softirq are the probe's where it runs
    (``timed_by`` "probe"), else the kernel's own accounting (``timed_by`` "kernel"), which many
    kernels leave at zero. vector is the architecture's own interrupts, which only the probe times;
    rest is what the three leave, where all are timed."""

    cpu: int
    hardirq: float | None
    softirq: float | None
    user: float | None
    system: float | None
    idle: float | None
    steal: float | None
    timed_by: str
    vector: float | None = None
    rest: float | None = None


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
    unknown_lines: frozenset[int] = frozenset()  # of which the count is not known
    uncaused: tuple[Caused, ...] = ()  # what followed from no interrupt: tasks, loopback
    behind: Mapping[str, str] = field(default_factory=dict)  # adapter → "sda +23" behind it
