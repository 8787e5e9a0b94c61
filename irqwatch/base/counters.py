"""What cumulative counters counted between two readings. ``None`` means unknown: a counter is lower
than before and has not wrapped. It was reset, or now counts another thing."""

from collections.abc import Iterable, Mapping, Set
from typing import TypeVar

from irqwatch.model.histogram import EMPTY, Histogram
from irqwatch.model.snapshot import NEVER, CountAndTime, CpuCounts, Worst

Name = TypeVar("Name")

# Counts of /proc/interrupts and /proc/softirqs are "unsigned int" in the kernel (struct irqstat in
# include/linux/irqdesc.h, struct kernel_stat in include/linux/kernel_stat.h).
WRAP = 1 << 32

# Entry and return alone take longer, so no CPU takes interrupts faster than this. A counter that is
# lower than before has wrapped if the steps over the wrap fit into the interval at this pace; else
# it was reset. At one sample a second a reset counter is mistaken for one that wrapped only if it
# stood within 10 million of 2**32.
SHORTEST_INTERRUPT_NS = 100


def steps(current: int, previous: int) -> int | None:
    """Of a counter that never wraps."""
    return current - previous if current >= previous else None


def steps_32bit(current: int, previous: int, interval_ns: int) -> int | None:
    """Of a 32-bit counter, which wraps to zero."""
    if current >= previous:
        return current - previous
    wrapped = current + WRAP - previous
    return wrapped if 0 <= wrapped * SHORTEST_INTERRUPT_NS <= interval_ns else None


def cpu_counts(
    current: CpuCounts, previous: CpuCounts, cpus: Set[int], interval_ns: int
) -> dict[int, int] | None:
    """Of one row of the kernel's 32-bit counters, on ``cpus``; zeros left out. Unknown as a whole
    where one CPU's is: a row is reset as a whole."""
    if current == previous:
        return {}
    counted = {
        cpu: step
        for cpu, now in current.items()
        if (step := now - previous.get(cpu, 0)) and cpu in cpus
    }
    # Rare: a counter is lower than it was, or has become zero, which is left out of ``current``.
    for cpu in [cpu for cpu, step in counted.items() if step < 0] + [*(previous.keys() - current)]:
        step_or_none = steps_32bit(current.get(cpu, 0), previous[cpu], interval_ns)
        if cpu in cpus:
            if step_or_none is None:
                return None
            counted[cpu] = step_or_none
    return counted


def histogram(current: Histogram, previous: Histogram) -> Histogram | None:
    """Bucket by bucket."""
    if current.buckets == previous.buckets:
        return EMPTY if current.sum_ns == previous.sum_ns else None
    before = previous.buckets.get
    buckets = {
        bucket: step for bucket, now in current.buckets.items() if (step := now - before(bucket, 0))
    }
    sum_ns = current.sum_ns - previous.sum_ns
    if (
        sum_ns < 0
        or min(buckets.values(), default=0) < 0
        or previous.buckets.keys() - current.buckets
    ):
        return None
    return Histogram(buckets, sum_ns)


def count_and_time(current: CountAndTime, previous: CountAndTime) -> CountAndTime | None:
    """Of a pair of counters that never wrap."""
    count, ns = current.count - previous.count, current.ns - previous.ns
    return None if count < 0 or ns < 0 else CountAndTime(count, ns)


def by_name(
    current: Mapping[Name, CountAndTime], previous: Mapping[Name, CountAndTime]
) -> dict[Name, CountAndTime] | None:
    """Of each pair, those that counted something. Unknown as a whole where one pair's is."""
    counted = {}
    for name, now in current.items():
        step = count_and_time(now, previous.get(name, NEVER))
        if step is None:
            return None
        if step != NEVER:
            counted[name] = step
    return counted


def counts(current: Mapping[Name, int], previous: Mapping[Name, int]) -> dict[Name, int] | None:
    """Of each counter that never wraps, those that counted something. Unknown as a whole where one
    is."""
    counted = {}
    for name, now in current.items():
        step = now - previous.get(name, 0)
        if step < 0:
            return None
        if step:
            counted[name] = step
    return counted


def positive(current: Mapping[str, int], previous: Mapping[str, int]) -> dict[str, int]:
    """Of counters by name, those that counted something; what went backwards is left out."""
    counted = {name: value - previous.get(name, 0) for name, value in current.items()}
    return {name: step for name, step in sorted(counted.items()) if step > 0}


def longest(worsts: Iterable[Worst]) -> Worst | None:
    """The worst of all CPUs' worst."""
    return max(worsts, key=lambda worst: worst.ns, default=None)
