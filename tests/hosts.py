"""Made-up hosts for tests: snapshots that are each other's next, and say the same each time."""

from dataclasses import replace

from irqwatch.model.histogram import Histogram, bucket_of
from irqwatch.model.snapshot import (
    SCHEMA,
    CountAndTime,
    CpuCounts,
    CpuTimes,
    HardirqTime,
    Host,
    Line,
    LineDevice,
    Probe,
    Program,
    Snapshot,
    SoftirqTime,
    WorkTime,
    Worst,
)
from irqwatch.model.topology import Cpu, Topology

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
    return Probe(
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
            ),
            WorkTime(
                "blk_mq_timeout_work_of_a_very_long_name_indeed",
                "kblockd",
                histogram(90_000, times=5 * tick),
                histogram(1_000_000, times=5 * tick),
                stall_count=2 * tick,
                stall_ns=7_000_000 * tick,
                cpus={0: CountAndTime(5 * tick, 5_000_000 * tick)},
                worst_run=Worst(1_020_000, end - 50_000, 0, 4242, "kworker/0:1H"),
            ),
        ),
        losses={"softirq": {"exit_without_entry": tick}, "work": {"map_full": 0}},
        programs=(Program("softirq_entry", 0), Program("irq_handler_entry", 2 * tick)),
    )
