"""Everything read from a host at one instant: frozen, typed, cumulative counters.

Text that comes from the kernel (names of interrupts, devices, tasks) has been made printable when
it gets here: see ``irqwatch.parse.text``. Times are nanoseconds of CLOCK_MONOTONIC unless the name
says otherwise. A ``Mapping[int, int]`` from CPU number to a count leaves zeros out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from irqwatch.model.histogram import EMPTY, Histogram
from irqwatch.model.topology import Topology
from irqwatch.model.tuning import Tuning

SCHEMA = 1

# include/linux/interrupt.h: the anonymous enum that ends in NR_SOFTIRQS; the index is the vector.
SOFTIRQ_VECTORS = (
    "HI",
    "TIMER",
    "NET_TX",
    "NET_RX",
    "BLOCK",
    "IRQ_POLL",
    "TASKLET",
    "SCHED",
    "HRTIMER",
    "RCU",
)

CpuCounts = Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A part of the picture that could not be had: which, and why, in words for a person."""

    part: str  # "probe", "interrupts", "softirqs", "work", …
    reason: str  # "not root: loading the probe needs CAP_BPF and CAP_PERFMON"


@dataclass(frozen=True, slots=True)
class Host:
    hostname: str
    kernel: str  # uname -r
    boot_id: str


@dataclass(frozen=True, slots=True)
class Line:
    """A row of /proc/interrupts: a line (``irq`` is its number) or one of the architecture's own
    (``irq`` is None, ``label`` is "LOC", "IPI0", …). Counts are 32-bit in the kernel and wrap."""

    label: str
    irq: int | None
    counts: CpuCounts
    controller: str = ""  # "PCI-MSIX-0000:00:03.0", "IO-APIC", "GICv3"
    hwirq: str = ""  # "1", as the kernel prints it
    trigger: str = ""  # "edge", "level", "fasteoi"
    actions: tuple[str, ...] = ()
    description: str = ""  # of an architecture row: "Local timer interrupts"
    total: int | None = None  # ERR and MIS have one number for the whole machine


@dataclass(frozen=True, slots=True)
class LineSetting:
    """/proc/irq/N. ``None`` is what the kernel does not show."""

    irq: int
    affinity: frozenset[int] | None = None  # asked for; may be pending until the next interrupt
    effective: frozenset[int] | None = None  # in force
    hint: frozenset[int] | None = None  # the driver's wish; all-zero means none and is None here
    node: int | None = None
    writable: bool | None = None
    unhandled: int | None = None  # /proc/irq/N/spurious
    last_unhandled_ms: int | None = None


@dataclass(frozen=True, slots=True)
class LineDevice:
    """Which device, and which queue of it, a line belongs to (sysfs)."""

    irq: int
    device: str  # "eth0", "nvme0", "vda"; the bus address where nothing better is known
    kind: str  # "net", "nvme", "block", "pci", "platform", …
    bus_address: str = ""  # "0000:00:03.0"
    queue: int | None = None
    node: int | None = None  # the device's own NUMA node


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """A ``cpuN`` row of /proc/stat, in nanoseconds."""

    user_ns: int
    nice_ns: int
    system_ns: int
    idle_ns: int
    iowait_ns: int
    irq_ns: int
    softirq_ns: int
    steal_ns: int


@dataclass(frozen=True, slots=True)
class Softnet:
    """A row of /proc/net/softnet_stat."""

    cpu: int
    processed: int
    dropped: int
    time_squeeze: int
    received_rps: int | None = None
    flow_limit: int | None = None
    backlog: int | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    """A process that matters to interrupts: ksoftirqd/N, irq/N-name, irqbalance."""

    pid: int
    name: str
    kind: str  # "ksoftirqd", "irq_thread", "irqbalance"
    cpu_ns: int  # user + system, in the kernel's clock ticks
    cpu: int | None = None  # of ksoftirqd/N
    irq: int | None = None  # of irq/N-name


@dataclass(frozen=True, slots=True)
class Worst:
    """The longest event since the reader last looked, with its story."""

    ns: int
    at_ns: int  # when it ended
    cpu: int
    pid: int  # of the task that was running (interrupted) then; 0 is the idle task
    comm: str


@dataclass(frozen=True, slots=True)
class CountAndTime:
    count: int
    ns: int


NEVER = CountAndTime(0, 0)


