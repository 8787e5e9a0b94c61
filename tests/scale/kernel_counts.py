"""What the kernel itself counts of the same events: /proc/interrupts, softirqs, stat, softnet."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from irqwatch.model.snapshot import SOFTIRQ_VECTORS, CpuCounts, CpuTimes, Line, Softnet, Thread
from tests.scale.machine import Machine

TICK_NS = 10**7  # USER_HZ is 100

# The rows of x86 that count on every CPU: how often a second, by themselves.
ARCHITECTURE_ROWS = (
    ("NMI", "Non-maskable interrupts", 0.05),
    ("LOC", "Local timer interrupts", 0.0),
    ("SPU", "Spurious interrupts", 0.0),
    ("PMI", "Performance monitoring interrupts", 0.05),
    ("IWI", "IRQ work interrupts", 1.5),
    ("RTR", "APIC ICR read retries", 0.0),
    ("RES", "Rescheduling interrupts", 0.0),
    ("CAL", "Function call interrupts", 0.0),
    ("TLB", "TLB shootdowns", 12.0),
    ("TRM", "Thermal event interrupts", 0.0),
    ("THR", "Threshold APIC interrupts", 0.0),
    ("DFR", "Deferred Error APIC interrupts", 0.0),
    ("MCE", "Machine check exceptions", 0.0),
    ("MCP", "Machine check polls", 0.003),
    ("PIN", "Posted-interrupt notification event", 0.0),
    ("NPI", "Nested posted-interrupt event", 0.0),
    ("PIW", "Posted-interrupt wakeup event", 0.0),
)
ONE_NUMBER_ROWS = ("ERR", "MIS")

# A CPU has several kernel threads of its own; ksoftirqd is one of them.
FIRST_KSOFTIRQD = 16
THREADS_A_CPU = 5


def ksoftirqd_pid(cpu: int) -> int:
    return FIRST_KSOFTIRQD + THREADS_A_CPU * cpu


class KernelCounts:
    """Cumulative since boot, so more than the probe has seen."""

    def __init__(self, machine: Machine, rng: Random) -> None:
        self._machine = machine
        self._rng = rng
        self._cpus = tuple(machine.topology.cpus)
        self._seconds = float(rng.randrange(10**6, 4 * 10**6))
        self._lines: dict[int, dict[int, int]] = {}
        self._softirqs: dict[str, dict[int, int]] = {vector: {} for vector in SOFTIRQ_VECTORS}
        self._rows = {label: dict[int, int]() for label, _, _ in ARCHITECTURE_ROWS}
        self._hardirq_ns = dict.fromkeys(self._cpus, 0)
        self._softirq_ns = dict.fromkeys(self._cpus, 0)
        self._advance_rows(self._seconds / 1_000)

    def add_line(self, irq: int, cpu: int, count: int, ns: int) -> None:
        """Interrupts of a line; the first time also those of before the probe."""
        by_cpu = self._lines.setdefault(irq, {})
        if count:
            by_cpu[cpu] = by_cpu.get(cpu, self._rng.randrange(10**8)) + count
        self._hardirq_ns[cpu] += ns

    def add_vector(self, label: str, cpu: int, count: int, ns: int) -> None:
        """Interrupts of the architecture's own; the first time also those of before the probe."""
        by_cpu = self._rows[label]
        if count:
            by_cpu[cpu] = by_cpu.get(cpu, self._rng.randrange(10**8)) + count
        self._hardirq_ns[cpu] += ns

    def add_softirq(self, vector: str, cpu: int, count: int, ns: int) -> None:
        """Softirqs of a vector; the first time also those of before the probe."""
        by_cpu = self._softirqs[vector]
        if count:
            by_cpu[cpu] = by_cpu.get(cpu, self._rng.randrange(10**8)) + count
        self._softirq_ns[cpu] += ns

    def advance(self, seconds: float) -> None:
        self._seconds += seconds
        self._advance_rows(seconds)

    def _advance_rows(self, seconds: float) -> None:
        for label, _, rate in ARCHITECTURE_ROWS:
            by_cpu = self._rows[label]
            for cpu in self._cpus if rate else ():
                count = int(rate * seconds * self._rng.uniform(0.5, 1.5) + self._rng.random())
                if count:
                    by_cpu[cpu] = by_cpu.get(cpu, 0) + count

    def lines(self) -> tuple[Line, ...]:
        counted = [
            replace(queue.line, counts=dict(self._lines.get(queue.line.irq or 0, {})))
            for queue in self._machine.queues
        ]
        counted += [
            Line(label, None, dict(self._rows[label]), description=description)
            for label, description, _ in ARCHITECTURE_ROWS
        ]
        counted += [Line(label, None, {}, total=0) for label in ONE_NUMBER_ROWS]
        return tuple(counted)

    def softirqs(self) -> Mapping[str, CpuCounts]:
        return {vector: dict(sorted(by_cpu.items())) for vector, by_cpu in self._softirqs.items()}

    def cpu_times(self) -> dict[int, CpuTimes]:
        """With CONFIG_IRQ_TIME_ACCOUNTING, as distributions build their kernels."""
        return {cpu: self._times_of(cpu) for cpu in self._cpus}

    def _times_of(self, cpu: int) -> CpuTimes:
        irq_ns = self._hardirq_ns[cpu] // TICK_NS * TICK_NS
        softirq_ns = self._softirq_ns[cpu] // TICK_NS * TICK_NS
        rest = max(0, int(self._seconds * 100) - (irq_ns + softirq_ns) // TICK_NS)
        user, system = rest * (20 + cpu % 30) // 100, rest * 12 // 100
        return CpuTimes(
            user_ns=user * TICK_NS,
            nice_ns=0,
            system_ns=system * TICK_NS,
            idle_ns=(rest - user - system) * TICK_NS,
            iowait_ns=0,
            irq_ns=irq_ns,
            softirq_ns=softirq_ns,
            steal_ns=0,
        )

    def softnet(self) -> tuple[Softnet, ...]:
        received = self._softirqs["NET_RX"]
        return tuple(
            Softnet(
                cpu=cpu,
                processed=4 * received.get(cpu, 0) & 0xFFFFFFFF,
                dropped=0,
                time_squeeze=received.get(cpu, 0) // 10_000,
                received_rps=0,
                flow_limit=0,
                backlog=0,
            )
            for cpu in self._cpus
        )

    def threads(self) -> tuple[Thread, ...]:
        """In order of pid."""
        of_cpus = [
            Thread(
                pid=ksoftirqd_pid(cpu),
                name=f"ksoftirqd/{cpu}",
                kind="ksoftirqd",
                cpu_ns=self._softirq_ns[cpu] // 200 // TICK_NS * TICK_NS,
                cpu=cpu,
            )
            for cpu in self._cpus
        ]
        balance_ns = int(self._seconds) * TICK_NS // 10 // TICK_NS * TICK_NS
        last = ksoftirqd_pid(len(self._cpus))
        return (*of_cpus, Thread(last, "irqbalance", "irqbalance", balance_ns))
