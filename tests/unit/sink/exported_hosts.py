"""Hosts as the exporter sees them: a small one where every metric has a sample, and large ones."""

from irqwatch.collectors.blame import Blame
from irqwatch.collectors.exception import ExceptionCount
from irqwatch.collectors.hardirq import HardirqTime
from irqwatch.collectors.ipi import IpiAsked, IpiSent
from irqwatch.collectors.napi import NapiCount
from irqwatch.collectors.signal import SignalTime
from irqwatch.collectors.softirq import SoftirqTime
from irqwatch.collectors.syscall import SyscallTime
from irqwatch.collectors.tasklet import TaskletTime
from irqwatch.collectors.thread import ThreadTime
from irqwatch.collectors.timer import TimerTime
from irqwatch.collectors.vector import VectorTime
from irqwatch.collectors.work import WorkCause, WorkTime
from irqwatch.model.histogram import Histogram
from irqwatch.model.snapshot import (
    SCHEMA,
    SOFTIRQ_VECTORS,
    CountAndTime,
    Host,
    Line,
    LineDevice,
    Probe,
    Program,
    Snapshot,
    Softnet,
    Thread,
    Unavailable,
    Worst,
)
from irqwatch.model.topology import Cpu, Topology
from tests.probes import a_probe

SECOND_NS = 10**9
HOST = Host("db1", "6.12.0", "9c1f")

# 13: 239 to 283 ns, 25: 1908 to 2268 ns, 125: above 64 s.
SHORT_AND_LONG = Histogram({13: 3, 25: 2, 125: 1}, 70 * SECOND_NS)


def worst(ns: int) -> Worst:
    return Worst(ns, at_ns=99 * SECOND_NS, cpu=0, pid=0, comm="swapper/0")


def hardirq(irq: int, action: str, cpu: int = 0, **fields: object) -> HardirqTime:
    return HardirqTime(irq, action, cpu, **{"handled": SHORT_AND_LONG, **fields})


def snapshot(at_s: float = 100, **fields: object) -> Snapshot:
    at_ns = int(at_s * SECOND_NS)
    return Snapshot(SCHEMA, monotonic_ns=at_ns, wall_ns=at_ns, host=HOST, **fields)


def probe(*collectors: str, **fields: object) -> Probe:
    return a_probe(collectors, attached_ns=SECOND_NS, **fields)