@dataclass(frozen=True, slots=True)
class HardirqTime:
    """Hard interrupts of one action on one line on one CPU. ``handled`` holds those the action
    took; those it answered with IRQ_NONE ("not mine") are counted apart."""

    irq: int
    action: str
    cpu: int
    handled: Histogram = EMPTY
    not_mine_count: int = 0
    not_mine_ns: int = 0
    worst: Worst | None = None
    softirqs: Mapping[str, CountAndTime] = field(default_factory=dict)  # that it caused, by vector


@dataclass(frozen=True, slots=True)
class VectorTime:
    """One of the architecture's own interrupts on one CPU: the local timer and what CPUs send each
    other. ``nested``: it comes inside a line's handler (arm64), whose time has it already."""

    vector: str  # "local_timer", "reschedule", …
    cpu: int
    run: Histogram = EMPTY
    worst: Worst | None = None
    softirqs: Mapping[str, CountAndTime] = field(default_factory=dict)  # that it caused, by vector
    nested: bool = False


@dataclass(frozen=True, slots=True)
class SoftirqTime:
    """Softirqs of one vector on one CPU. ``latency`` is raised-to-run, from the oldest raise not
    yet served; ``run`` excludes the hard interrupts inside. ``ksoftirqd_*`` is the part of ``run``
    that ran in ksoftirqd, ``interrupt_*`` the part inline right after an interrupt; the rest ran
    inline in a task. ``restarts`` are inline runs that began another round of their batch.
    ``uncaused`` is the part that followed from no interrupt that was timed."""

    vector: str
    cpu: int
    latency: Histogram = EMPTY
    run: Histogram = EMPTY
    ksoftirqd_count: int = 0
    ksoftirqd_ns: int = 0
    worst_latency: Worst | None = None
    worst_run: Worst | None = None
    interrupt_count: int = 0
    interrupt_ns: int = 0
    restarts: int = 0
    uncaused: CountAndTime = NEVER


@dataclass(frozen=True, slots=True)
class WorkTime:
    """Work items of one function on one workqueue, on all CPUs. ``latency`` is queued-to-start of
    the items whose queueing was seen; ``run`` is wall time, sleeping included. A stall is an item
    that had to wait to be activated because the queue was at max_active."""

    function: str
    workqueue: str  # "" where the queueing was not seen
    latency: Histogram = EMPTY
    run: Histogram = EMPTY
    stall_count: int = 0
    stall_ns: int = 0
    cpus: Mapping[int, CountAndTime] = field(default_factory=dict)  # of ``run``
    worst_latency: Worst | None = None
    worst_run: Worst | None = None


@dataclass(frozen=True, slots=True)
class WorkCause:
    """Runs of one work function on one CPU that one interrupt caused: the action ``cause`` on line
    ``irq``, or the vector ``cause`` where ``irq`` is None, or none (""). ``via`` is what queued
    them: "" the top half itself, a softirq vector, "thread", "task"."""

    irq: int | None
    cause: str
    via: str
    function: str
    workqueue: str
    cpu: int
    runs: CountAndTime = NEVER


@dataclass(frozen=True, slots=True)
class TimerTime:
    """High-resolution timers on one CPU. ``mode`` is "hard" (they fire in the timer's interrupt) or
    "soft" (in the HRTIMER softirq). ``latency`` is from the expiry to the time at which the kernel
    ran them; those that fired before it, in the slack they allow, are in ``early_count`` only."""

    cpu: int
    mode: str
    latency: Histogram = EMPTY
    early_count: int = 0
    worst_latency: Worst | None = None


@dataclass(frozen=True, slots=True)
class TaskletTime:
    """Tasklets of one function on one CPU. ``run`` excludes the hard interrupts inside."""

    function: str
    cpu: int
    run: Histogram = EMPTY
    worst: Worst | None = None


@dataclass(frozen=True, slots=True)
class NapiCount:
    """Polls of one network device on one CPU; ``device`` is "backlog" for the queue that has none.
    ``exhausted_count`` are the polls that used up their budget."""

    device: str
    cpu: int
    poll_count: int = 0
    packet_count: int = 0
    exhausted_count: int = 0


@dataclass(frozen=True, slots=True)
class ExceptionCount:
    """Exceptions of one kind: "page_fault_user", "page_fault_kernel", "nmi", "machine_check"."""

    exception: str
    cpus: CpuCounts


@dataclass(frozen=True, slots=True)
class ProcessFaults:
    """Page faults of one process, in its own code and in the kernel's on its behalf. ``comm`` is
    its first thread's. Of the processes for which the probe had no room there is none."""

    pid: int
    comm: str
    user_count: int = 0
    kernel_count: int = 0


