"""A host that never was, as files that irqbalance reads and writes in place of /proc and /sys, and
the time that goes by on it.

Only interrupts use its CPUs, evenly. Its accounting is better than any kernel's: /proc/stat has all
of their time, and a change of affinity holds at once.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from irqwatch.errors import ParseError
from irqwatch.parse import cpumask

NS = 10**9
TICK_NS = NS // 100  # USER_HZ

# On the host: below the folder.
MOUNTS = {
    "/proc/interrupts": "interrupts",
    "/proc/stat": "stat",
    "/proc/irq": "irq",
    "/sys/devices/system/cpu": "cpu",
    "/sys/devices/system/node": "node",
    "/sys/bus/pci/devices": "pci",
}

# irqbalance takes a line for a network card's, and gives it to one core, by the PCI class.
NETWORK_CARD = {
    "vendor": "0x8086",
    "device": "0x1572",
    "subsystem_vendor": "0x8086",
    "subsystem_device": "0x0001",
    "class": "0x020000",
}


@dataclass(frozen=True, slots=True)
class Interrupt:
    irq: int
    rate: float  # a second
    cost_ns: float  # of one, wherever it runs
    cpu: int  # where it runs at the start

    @property
    def load(self) -> float:
        """The share of one CPU's time, 0 to 1."""
        return self.rate * self.cost_ns / NS


@dataclass(frozen=True, slots=True)
class Host:
    """``cpus`` CPUs of one node and one package, each with a cache of its own, and one network
    card with all of the interrupts."""

    name: str
    cpus: int
    interrupts: tuple[Interrupt, ...]

    @property
    def loads(self) -> Mapping[int, float]:
        return {of.irq: of.load for of in self.interrupts}


class FakeHost:
    """``host`` below ``folder``, which is empty. ``cpu_of`` is where each interrupt runs now."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host = host
        self.folder = folder
        self.cpu_of = {of.irq: of.cpu for of in host.interrupts}
        self._counts = {of.irq: [0.0] * host.cpus for of in host.interrupts}
        self._busy_ns = [0.0] * host.cpus
        for path, text in self._settled_files():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        self._write_counters()

    def advance(self, seconds: float) -> int:
        """Lets time go by with the affinities as they are now. Returns how many interrupts have
        another CPU than before."""
        before = dict(self.cpu_of)
        for irq, cpu in before.items():
            self.cpu_of[irq] = self._target(irq, cpu)
        for of in self.host.interrupts:
            cpu = self.cpu_of[of.irq]
            self._counts[of.irq][cpu] += of.rate * seconds
            self._busy_ns[cpu] += of.load * seconds * NS
        self._write_counters()
        return sum(cpu != before[irq] for irq, cpu in self.cpu_of.items())

    def _target(self, irq: int, now: int) -> int:
        """arch/x86/kernel/apic/vector.c, assign_vector_locked: an interrupt stays where it is if
        it may, else goes to the CPU of the mask that has the fewest (matrix_find_best_cpu)."""
        try:
            mask = cpumask.parse((self.folder / f"irq/{irq}/smp_affinity").read_bytes())
        except ParseError:  # is being written
            return now
        if now in mask:
            return now
        taken = list(self.cpu_of.values())
        return min(mask, key=lambda cpu: (taken.count(cpu), cpu))

    def _settled_files(self) -> Iterator[tuple[str, str]]:
        """Those that only irqbalance writes, or nobody."""
        cpus = self.host.cpus
        everywhere = _mask((1 << cpus) - 1)
        for name in ("online", "possible", "present"):
            yield f"cpu/{name}", f"0-{cpus - 1}\n"
        for name in ("isolated", "nohz_full"):
            yield f"cpu/{name}", "\n"
        for cpu in range(cpus):
            yield f"cpu/cpu{cpu}/online", "1\n"
            yield f"cpu/cpu{cpu}/topology/physical_package_id", "0\n"
            yield f"cpu/cpu{cpu}/topology/core_siblings", everywhere
            # With one cache for all, irqbalance places once and ends.
            for level in range(3):
                yield f"cpu/cpu{cpu}/cache/index{level}/shared_cpu_map", _mask(1 << cpu)
            yield f"cpu/cpu{cpu}/node0/cpumap", everywhere
        yield "node/online", "0\n"
        yield "node/node0/cpumap", everywhere
        yield "node/node0/cpulist", f"0-{cpus - 1}\n"
        yield "node/node0/distance", "10\n"
        card = "pci/0000:01:00.0"
        for name, text in NETWORK_CARD.items():
            yield f"{card}/{name}", f"{text}\n"
        yield f"{card}/numa_node", "0\n"
        yield f"{card}/local_cpus", everywhere
        for of in self.host.interrupts:
            yield f"{card}/msi_irqs/{of.irq}", "msix\n"
            yield f"irq/{of.irq}/smp_affinity", everywhere
            yield f"irq/{of.irq}/affinity_hint", _mask(0)
            yield f"irq/{of.irq}/node", "0\n"

    def _write_counters(self) -> None:
        _overwrite(self.folder / "interrupts", self._interrupts())
        _overwrite(self.folder / "stat", self._stat())

    def _interrupts(self) -> str:
        rows = ["           " + "".join(f"CPU{cpu:<8}" for cpu in range(self.host.cpus))]
        for irq, counts in self._counts.items():
            columns = " ".join(f"{int(count):10}" for count in counts)
            rows.append(f"{irq:>4}: {columns} PCI-MSIX-0000:01:00.0 {irq:>4}-edge      eth0-{irq}")
        return "\n".join(rows) + "\n"

    def _stat(self) -> str:
        """irqbalance adds the columns irq and softirq, so all of the time is in one of them."""
        ticks = [int(ns // TICK_NS) for ns in self._busy_ns]
        rows = [f"cpu  0 0 0 0 0 {sum(ticks):012} 0 0 0 0"]
        rows += [f"cpu{cpu} 0 0 0 0 0 {of:012} 0 0 0 0" for cpu, of in enumerate(ticks)]
        return "\n".join(rows) + "\nintr 0\n"


def _mask(bits: int) -> str:
    """lib/vsprintf.c, %*pb: groups of 32 bits, the highest first."""
    groups = max(1, -(-bits.bit_length() // 32))
    words = (f"{bits >> 32 * group & 0xFFFFFFFF:08x}" for group in reversed(range(groups)))
    return ",".join(words) + "\n"


def _overwrite(path: Path, text: str) -> None:
    """In place: the file is mounted elsewhere. The length is always the same, so a reader never
    finds a part of it."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.pwrite(file, text.encode(), 0)
    finally:
        os.close(file)
