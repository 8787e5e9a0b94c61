"""Everything read from a host at one instant: frozen, typed, cumulative counters.

Text that comes from the kernel (names of interrupts, devices, tasks) has been made printable when
it gets here: see ``irqwatch.base.text``. Times are nanoseconds of CLOCK_MONOTONIC unless the name
says otherwise. A ``Mapping[int, int]`` from CPU number to a count leaves zeros out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from irqwatch.model.topology import Topology
from irqwatch.model.tuning import Tuning

SCHEMA = 2

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
    """A part of the picture that could not be had, or not all of it: which, and why, in words for a
    person."""

    part: str  # "probe", "interrupts", "softirqs", "work", …
    reason: str  # "not root: loading the probe needs CAP_BPF and CAP_PERFMON"

    def __str__(self) -> str:
        """As a person is told. Not that there is none: some of the part may well be there."""
        return f"{self.part}: {self.reason}"


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
    kind: str  # "net", "nvme", "block", "ata", "scsi", "usb", "pci", …
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
class Program:
    """One loaded BPF program. Run statistics are zero unless kernel.bpf_stats_enabled is set.
    Misses are None on a kernel before 5.12, which does not count them."""

    name: str
    recursion_misses: int | None
    run_count: int = 0
    run_ns: int = 0


@dataclass(frozen=True, slots=True)
class Probe:
    """What the probe has counted since it was attached. ``parts`` are those of its collectors by
    name: which there are, and of which types, says ``irqwatch.collectors``."""

    collectors: frozenset[str]
    attached_ns: int
    parts: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    losses: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  # collector → reason → n
    programs: tuple[Program, ...] = ()
    read_ns: int = 0  # how long reading the maps took


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
    cgroups: Mapping[int, str] = field(default_factory=dict)  # id → path, of those parts are of
    tuning: Tuning | None = None  # only where it was asked for
    line_cpus: frozenset[int] = frozenset()  # those that /proc/interrupts has columns for …
    softirq_cpus: frozenset[int] = frozenset()  # … and /proc/softirqs; empty in older recordings
    # Name of a device in ``devices`` → disks and USB devices behind it, at most ``MOST`` of
    # irqwatch/source/behind.py
    behind: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