SMALL = snapshot(
    behind={"usb3": ("sda", "sdb", "sdc")},
    topology=Topology({n: Cpu(n, online=True) for n in (0, 2)}),
    lines=(
        Line("34", 34, {0: 5, 2: 7}, actions=("eth0-rx-0",)),
        Line("16", 16, {2: 1 << 31}, actions=("uhci_hcd:usb3", "i801_smbus")),
        Line("17", 17, {}, actions=("idle",)),
        Line("LOC", None, {0: 1000, 2: 2000}, description="Local timer interrupts"),
        Line("NMI", None, {0: 9}, description="Non-maskable interrupts"),
        Line("PMI", None, {0: 8}, description="Performance monitoring interrupts"),
        Line("ERR", None, {}, total=3),
    ),
    devices=(LineDevice(34, "eth0", "net"), LineDevice(16, "usb3", "pci")),
    softirq_counts={"NET_RX": {0: 11, 2: 12}, "HI": {}},
    softnet=(Softnet(0, 100, 0, 0), Softnet(2, 200, 1, 2)),
    threads=(
        Thread(12, "ksoftirqd/0", "ksoftirqd", SECOND_NS, cpu=0),
        Thread(90, "irq/34-eth0", "irq_thread", 2 * SECOND_NS, irq=34),
        Thread(500, "irqbalance", "irqbalance", 3 * SECOND_NS),
    ),
    probe=probe(
        "hardirq",
        "softirq",
        hardirqs=(
            hardirq(
                34, "eth0-rx-0", 0, worst=worst(5000), softirqs={"NET_RX": CountAndTime(4, 9000)}
            ),
            hardirq(34, "eth0-rx-0", 2, worst=worst(9000)),
            hardirq(16, "i801_smbus", 2, not_mine_count=4, not_mine_ns=4000),
        ),
        softirqs=(
            SoftirqTime(
                "NET_RX",
                0,
                latency=SHORT_AND_LONG,
                run=SHORT_AND_LONG,
                ksoftirqd_count=2,
                ksoftirqd_ns=SECOND_NS,
                worst_latency=worst(7000),
                worst_run=worst(8000),
                interrupt_count=3,
                interrupt_ns=SECOND_NS // 4,
                restarts=1,
                uncaused=CountAndTime(2, 7000),
            ),
            SoftirqTime("NET_RX", 2, run=Histogram({13: 1}, 256)),
            SoftirqTime("HI", 0),
        ),
        works=(
            WorkTime(
                "vmstat_update",
                "mm_percpu_wq",
                latency=SHORT_AND_LONG,
                run=SHORT_AND_LONG,
                stall_count=1,
                stall_ns=SECOND_NS // 2,
                cpus={0: CountAndTime(6, 70 * SECOND_NS)},
                worst_latency=worst(SECOND_NS),
                worst_run=worst(2 * SECOND_NS),
                on_cpu={0: CountAndTime(6, 3 * SECOND_NS)},
                is_on_cpu_known=True,
            ),
        ),
        vectors=(
            VectorTime("local_timer", 0, SHORT_AND_LONG, worst(6000), {"HI": CountAndTime(1, 50)}),
            VectorTime("local_timer", 2, Histogram({13: 1}, 256)),
        ),
        work_causes=(
            WorkCause(34, "eth0-rx-0", "NET_RX", "flush", "events", 0, CountAndTime(2, 800)),
            WorkCause(34, "eth0-rx-0", "", "flush", "events", 0, CountAndTime(1, 200)),
            WorkCause(None, "", "task", "vmstat_update", "mm_percpu_wq", 2, CountAndTime(6, 900)),
        ),
        exceptions=(ExceptionCount("page_fault_user", {0: 5000, 2: 3}),),
        signals=(
            SignalTime("SIGALRM", "timer", 0, 4, 1, SHORT_AND_LONG, worst(9000)),
            SignalTime("SIGALRM", "timer", 2, 3),
        ),
        syscalls=(
            SyscallTime("read", 0, SHORT_AND_LONG, worst(8000)),
            SyscallTime("read", 2, Histogram({13: 1}, 256)),
        ),
        timers=(
            TimerTime(0, "hard", SHORT_AND_LONG, 7, worst(6000)),
            TimerTime(2, "hard", SHORT_AND_LONG),
            TimerTime(2, "soft", Histogram({13: 1}, 256)),
        ),
        tasklets=(
            TaskletTime("ata_sff", 0, SHORT_AND_LONG, worst(4000)),
            TaskletTime("ata_sff", 2, Histogram({13: 1}, 256)),
        ),
        napis=(
            NapiCount("backlog", 0, 5, 6, 0),
            NapiCount("eth0", 0, 20, 640, 3),
            NapiCount("eth0", 2, 1, 64, 1),
        ),
        irq_threads=(
            ThreadTime(34, "eth0-rx-0", 0, SHORT_AND_LONG, SHORT_AND_LONG, worst(70), worst(90)),
            ThreadTime(34, "eth0-rx-0", 2, SHORT_AND_LONG),
        ),
        blames=(
            Blame(7, "nginx", 5, "softirq", "NET_RX", 0, 34, "eth0-rx-0", CountAndTime(3, 9000)),
            Blame(8, "nginx", 5, "softirq", "NET_RX", 2, 34, "eth0-rx-0", CountAndTime(1, 1000)),
            Blame(9, "cc1", 6, "vector", "local_timer", 0, taken=CountAndTime(1, 500)),
            Blame(None, "", None, "hardirq", "", 0, taken=CountAndTime(1, 200)),
        ),
        ipi_sent=(
            IpiSent("call", "flush_tlb_func", "on_each_cpu_cond_mask", 0, 9, 8),
            IpiSent("call", "flush_tlb_func", "on_each_cpu_cond_mask", 2, 1, 1),
            IpiSent("reschedule", "", "wakeup_preempt", 0, 0, 5),
        ),
        ipi_asked=(
            IpiAsked(
                "call",
                "flush_tlb_func",
                2,
                9,
                SHORT_AND_LONG,
                SHORT_AND_LONG,
                worst(9000),
                worst(4000),
            ),
            IpiAsked("call", "flush_tlb_func", 0, 1, Histogram({13: 1}, 256)),
            IpiAsked("reschedule", "", 2, 5),
        ),
        losses={"hardirq": {"map_full": 0}, "softirq": {"entry_overwritten": 2}},
        programs=(Program("irq_entry", 0), Program("softirq_exit", 1, 10, SECOND_NS)),
        read_ns=SECOND_NS // 1000,
    ),
    unavailable=(
        Unavailable("work", "this kernel has no workqueue tracepoints"),
        Unavailable("softnet", "may not be read"),
    ),
    durations_ns={"interrupts": 2 * 10**6, "softnet": 10**5},
    cgroups={5: "/nginx"},
)


