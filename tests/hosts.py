"""Made-up hosts for tests: snapshots that are each other's next, and say the same each time."""

from dataclasses import replace

from irqwatch.collectors.blame import Blame
from irqwatch.collectors.exception import ExceptionCount, ProcessFaults
from irqwatch.collectors.hardirq import HardirqTime
from irqwatch.collectors.napi import NapiCount
from irqwatch.collectors.signal import SignalTime
from irqwatch.collectors.softirq import SoftirqTime
from irqwatch.collectors.syscall import SyscallTime
from irqwatch.collectors.tasklet import TaskletTime
from irqwatch.collectors.thread import ThreadTime
from irqwatch.collectors.timer import TimerTime
from irqwatch.collectors.work import WorkTime
from irqwatch.model.histogram import EMPTY, Histogram, bucket_of
from irqwatch.model.snapshot import (
    SCHEMA,
    CountAndTime,
    CpuCounts,
    CpuTimes,
    Host,
    Line,
    LineDevice,
    Probe,
    Program,
    Snapshot,
    Worst,
)
from irqwatch.model.topology import Cpu, Topology
from tests.probes import a_probe, with_parts

SECOND = 1_000_000_000
HOST = Host("web-7.example", "6.12.9-amd64", "5b3c")
ALL = frozenset({"hardirq", "softirq", "work"})


def histogram(*values_ns: int, times: int = 1) -> Histogram:
    buckets: dict[int, int] = {}
    for value in values_ns:
        bucket = bucket_of(value)
        buckets[bucket] = buckets.get(bucket, 0) + times
    return Histogram(buckets, sum(values_ns) * times)


def topology(cpus: int) -> Topology:
    return Topology({number: Cpu(number, True) for number in range(cpus)})


def cpu_times(tick: int, cpu: int) -> CpuTimes:
    """After ``tick`` seconds of 30 % user or more, 10 % system, 1 % steal, the rest idle."""
    percent = tick * SECOND // 100
    more = 5 * (cpu % 8)
    return CpuTimes(
        user_ns=(25 + more) * percent,
        nice_ns=5 * percent,
        system_ns=10 * percent,
        idle_ns=(55 - more) * percent,
        iowait_ns=4 * percent,
        irq_ns=0,
        softirq_ns=0,
        steal_ns=percent,
    )


def empty(tick: int = 0, cpus: int = 2) -> Snapshot:
    """A host of which only the CPUs are known, ``tick`` seconds after 2023-11-14 22:13:20 UTC."""
    return Snapshot(
        SCHEMA,
        (1000 + tick) * SECOND,
        (1_700_000_000 + tick) * SECOND,
        HOST,
        topology(cpus),
    )


def busy(tick: int = 0, cpus: int = 2) -> Snapshot:
    """A host on which everything is counted and timed; each counter grows evenly."""
    return replace(
        empty(tick, cpus),
        lines=lines(tick, cpus),
        softirq_counts={
            "TIMER": dict.fromkeys(range(cpus), 100 * tick + 1),
            "NET_RX": {0: 50_000 * tick + 9, 1: 3 * tick},
        },
        cpu_times={cpu: cpu_times(tick, cpu) for cpu in range(cpus)},
        devices=(LineDevice(24, "eth0", "net"), LineDevice(25, "nvme0", "nvme")),
        probe=probe(tick, cpus),
    )


def lines(tick: int, cpus: int) -> tuple[Line, ...]:
    everywhere: CpuCounts = dict.fromkeys(range(cpus), 250 * tick + 7)
    return (
        Line("9", 9, {0: 4 * tick + 1}, "IO-APIC", "9", "fasteoi", ("acpi", "i801_smbus")),
        Line("24", 24, {0: 12_000 * tick}, "PCI-MSIX", "1", "edge", ("eth0-TxRx-0",)),
        Line("25", 25, {1: 40 * tick}, "PCI-MSIX", "2", "edge", ("nvme 0 io5 \\x1b[31m",)),
        Line("LOC", None, everywhere, description="Local timer interrupts"),
        Line("ERR", None, {}, total=3),
    )


