"""A host for each finding that has it, and what such hosts are made of."""

from dataclasses import replace

from irqwatch.advise.plan import Wanted, make_plan
from irqwatch.model.plan import Finding
from irqwatch.model.snapshot import Thread
from irqwatch.model.tuning import NetDevice, RealtimeTask, RxQueue, Tuning, TxQueue
from tests.advising import Busy, Machine, crowded, timer

LATENCY = Wanted(goal="latency")


def cpus(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


def queues(count: int, load: float = 0.2, **more: object) -> tuple[Busy, ...]:
    """One on each CPU, round and round the four."""
    return tuple(
        Busy(30 + n, n % 4, load, f"eth0-TxRx-{n}", queue=n, **more)  # type: ignore[arg-type]
        for n in range(count)
    )


def net(rps: frozenset[int] = cpus(), xps: frozenset[int] | None = None, count: int = 4) -> Tuning:
    rx = tuple(RxQueue(n, rps) for n in range(count))
    return Tuning(net=(NetDevice("eth0", rx, tuple(TxQueue(n, xps) for n in range(count))),))


def tasks(ns: int, priority: int) -> Tuning:
    thread = RealtimeTask(40, "irq/30-eth0", 50, 0, 0, irq=30)
    return Tuning(tasks=(thread, RealtimeTask(41, "audio", priority, 0, ns)))


def pair(tx_cpu: int, tx: str = "eth0-tx-0") -> Machine:
    return Machine(
        (Busy(30, 0, 0.02, "eth0-rx-0", queue=0), Busy(31, tx_cpu, 0.0, tx, queue=0)),
    )


LINE = Busy(30, 0, 0.1, "eth0-TxRx-0", queue=0)
VIRTIO = Busy(30, 0, 0.1, "virtio0-input.0", queue=0)
NVME = tuple(Busy(40 + n, n, 0.1, f"nvme0q{n}", "nvme0", "nvme", n, writable=False) for n in (1, 2))
STORM = replace(LINE, rate=90_000, load=0.2, since_boot=1_000_000)
IRQBALANCE = (Thread(812, "irqbalance", "irqbalance", 0),)
REMOTE = Machine((replace(LINE, node=1, load=0.3),), nodes=2)
SIBLINGS = Machine((replace(LINE, load=0.4), Busy(31, 1, 0.4)), threads_per_core=2)

FIRES: dict[str, tuple[Machine, Wanted]] = {
    "one-cpu-device": (crowded(), Wanted()),
    "remote-node": (REMOTE, Wanted()),
    "too-many-queues": (Machine(queues(6)), Wanted()),
    "too-few-queues": (Machine((LINE,), softirq={0: 0.6}), Wanted()),
    "siblings": (SIBLINGS, Wanted()),
    "reserved-cpu": (Machine((LINE,), isolated=cpus(0)), Wanted()),
    "immovable": (Machine((replace(LINE, writable=False),)), Wanted()),
    "managed-on-isolated": (
        Machine((replace(LINE, writable=False),), isolated=cpus(0)),
        Wanted(),
    ),
    "irqbalance": (crowded(threads=IRQBALANCE), Wanted()),
    "wide-mask": (Machine((LINE,)), Wanted()),
    "hint-not-followed": (Machine((replace(LINE, hint=cpus(2)),)), Wanted()),
    "unhandled": (Machine((replace(LINE, unhandled=500),)), Wanted()),
    "storm": (Machine((STORM,)), Wanted()),
    "time-squeeze": (Machine((LINE,), squeezes={0: 600}), Wanted()),
    "backlog-drops": (Machine((LINE,), drops={0: 600}), Wanted()),
    "ksoftirqd": (Machine((LINE,), ksoftirqd={0: 0.3}), Wanted()),
    "rps-self": (Machine(queues(4), tuning=net(rps=cpus(0, 1, 2, 3))), Wanted()),
    "rps-needless": (Machine(queues(4), tuning=net(rps=cpus(0, 1))), Wanted()),
    "xps-apart": (Machine(queues(4), tuning=net(xps=cpus(3))), Wanted()),
    "split-pair": (pair(1), Wanted()),
    "shared-line": (Machine((replace(LINE, neighbour=0.05),)), Wanted()),
    "thread-priority": (
        Machine((LINE,), tuning_before=tasks(0, 90), tuning=tasks(10**9, 90)),
        Wanted(),
    ),
    "not-in-force": (
        Machine((replace(LINE, asked=cpus(1), effective=cpus(0)),)),
        Wanted(),
    ),
    "offline-mask": (Machine((replace(LINE, asked=cpus(3)),), offline=cpus(3)), Wanted()),
    "default-mask": (
        Machine(isolated=cpus(3), tuning=Tuning(default_affinity=cpus(0, 1, 2, 3))),
        Wanted(),
    ),
    "one-queue-virtio": (Machine((VIRTIO,)), Wanted()),
    "few-nvme-queues": (Machine(NVME), Wanted()),
    "deep-idle": (Machine((LINE,), tuning=Tuning(idle_exit_us={0: 200}, is_guest=False)), LATENCY),
    "elephant": (Machine((replace(LINE, load=0.6), *queues(4, 0.02)[1:])), Wanted()),
    "late": (Machine(extra=(timer(0, 3_000_000),)), Wanted()),
}


# Where the same is not a network device's.
OTHER_HOSTS: dict[str, tuple[Machine, Wanted]] = {
    "storm": (Machine((replace(STORM, kind="pci"),)), Wanted()),
    "not-in-force": (
        Machine((replace(LINE, kind="pci", asked=cpus(1), effective=cpus(0)),)),
        Wanted(),
    ),
    "one-queue-virtio": (Machine((replace(VIRTIO, kind="block"),)), Wanted()),
}


def seen(machine: Machine, wanted: Wanted) -> dict[str, Finding]:
    return {one.id: one for one in make_plan(machine.measured(), wanted).findings}