def large(cpus: int, lines: int, *, devices: int, works: int, scale: int = 1) -> Snapshot:
    """A host on which everything has happened everywhere, and took much time: nothing is left out.
    All counters are a multiple of ``scale``."""
    every_cpu = {cpu: 10**6 * scale * (cpu + 1) for cpu in range(cpus)}
    spread = Histogram(dict.fromkeys(range(5, 110, 10), scale), 10 * SECOND_NS * scale)
    ten_seconds = CountAndTime(scale, 10 * SECOND_NS * scale)
    rows = tuple(
        Line(str(irq), irq, every_cpu, actions=(f"dev{irq % devices}-q{irq}",))
        for irq in range(lines)
    )
    own = tuple(Line(f"A{row:02}", None, every_cpu) for row in range(20))
    return snapshot(
        100 * scale,
        topology=Topology({n: Cpu(n, online=True) for n in range(cpus)}),
        lines=rows + own,
        devices=tuple(LineDevice(irq, f"dev{irq % devices}", "nvme") for irq in range(lines)),
        softirq_counts=dict.fromkeys(SOFTIRQ_VECTORS, every_cpu),
        softnet=tuple(Softnet(cpu, 10**7 * scale, scale, scale) for cpu in range(cpus)),
        threads=tuple(
            Thread(cpu + 9, f"ksoftirqd/{cpu}", "ksoftirqd", 9 * scale * SECOND_NS, cpu)
            for cpu in range(cpus)
        ),
        probe=probe(
            "hardirq",
            "softirq",
            "work",
            # Four CPUs a line: all that the probe's map has room for.
            hardirqs=tuple(
                HardirqTime(
                    irq,
                    f"dev{irq % devices}-q{irq}",
                    (irq + 7 * turn) % cpus,
                    spread,
                    not_mine_count=scale,
                    not_mine_ns=scale,
                    worst=worst(5000),
                    softirqs={"NET_RX": ten_seconds},
                )
                for irq in range(lines)
                for turn in range(min(4, cpus))
            ),
            softirqs=tuple(
                SoftirqTime(vector, cpu, spread, spread, scale, scale, worst(100), worst(100))
                for vector in SOFTIRQ_VECTORS
                for cpu in range(cpus)
            ),
            works=tuple(
                WorkTime(
                    f"function_{n}",
                    "events",
                    latency=spread,
                    run=spread,
                    stall_count=scale,
                    stall_ns=scale,
                    worst_latency=worst(9),
                    worst_run=worst(9),
                    on_cpu={0: ten_seconds},
                    is_on_cpu_known=True,
                )
                for n in range(works)
            ),
            vectors=tuple(
                VectorTime(vector, cpu, spread, worst(100), {"RCU": ten_seconds})
                for vector in ("local_timer", "reschedule", "call_function", "irq_work")
                for cpu in range(cpus)
            ),
            work_causes=tuple(
                WorkCause(
                    irq,
                    f"dev{irq % devices}-q{irq}",
                    "",
                    "flush",
                    "events",
                    0,
                    ten_seconds,
                )
                for irq in range(lines)
            ),
            timers=tuple(
                TimerTime(cpu, mode, spread, scale, worst(100))
                for mode in ("hard", "soft")
                for cpu in range(cpus)
            ),
            napis=tuple(
                NapiCount(f"dev{n}", cpu, scale, 10**7 * scale, scale)
                for n in range(devices)
                for cpu in range(min(4, cpus))
            ),
            signals=tuple(
                SignalTime(f"SIG{n}", "user", 0, 10**7 * scale, 0, spread, worst(100))
                for n in range(20)
            ),
            losses={"hardirq": dict.fromkeys(("map_full", "exit_without_entry"), 0)},
            programs=tuple(Program(f"program_{n}", 0) for n in range(9)),
        ),
        durations_ns=dict.fromkeys(("interrupts", "softirqs"), SECOND_NS // 100),
    )
