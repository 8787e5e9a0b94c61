"""Many into few, so that a scrape of the largest host stays small: histograms to a few bounds,
lines to devices, CPUs to sums, and names without end to "other". All counters stay monotonic."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from itertools import accumulate
from operator import lt
from typing import Literal

from irqwatch.base.counters import cpu_counts
from irqwatch.model.histogram import BUCKETS, FIRST_EDGE, Histogram
from irqwatch.model.snapshot import CpuCounts

# In octaves from one second, 238 ns to 1 s: each bound is the upper edge of a bucket.
_BOUNDS = range(-22, 1, 2)
BOUNDS_SECONDS = tuple(2.0**octaves for octaves in _BOUNDS)
_BOUND_OF_BUCKET = tuple(
    sum(bucket > 4 * octaves - FIRST_EDGE for octaves in _BOUNDS) for bucket in range(BUCKETS)
)

OTHER = "other"

LINES_SHOWN_APART = 256
DEVICES_SHOWN_APART = 64
CPUS_SHOWN_APART = 64
TIMER_CPUS_SHOWN_APART = 16  # a histogram is fifteen series
LINE_CPU_PAIRS = 2048

Labels = tuple[str, ...]
Vector = tuple[int, ...]
HistogramDetail = Literal["auto", "line", "device"]


@dataclass(frozen=True, slots=True)
class Detail:
    """How finely a host is shown; decided once, so that series do not change their shape."""

    by_line: bool  # hard interrupts by line and action, else by device
    lines: int  # at most so many of them apart
    cpus_per_line: int  # a line that fired on more is summed over CPUs
    by_cpu: bool  # architecture rows and softirq counts by CPU, else summed
    timers_by_cpu: bool  # their histograms by CPU, else one


def choose_detail(lines: int, cpus: int, histograms: HistogramDetail = "auto") -> Detail:
    """The detail that fits a host of so many lines and CPUs."""
    by_line = histograms == "line" or (histograms == "auto" and lines <= LINES_SHOWN_APART)
    return Detail(
        by_line=by_line,
        # Twice, for lines that several devices share and for those that are added later.
        lines=2 * max(lines, LINES_SHOWN_APART) if by_line else DEVICES_SHOWN_APART,
        cpus_per_line=max(1, LINE_CPU_PAIRS // max(1, lines)),
        by_cpu=cpus <= CPUS_SHOWN_APART,
        timers_by_cpu=cpus <= TIMER_CPUS_SHOWN_APART,
    )


def to_bounds(histogram: Histogram) -> Vector:
    """How many values were not above each of BOUNDS_SECONDS, then how many there were, then their
    sum in nanoseconds."""
    counts = [0] * (len(_BOUNDS) + 1)
    for bucket, count in histogram.buckets.items():
        counts[_BOUND_OF_BUCKET[bucket]] += count
    return (*accumulate(counts), histogram.sum_ns)


NOTHING_TO_BOUNDS = to_bounds(Histogram())


def add(one: Vector, other: Vector) -> Vector:
    return tuple(map(int.__add__, one, other))


class Groups:
    """Sums of counters by group, of which at most ``limit`` exist apart: what comes later goes to
    ``other``, and stays there. When a member goes, or starts again from zero, the sum does not
    fall: Prometheus would take a fall for a restart and count the whole sum again."""

    def __init__(self, limit: int, other: Labels) -> None:
        self._limit = limit
        self._other = other
        self._group_of: dict[Labels, Labels] = {}
        self._last: dict[Labels, Vector] = {}
        self._sums: dict[Labels, Vector] = {}

    def update(self, members: Mapping[Labels, tuple[Labels, Vector]]) -> dict[Labels, Vector]:
        """The sum of each group, from member → (its group, its counters). A member that is gone
        is forgotten, and so is a group that has none."""
        group_of, last = self._group_of, self._last
        self._group_of, self._last = {}, {}
        in_use = {group_of.get(member, wanted) for member, (wanted, _) in members.items()}
        for gone in self._sums.keys() - in_use - {self._other}:
            del self._sums[gone]
        for member, (wanted, counters) in members.items():
            group = group_of.get(member) or self._admit(wanted)
            self._group_of[member] = group
            self._last[member] = counters
            before = self._sums.get(group)
            if before and counters == last.get(member):
                continue
            growth = _growth(counters, last.get(member))
            self._sums[group] = add(before, growth) if before else growth
        return dict(self._sums)

    def group(self, member: Labels) -> Labels:
        """Where a member of the last update was counted."""
        return self._group_of[member]

    def _admit(self, group: Labels) -> Labels:
        shown_apart = len(self._sums.keys() - {self._other})
        return group if group in self._sums or shown_apart < self._limit else self._other


def _growth(counters: Vector, last: Vector | None) -> Vector:
    if last is None or any(map(lt, counters, last)):
        return counters
    return tuple(map(int.__sub__, counters, last))


class CpuSums:
    """Sums over CPUs of the kernel's 32-bit counters. When a counter wraps or a CPU goes offline
    the sum does not fall: Prometheus would take a fall for a restart and count the whole sum again.
    What is unknown (``irqwatch.base.counters``: a counter that was reset, a CPU that came) adds
    nothing."""

    def __init__(self) -> None:
        self._rows: dict[Labels, tuple[int, CpuCounts, Set[int]]] = {}

    def __contains__(self, row: Labels) -> bool:
        return row in self._rows

    def update(self, row: Labels, counts: CpuCounts, cpus: Set[int], interval_ns: int) -> int:
        """The sum of ``row``; ``cpus`` are those that it has a column for."""
        if row not in self._rows:
            total = sum(counts.values())
        else:
            total, last, last_cpus = self._rows[row]
            steps = cpu_counts(counts, last, cpus & last_cpus, interval_ns)
            total += sum((steps or {}).values())
        self._rows[row] = total, counts, cpus
        return total

    def keep_only(self, rows: Iterable[Labels]) -> None:
        """Forget the rows that the kernel no longer has."""
        for gone in self._rows.keys() - set(rows):
            del self._rows[gone]


def by_cpu(
    sums: CpuSums,
    row: Labels,
    counts: CpuCounts,
    cpus: Set[int],
    interval_ns: int,
    *,
    many: bool,
) -> dict[Labels, float]:
    """A sample a CPU; their sum where they are ``many``, or once were."""
    if row in sums or (counts and many):
        return {(*row, ""): sums.update(row, counts, cpus, interval_ns)}
    return {(*row, str(cpu)): count for cpu, count in counts.items() if count}


class LongestLately:
    """The longest event by key in the last one to two minutes of snapshots, however often and by
    however many they are asked for."""

    PERIOD_NS = 60 * 10**9

    def __init__(self) -> None:
        self._period = 0
        self._previous: dict[tuple[str, Labels], int] = {}
        self._current: dict[tuple[str, Labels], int] = {}

    def update(
        self, now_ns: int, events: Mapping[tuple[str, Labels], int]
    ) -> dict[tuple[str, Labels], int]:
        """The longest by key, from the longest by key since the last update; in nanoseconds."""
        period = now_ns // self.PERIOD_NS
        if period != self._period:
            self._previous = self._current if period == self._period + 1 else {}
            self._current = {}
            self._period = period
        for key, ns in events.items():
            self._current[key] = max(ns, self._current.get(key, 0))
        longest = dict(self._previous)
        for key, ns in self._current.items():
            longest[key] = max(ns, longest.get(key, 0))
        return longest