@dataclass(frozen=True, slots=True)
class SignalTime:
    """Signals of one name and origin on one CPU. Generated there: ``generated_count``, and
    ``dropped_count`` of those were ignored, already pending, or found no room. Delivered there:
    ``latency`` is generated-to-delivered, and ``worst_latency`` names who got it."""

    signal: str  # "SIGALRM"
    origin: str  # "user", "timer", "exception", "kernel"
    cpu: int
    generated_count: int = 0
    dropped_count: int = 0
    latency: Histogram = EMPTY
    worst_latency: Worst | None = None


@dataclass(frozen=True, slots=True)
class SyscallTime:
    """Calls of one system call that ended on one CPU. ``run`` is wall time, sleeping included."""

    syscall: str  # "read"; its number where the name is not known
    cpu: int
    run: Histogram = EMPTY
    worst: Worst | None = None


@dataclass(frozen=True, slots=True)
class ThreadTime:
    """The thread of one action on one line, on one CPU. ``latency`` is from the wake by its handler
    to its run, of the wakes that found it asleep; ``run`` its time on a CPU from one wait for an
    interrupt to the next, without the interrupts and softirqs inside."""

    irq: int
    action: str
    cpu: int
    latency: Histogram = EMPTY
    run: Histogram = EMPTY
    worst_latency: Worst | None = None
    worst_run: Worst | None = None


@dataclass(frozen=True, slots=True)
class Blame:
    """Time that interrupts of one kind took from one process on one CPU. ``kind`` is "hardirq"
    (``name`` is the action, ``irq`` its line), "vector" (its name) or "softirq" (its vector;
    ``irq`` and ``cause`` are the interrupt that it follows from, None and "" if none). ``pid``
    None: the processes for which the probe had no room, all together."""

    pid: int | None
    comm: str
    cgroup: int | None  # its id; Snapshot.cgroups may have its path
    kind: str
    name: str
    cpu: int
    irq: int | None = None
    cause: str = ""
    taken: CountAndTime = NEVER


@dataclass(frozen=True, slots=True)
class Program:
    """One loaded BPF program. Run statistics are zero unless kernel.bpf_stats_enabled is set."""

    name: str
    recursion_misses: int
    run_count: int = 0
    run_ns: int = 0


@dataclass(frozen=True, slots=True)
class Probe:
    """What the probe has counted since it was attached."""

    collectors: frozenset[str]  # of irqwatch.model.collectors
    attached_ns: int
    hardirqs: tuple[HardirqTime, ...] = ()
    softirqs: tuple[SoftirqTime, ...] = ()
    works: tuple[WorkTime, ...] = ()
    vectors: tuple[VectorTime, ...] = ()
    work_causes: tuple[WorkCause, ...] = ()
    losses: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # collector → reason → n
    programs: tuple[Program, ...] = ()
    read_ns: int = 0  # how long reading the maps took
    timers: tuple[TimerTime, ...] = ()
    tasklets: tuple[TaskletTime, ...] = ()
    napis: tuple[NapiCount, ...] = ()
    exceptions: tuple[ExceptionCount, ...] = ()
    faulting: tuple[ProcessFaults, ...] = ()
    signals: tuple[SignalTime, ...] = ()
    syscalls: tuple[SyscallTime, ...] = ()
    irq_threads: tuple[ThreadTime, ...] = ()
    blames: tuple[Blame, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything read at one instant. What could not be read is in ``unavailable``, with why."""

    schema: int
    monotonic_ns: int
    wall_ns: int
    host: Host
    topology: Topology = field(default_factory=Topology)
    lines: tuple[Line, ...] = ()
    softirq_counts: Mapping[str, CpuCounts] = field(default_factory=dict)  # vector → CPU → count
    cpu_times: Mapping[int, CpuTimes] = field(default_factory=dict)
    settings: tuple[LineSetting, ...] = ()
    devices: tuple[LineDevice, ...] = ()
    softnet: tuple[Softnet, ...] = ()
    threads: tuple[Thread, ...] = ()
    probe: Probe | None = None
    unavailable: tuple[Unavailable, ...] = ()
    durations_ns: Mapping[str, int] = field(default_factory=dict)  # part → how long reading took
    cgroups: Mapping[int, str] = field(default_factory=dict)  # id → path, of those blames are of
    tuning: Tuning | None = None  # only where it was asked for
