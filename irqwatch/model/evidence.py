"""What the rules of advise see: a type for each kind, with its figures and names.

A *load* is in the unit of the plan's ``weighed_by``; what ends in ``_s`` is seconds, a share is 0
to 1, a rate is per second. Words for them are in sink/advise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class NamedLine:
    """An interrupt line, and what it is called."""

    irq: int
    name: str


@dataclass(frozen=True, slots=True)
class OneCpuDevice:
    device: str
    irqs: tuple[int, ...]
    cpu: int
    load: float  # of these lines
    cpu_load: float  # of all on that CPU


@dataclass(frozen=True, slots=True)
class RemoteNode:
    line: NamedLine
    cpus: frozenset[int]
    cpu_nodes: frozenset[int]
    device_node: int
    load: float


@dataclass(frozen=True, slots=True)
class TooManyQueues:
    device: str
    queues: int
    cores: int  # that may take interrupts


@dataclass(frozen=True, slots=True)
class TooFewQueues:
    device: str
    queues: int
    cores: int
    cpu: int  # the first of those full of softirqs
    softirq_share: float  # of its time


@dataclass(frozen=True, slots=True)
class Siblings:
    cpus: frozenset[int]  # threads of one core
    irqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReservedCpu:
    line: NamedLine
    cpus: frozenset[int]
    rate: float


@dataclass(frozen=True, slots=True)
class ReadOnlyLines:
    lines: tuple[NamedLine, ...]
    load: float


@dataclass(frozen=True, slots=True)
class ManagedOnIsolated:
    lines: tuple[NamedLine, ...]


@dataclass(frozen=True, slots=True)
class Irqbalance:
    pid: int
    irqs: tuple[int, ...]  # that the plan moves


@dataclass(frozen=True, slots=True)
class WideMask:
    lines: tuple[NamedLine, ...]


@dataclass(frozen=True, slots=True)
class HintNotFollowed:
    line: NamedLine
    hint: frozenset[int]
    cpus: frozenset[int]


@dataclass(frozen=True, slots=True)
class Unhandled:
    line: NamedLine
    count: int
    seconds: float  # in which they came


@dataclass(frozen=True, slots=True)
class Storm:
    line: NamedLine
    rate: float
    baseline_rate: float | None  # the average since boot; None: its counter may have wrapped
    handler_s: float | None  # None: not timed


@dataclass(frozen=True, slots=True)
class TimeSqueeze:
    cpu: int
    rate: float


@dataclass(frozen=True, slots=True)
class BacklogDrops:
    cpu: int
    rate: float


@dataclass(frozen=True, slots=True)
class Ksoftirqd:
    cpu: int
    share: float


@dataclass(frozen=True, slots=True)
class RpsSelf:
    device: str
    queue: int
    cpus: frozenset[int]  # that the queue interrupts
    steered: frozenset[int]  # the part of rps_cpus that does not help


@dataclass(frozen=True, slots=True)
class RpsNeedless:
    device: str
    queues: int
    cpu_count: int  # that may take interrupts
    steered_queues: int  # of them, how many have RPS


@dataclass(frozen=True, slots=True)
class XpsApart:
    device: str
    lines: tuple[NamedLine, ...]


@dataclass(frozen=True, slots=True)
class SplitPair:
    device: str
    queue: int | None
    rx_irq: int
    rx_cpus: frozenset[int]
    tx_irq: int
    tx_cpus: frozenset[int]


@dataclass(frozen=True, slots=True)
class SharedLine:
    irq: int
    busy: str  # the action that has most to do
    not_mine_share: float  # of all calls
    neighbours: Mapping[str, float]  # action → share of a CPU that its "not mine" takes


@dataclass(frozen=True, slots=True)
class ThreadPriority:
    thread: str
    priority: int
    task: str  # above it, and busy
    task_pid: int
    task_priority: int
    task_share: float
    cpu: int


@dataclass(frozen=True, slots=True)
class NotInForce:
    line: NamedLine
    asked: frozenset[int]
    effective: frozenset[int]


@dataclass(frozen=True, slots=True)
class OfflineMask:
    line: NamedLine
    asked: frozenset[int]
    cpus: frozenset[int]  # where it runs; empty is not known


@dataclass(frozen=True, slots=True)
class DefaultMask:
    cpus: frozenset[int]  # isolated or nohz_full, and in the mask


@dataclass(frozen=True, slots=True)
class OneQueueVirtio:
    device: str
    cpu_count: int  # online
    load: float


@dataclass(frozen=True, slots=True)
class FewNvmeQueues:
    device: str
    queues: int
    cpu_count: int  # online


@dataclass(frozen=True, slots=True)
class DeepIdle:
    cpus: frozenset[int]
    wake_s: float  # the longest of them


@dataclass(frozen=True, slots=True)
class Elephant:
    line: NamedLine
    device: str
    queues: int
    share: float  # of the device's load


LateKind = Literal["timer", "softirq", "hardirq"]


@dataclass(frozen=True, slots=True)
class Late:
    """A timer or softirq waited, or a handler (``hardirq``) ran, for ``late_s``."""

    what: LateKind
    name: str
    cpu: int
    late_s: float
    pid: int  # of the task that ran there; 0 is the idle task
    comm: str
    cpus: frozenset[int]  # all over the limit


@dataclass(frozen=True, slots=True)
class More:
    """Of what one rule sees, all that is not told one by one."""

    count: int
    irqs: tuple[int, ...]
    cpus: frozenset[int]


Evidence = (
    OneCpuDevice
    | RemoteNode
    | TooManyQueues
    | TooFewQueues
    | Siblings
    | ReservedCpu
    | ReadOnlyLines
    | ManagedOnIsolated
    | Irqbalance
    | WideMask
    | HintNotFollowed
    | Unhandled
    | Storm
    | TimeSqueeze
    | BacklogDrops
    | Ksoftirqd
    | RpsSelf
    | RpsNeedless
    | XpsApart
    | SplitPair
    | SharedLine
    | ThreadPriority
    | NotInForce
    | OfflineMask
    | DefaultMask
    | OneQueueVirtio
    | FewNvmeQueues
    | DeepIdle
    | Elephant
    | Late
    | More
)
