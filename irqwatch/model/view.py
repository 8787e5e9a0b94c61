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
class Caused:
    """Bottom halves of one kind and name that one interrupt caused, or that none did.

    ``kind`` is "softirq", "thread" or "work"; ``via`` of a work item is what queued it: "" the top
    half itself, a softirq vector, "thread", "task" where no interrupt did, or "unknown" where the
    queueing was not seen.
    """

    kind: str
    name: str  # vector, thread, or work function
    count: int
    seconds: float
    cpus: Mapping[int, CpuPart]
    via: str = ""
    workqueue: str | None = None


@dataclass(frozen=True, slots=True)
class ProcessPart:
    """A process's part of an exception."""

    pid: int
    comm: str
    count: int


@dataclass(frozen=True, slots=True)
class Taken:
    """Time that one interrupt, or softirqs of one vector that follow from it, took from a task."""

    kind: str  # "hardirq", "vector" or "softirq"
    name: str  # action or vector; "" where it was not kept
    irq: int | None
    device: str | None
    cause: str | None  # of a softirq: the action or vector that it follows from
    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Source:
    """One thing that interrupts.

    ``kind`` is "hardirq" (one action on a line), "softirq" (a vector), "work" (a function on a
    workqueue) or "vector" (one of the architecture's own interrupts, by the name of its tracepoint;
    by its row of /proc/interrupts where only the kernel counts it), "timer" (those that fire in the
    hard interrupt, "hard", or in the softirq, "soft"), "tasklet" (a function), "napi" (polls of a
    network device), "exception" (one kind of them), "signal" (one signal of one origin),
    "syscall" (one call; its time includes sleep, so it has no share), "thread" (that of an action
    on a line) or "blame" (what interrupts took from a process, a cgroup, or the rest of them).
    ``latency_*`` is raised-to-run (softirq), queued-to-start (work), how late it was (timer),
    woken-to-run (thread) or generated-to-delivered (signal; ``count`` is of those generated).
    ``not_mine_*`` is the part of count and seconds that a hardirq action answered with IRQ_NONE;
    ``ksoftirqd_*`` the part of a softirq's that ran in ksoftirqd; ``stall_*`` work items that
    waited at max_active.
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
    interrupt_count: int | None = None
    interrupt_seconds: float | None = None
    restarts: int | None = None
    stall_count: int | None = None
    stall_seconds: float | None = None
    description: str | None = None  # of a vector: "Local timer interrupts"
    early_count: int | None = None  # of a timer: those that fired in their slack
    cpu_latency_p99_s: Mapping[int, float | None] | None = None  # of a timer, by CPU
    cpu_latency_max_s: Mapping[int, float | None] | None = None
    packet_count: int | None = None  # of a napi
    exhausted_count: int | None = None  # of a napi: polls that used up their budget
    origin: str | None = None  # of a signal: "user", "timer", "exception", "kernel"
    delivered_count: int | None = None  # of a signal
    dropped_count: int | None = None  # of a signal: ignored, already pending, or no room
    processes: tuple[ProcessPart, ...] = ()  # of an exception: those with most of it
    pid: int | None = None  # of a blame that is a process's …
    cgroup: str | None = None  # … and its cgroup; alone: of all in that cgroup
    taken_by: tuple[Taken, ...] = ()  # of a blame: what took the time
    caused: tuple[Caused, ...] = ()  # of a hardirq or vector: what followed from it
    whole_share: float | None = None  # of one CPU: with what it caused
    cause: str | None = None  # in a tree of causes: the interrupt it stands under …
    via: str | None = None  # … and what queued it, as in ``Caused``


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
    uncaused: tuple[Caused, ...] = ()  # what followed from no interrupt: tasks, loopback
