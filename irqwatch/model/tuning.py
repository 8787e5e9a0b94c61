"""Settings beside /proc/irq that decide where interrupts and what follows them run."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RxQueue:
    """/sys/class/net/DEVICE/queues/rx-N. An empty ``rps_cpus`` is RPS off."""

    number: int
    rps_cpus: frozenset[int] = frozenset()
    rps_flow_count: int = 0


@dataclass(frozen=True, slots=True)
class TxQueue:
    """/sys/class/net/DEVICE/queues/tx-N. ``xps_cpus`` is None where the kernel has none to show: a
    device with one queue."""

    number: int
    xps_cpus: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class NetDevice:
    device: str
    rx: tuple[RxQueue, ...] = ()
    tx: tuple[TxQueue, ...] = ()


@dataclass(frozen=True, slots=True)
class RealtimeTask:
    """A process of a real-time policy, or the thread of an interrupt whatever its policy is.
    ``priority`` is 1 to 99; 0 for a task that is not real-time, 100 for a deadline."""

    pid: int
    name: str
    priority: int
    cpu: int  # where it last ran
    cpu_ns: int
    irq: int | None = None


@dataclass(frozen=True, slots=True)
class Tuning:
    """``None`` is what the host does not say."""

    default_affinity: frozenset[int] | None = None  # /proc/irq/default_smp_affinity
    net: tuple[NetDevice, ...] = ()
    tasks: tuple[RealtimeTask, ...] = ()
    # CPU → the longest exit latency of the idle states that are not disabled there
    idle_exit_us: Mapping[int, int] = field(default_factory=dict)
    # /proc/sys/net/core: netdev_budget, netdev_budget_usecs, netdev_max_backlog
    net_core: Mapping[str, int] = field(default_factory=dict)
    flow_limit_cpus: frozenset[int] | None = None
    is_guest: bool | None = None  # in a virtual machine