def probe(tick: int, cpus: int) -> Probe:
    end = (1000 + tick) * SECOND
    return a_probe(
        ALL,
        attached_ns=5 * SECOND,
        hardirqs=(
            HardirqTime(9, "acpi", 0, histogram(9_000, times=tick), 3 * tick, 900 * tick),
            HardirqTime(9, "i801_smbus", 0, Histogram(), 4 * tick, 40_000 * tick),
            HardirqTime(
                24,
                "eth0-TxRx-0",
                0,
                histogram(700, 800, 900, 1_100, 5_000, times=2_400 * tick),
                worst=Worst(48_211, end - SECOND // 4, 0, 812, "nginx"),
            ),
            HardirqTime(
                25,
                "nvme 0 io5 \\x1b[31m",
                1,
                histogram(2_000, 3_000, times=20 * tick),
                worst=Worst(7_000, end - SECOND // 8, 1, 0, "swapper/1"),
            ),
        ),
        softirqs=(
            *(
                SoftirqTime(
                    "TIMER",
                    cpu,
                    histogram(300, times=100 * tick),
                    histogram(1_500, times=100 * tick),
                    worst_run=Worst(1_600 + cpu, end - 9, cpu, 0, "swapper"),
                )
                for cpu in range(cpus)
            ),
            SoftirqTime(
                "NET_RX",
                0,
                histogram(400, 600, 2_000_000, times=10_000 * tick),
                histogram(1_000, 2_000, 3_000, 4_000, 9_000, times=10_000 * tick),
                ksoftirqd_count=5_000 * tick,
                ksoftirqd_ns=20_000_000 * tick,
                worst_latency=Worst(3_100_000, end - SECOND // 2, 0, 812, "nginx"),
                worst_run=Worst(230_000, end - SECOND // 3, 0, 17, "ksoftirqd/0"),
            ),
        ),
        works=(
            WorkTime(
                "vmstat_update",
                "mm_percpu_wq",
                histogram(4_000, times=tick),
                histogram(20_000, times=tick),
                cpus={1: CountAndTime(tick, 20_000 * tick)},
                on_cpu={1: CountAndTime(tick, 20_000 * tick)},
                is_on_cpu_known=True,
            ),
            WorkTime(
                "blk_mq_timeout_work_of_a_very_long_name_indeed",
                "kblockd",
                histogram(90_000, times=5 * tick),
                histogram(1_000_000, times=5 * tick),
                stall_count=2 * tick,
                stall_ns=7_000_000 * tick,
                cpus={0: CountAndTime(5 * tick, 5_000_000 * tick)},
                on_cpu={0: CountAndTime(5 * tick, 1_250_000 * tick)},
                is_on_cpu_known=True,
                worst_run=Worst(1_020_000, end - 50_000, 0, 4242, "kworker/0:1H"),
            ),
        ),
        losses={"softirq": {"exit_without_entry": tick}, "work": {"map_full": 0}},
        programs=(Program("softirq_entry", 0), Program("irq_handler_entry", 2 * tick)),
    )


def busier(tick: int = 0, cpus: int = 2) -> Snapshot:
    """The same, with what the host's programs do to themselves."""
    end = (1000 + tick) * SECOND
    made = busy(tick, cpus)
    assert made.probe
    return replace(
        made,
        probe=with_parts(
            made.probe,
            collectors=ALL | {"timer", "tasklet", "napi"} | {"exception", "signal", "syscall"},
            timers=(
                TimerTime(
                    0,
                    "hard",
                    histogram(900, 2_000, 30_000, times=200 * tick),
                    50 * tick,
                    Worst(41_000, end - SECOND // 5, 0, 812, "nginx"),
                ),
                TimerTime(1, "hard", histogram(3_000, times=40 * tick)),
                TimerTime(1, "soft", histogram(70_000, times=3 * tick)),
            ),
            tasklets=(
                TaskletTime(
                    "ata_sff",
                    0,
                    histogram(700, 9_000, times=20 * tick),
                    Worst(9_900, end - SECOND // 7, 0, 17, "ksoftirqd/0"),
                ),
                TaskletTime("ata_sff", 1, histogram(800, times=tick)),
            ),
            napis=(
                NapiCount("backlog", 1, 3 * tick, 3 * tick, 0),
                NapiCount("eth0", 0, 9_000 * tick, 200_000 * tick, 2_700 * tick),
                NapiCount("eth0", 1, 10 * tick, 20 * tick, 0),
            ),
            exceptions=(
                ExceptionCount("page_fault_user", {0: 900 * tick, 1: 100 * tick}),
                ExceptionCount("page_fault_kernel", {1: 7 * tick}),
            ),
            faulting=(
                ProcessFaults(700, "make", 200 * tick, 5 * tick),
                ProcessFaults(812, "cc1", 450 * tick, 2 * tick),
            ),
            signals=(
                SignalTime(
                    "SIGALRM",
                    "timer",
                    0,
                    20 * tick,
                    5 * tick,
                    histogram(3_000, 40_000, times=7 * tick),
                    Worst(47_000, end - SECOND // 5, 0, 700, "make"),
                ),
                SignalTime("SIGALRM", "timer", 1, 0, 0, histogram(9_000, times=tick)),
                SignalTime("SIGALRM", "user", 1, tick),
                SignalTime("SIGTERM", "user", 1, 0, 0, histogram(SECOND, times=tick)),
            ),
            syscalls=(
                SyscallTime(
                    "read",
                    0,
                    histogram(900, 1_100, times=50 * tick),
                    Worst(SECOND // 2, end - SECOND // 6, 0, 812, "cc1"),
                ),
                SyscallTime("read", 1, histogram(SECOND, times=tick)),
                SyscallTime("futex", 1, histogram(3 * SECOND, times=tick)),
            ),
        ),
    )


def threaded(tick: int = 0, cpus: int = 2) -> Snapshot:
    """A busy host of which interrupts are handled in threads, and take from nginx and from cc1."""
    made = busy(tick, cpus)
    end = made.monotonic_ns
    assert made.probe
    return replace(
        made,
        cgroups={7: "/system.slice/nginx.service"},
        probe=with_parts(
            made.probe,
            collectors=ALL | {"vector", "thread", "blame"},
            irq_threads=(
                ThreadTime(
                    24,
                    "eth0-TxRx-0",
                    0,
                    histogram(4_000, 50_000, times=100 * tick),
                    histogram(9_000, times=200 * tick),
                    Worst(90_000, end - SECOND // 4, 0, 812, "nginx"),
                    Worst(20_000, end - SECOND // 4, 0, 55, "irq/24-eth0"),
                ),
                ThreadTime(24, "eth0-TxRx-0", 1, EMPTY, histogram(7_000, times=tick)),
            ),
            blames=(
                _taking(
                    40 * tick, Blame(812, "nginx", 7, "softirq", "NET_RX", 0, 24, "eth0-TxRx-0")
                ),
                _taking(30 * tick, Blame(812, "nginx", 7, "hardirq", "eth0-TxRx-0", 0, 24, "")),
                _taking(10 * tick, Blame(812, "nginx", 7, "vector", "local_timer", 1)),
                _taking(15 * tick, Blame(900, "cc1", 9, "softirq", "NET_RX", 1)),
                _taking(5 * tick, Blame(None, "", None, "softirq", "", 1)),
            ),
        ),
    )


def _taking(ms: int, part: Blame) -> Blame:
    """As often as it took milliseconds."""
    return replace(part, taken=CountAndTime(ms, ms * SECOND // 1000))
