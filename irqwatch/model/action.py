"""What a finding says to do, and what undoes it: a type for each kind. How it is typed, or said
where no command does it, is for sink/advise."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class SetAffinity:
    """Ask for CPUs."""

    irq: int
    cpus: frozenset[int]


@dataclass(frozen=True, slots=True)
class AskForOtherCpu:
    """The one of the mask may have no vector left."""


@dataclass(frozen=True, slots=True)
class SetDefaultAffinity:
    cpus: frozenset[int]


@dataclass(frozen=True, slots=True)
class SetRps:
    device: str
    queue: int
    cpus: frozenset[int]  # none is off


@dataclass(frozen=True, slots=True)
class SetRpsInstead:
    """Where the device can have no more queues."""

    device: str
    queue: int
    cpus: frozenset[int]


@dataclass(frozen=True, slots=True)
class SetXps:
    device: str
    queue: int
    cpus: frozenset[int]


@dataclass(frozen=True, slots=True)
class ShowQueues:
    device: str


@dataclass(frozen=True, slots=True)
class SetQueues:
    device: str
    queues: int


@dataclass(frozen=True, slots=True)
class CutQueues:
    """As SetQueues, where nothing is wrong yet: so what it costs is to be said."""

    device: str
    queues: int


@dataclass(frozen=True, slots=True)
class FreeVectors:
    """Fewer queues, how many is not known."""

    device: str


@dataclass(frozen=True, slots=True)
class GiveGuestQueues:
    """On the host of this virtual machine."""

    device_kind: Literal["net", "block"]


@dataclass(frozen=True, slots=True)
class UseGivenQueues:
    """After GiveGuestQueues, in the virtual machine."""

    device: str
    queues: int


@dataclass(frozen=True, slots=True)
class ShowNvmeQueues:
    device: str


@dataclass(frozen=True, slots=True)
class FreeNvmeQueues:
    """Those that are kept for polling and for writes, with the boot line."""


@dataclass(frozen=True, slots=True)
class ShowHash:
    device: str


@dataclass(frozen=True, slots=True)
class SpreadHash:
    device: str
    queues: int


@dataclass(frozen=True, slots=True)
class HashUdpPorts:
    device: str


@dataclass(frozen=True, slots=True)
class ResetHash:
    device: str


@dataclass(frozen=True, slots=True)
class ShowUnhandled:
    irq: int


@dataclass(frozen=True, slots=True)
class UpdateDriver:
    """Or the firmware, of the devices on a line."""


@dataclass(frozen=True, slots=True)
class ShowCoalescing:
    device: str


@dataclass(frozen=True, slots=True)
class SetAdaptive:
    """Whether the device gathers several packets for an interrupt as their rate asks for."""

    device: str
    on: bool


@dataclass(frozen=True, slots=True)
class AskDeviceLess:
    """Of a device that has no coalescing to set."""


@dataclass(frozen=True, slots=True)
class SetThreaded:
    """NAPI in a thread of its own."""

    device: str
    on: bool


@dataclass(frozen=True, slots=True)
class ShowPci:
    """Which devices could use MSI."""


@dataclass(frozen=True, slots=True)
class PartDevices:
    """That share a line."""


@dataclass(frozen=True, slots=True)
class SetPriority:
    pid: int
    priority: int  # of SCHED_FIFO; 0 is not real-time


@dataclass(frozen=True, slots=True)
class SetWakeLimit:
    cpu: int
    limit_us: int  # as the kernel takes it; 0 is no limit


@dataclass(frozen=True, slots=True)
class TraceSlower:
    cpu: int
    irq: int | None
    slower_s: float


@dataclass(frozen=True, slots=True)
class BootIsolated:
    cpus: frozenset[int]
    managed: bool  # managed interrupts stay away too


@dataclass(frozen=True, slots=True)
class SetIrqbalance:
    on: bool


@dataclass(frozen=True, slots=True)
class BanIrqs:
    """From irqbalance."""

    irqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ShowKernelLog:
    """Of affinities and vectors."""


@dataclass(frozen=True, slots=True)
class SetSysctl:
    name: str
    value: int


@dataclass(frozen=True, slots=True)
class SetFlowLimit:
    cpus: frozenset[int]


Action = (
    SetAffinity
    | AskForOtherCpu
    | SetDefaultAffinity
    | SetRps
    | SetRpsInstead
    | SetXps
    | ShowQueues
    | SetQueues
    | CutQueues
    | FreeVectors
    | GiveGuestQueues
    | UseGivenQueues
    | ShowNvmeQueues
    | FreeNvmeQueues
    | ShowHash
    | SpreadHash
    | HashUdpPorts
    | ResetHash
    | ShowUnhandled
    | UpdateDriver
    | ShowCoalescing
    | SetAdaptive
    | AskDeviceLess
    | SetThreaded
    | ShowPci
    | PartDevices
    | SetPriority
    | SetWakeLimit
    | TraceSlower
    | BootIsolated
    | SetIrqbalance
    | BanIrqs
    | ShowKernelLog
    | SetSysctl
    | SetFlowLimit
)
