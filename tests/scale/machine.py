"""The hardware: CPUs, NUMA nodes, PCI devices with a queue an interrupt, and where each may run."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, count, islice
from random import Random

from irqwatch.model.snapshot import Line, LineDevice, LineSetting
from irqwatch.model.topology import Cpu, Topology

# mlx5 makes at most this many completion queues by default; an NVMe drive of the larger kind has
# about twice as many.
MOST_NIC_QUEUES = 63
MOST_NVME_QUEUES = 128

FIRST_MSI_IRQ = 24


@dataclass(frozen=True, slots=True)
class Size:
    cpus: int
    lines: int
    nodes: int

    def __str__(self) -> str:
        return f"{self.cpus} CPUs x {self.lines} lines"


# By the number of CPUs.
SIZES = {
    size.cpus: size
    for size in (Size(2, 20, 1), Size(64, 500, 2), Size(256, 2000, 8), Size(1024, 4000, 8))
}


@dataclass(frozen=True, slots=True)
class Queue:
    """A line before it has counted anything: what it is, and the CPUs that it has run on, the one
    it runs on now first."""

    line: Line
    setting: LineSetting
    device: LineDevice | None
    ran_on: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Machine:
    topology: Topology
    queues: tuple[Queue, ...]


@dataclass(frozen=True, slots=True)
class _Card:
    """A PCI device: the names of its interrupts, and the queue each serves."""

    device: str
    kind: str
    bus_address: str
    node: int
    actions: tuple[tuple[str, int | None], ...]
    managed: bool  # the kernel sets the affinity and nobody else may


def build(size: Size, rng: Random) -> Machine:
    topology = _topology(size)
    queues = chain(_board_lines(topology), _card_lines(size, topology, rng))
    return Machine(topology, tuple(islice(queues, size.lines)))


def _topology(size: Size) -> Topology:
    """Two threads a core, numbered as x86 does: the second threads after all the first."""
    cores = max(1, size.cpus // 2)
    packages = min(2, size.nodes)
    cpus = {}
    for number in range(size.cpus):
        core = number % cores
        node = core * size.nodes // cores
        cpus[number] = Cpu(
            number=number,
            online=True,
            package=node * packages // size.nodes,
            core=core,
            node=node,
            siblings=frozenset(range(core, size.cpus, cores)),
        )
    isolated = frozenset(range(size.cpus // 2 - 2, size.cpus // 2) if size.cpus > 2 else ())
    return Topology(
        cpus=cpus,
        isolated=isolated,
        nohz_full=isolated,
        node_distances={
            here: tuple(_distance(here, there, size.nodes) for there in range(size.nodes))
            for here in range(size.nodes)
        },
    )


def _distance(here: int, there: int, nodes: int) -> int:
    if here == there:
        return 10
    return 12 if here * 2 // nodes == there * 2 // nodes else 32


def _board_lines(topology: Topology) -> Iterator[Queue]:
    """The lines of the mainboard, one of them shared."""
    everywhere = frozenset(topology.cpus)
    for irq, trigger, actions in (
        (0, "edge", ("timer",)),
        (8, "edge", ("rtc0",)),
        (9, "fasteoi", ("acpi",)),
        (16, "fasteoi", ("uhci_hcd:usb3", "i801_smbus")),
    ):
        yield Queue(
            line=Line(str(irq), irq, {}, "IR-IO-APIC", str(irq), trigger, actions),
            setting=LineSetting(
                irq=irq,
                affinity=everywhere,
                effective=frozenset({0}),
                writable=True,
                unhandled=0,
                last_unhandled_ms=0,
            ),
            device=None,
            ran_on=(0,),
        )


def _card_lines(size: Size, topology: Topology, rng: Random) -> Iterator[Queue]:
    """Without end."""
    irq = count(FIRST_MSI_IRQ)
    by_node: dict[int, list[int]] = {}
    for cpu in topology.cpus.values():
        by_node.setdefault(cpu.node or 0, []).append(cpu.number)
    everywhere = frozenset(topology.cpus)
    for card in _cards(size):
        local = by_node[card.node]
        for hwirq, (action, queue) in enumerate(card.actions):
            number = next(irq)
            cpus = list(topology.cpus) if card.managed else local
            runs_on = cpus[(queue or 0) % len(cpus)]
            allowed = frozenset({runs_on}) if card.managed and queue else everywhere
            hint = frozenset({runs_on}) if card.kind == "net" and queue is not None else None
            moved = not card.managed and rng.random() < 0.5
            yield Queue(
                line=Line(
                    label=str(number),
                    irq=number,
                    counts={},
                    controller=f"IR-PCI-MSIX-{card.bus_address}",
                    hwirq=str(hwirq),
                    trigger="edge",
                    actions=(action,),
                ),
                setting=LineSetting(
                    irq=number,
                    affinity=allowed,
                    effective=frozenset({runs_on}),
                    hint=hint,
                    node=card.node,
                    writable=not card.managed,
                    unhandled=0,
                    last_unhandled_ms=0,
                ),
                device=LineDevice(
                    number, card.device, card.kind, card.bus_address, queue, card.node
                ),
                ran_on=(runs_on, rng.choice(local)) if moved else (runs_on,),
            )


def _cards(size: Size) -> Iterator[_Card]:
    """NICs and NVMe drives in turn, each on the next node."""
    nic_queues = min(size.cpus, MOST_NIC_QUEUES)
    nvme_queues = min(size.cpus, MOST_NVME_QUEUES)
    for index in count():
        node = index % size.nodes
        address = f"0000:{0x10 + index:02x}:00.0"
        number = index // 2
        if index % 2:
            actions = [(f"nvme{number}q{queue}", queue) for queue in range(nvme_queues + 1)]
            yield _Card(f"nvme{number}", "nvme", address, node, tuple(actions), managed=True)
        elif number % 2:
            yield _ice(f"eth{number}", address, node, nic_queues)
        else:
            yield _mlx5(f"eth{number}", address, node, nic_queues)


def _mlx5(device: str, address: str, node: int, queues: int) -> _Card:
    actions: list[tuple[str, int | None]] = [(f"mlx5_async0@pci:{address}", None)]
    actions += [(f"mlx5_comp{queue}@pci:{address}", queue) for queue in range(queues)]
    return _Card(device, "net", address, node, tuple(actions), managed=False)


def _ice(device: str, address: str, node: int, queues: int) -> _Card:
    actions: list[tuple[str, int | None]] = [(f"ice-{address}:misc", None)]
    actions += [(f"ice-{device}-TxRx-{queue}", queue) for queue in range(queues)]
    return _Card(device, "net", address, node, tuple(actions), managed=False)
