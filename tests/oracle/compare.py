"""The probe's numbers beside the reference's, and how far they may differ: no further than shown.

Every value has bounds (tests/oracle/bounds.py), so for each edge of the histogram

    values below it for certain <= the probe's count below it <= values that may be below it

They differ by the values whose bounds straddle the edge. A quantile is compared with that of values
which stand between their bounds all at the same relative place: where their sum is the probe's.

A reading of the probe takes a millisecond while events go on. So the probe is read several times
before and after the load, and each series is compared between two readings during which it was
quiet: then the events between them are known exactly.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from irqwatch.model.histogram import Histogram
from irqwatch.model.snapshot import Probe, Worst
from tests.events import Event
from tests.oracle.bounds import Bounded, Bounds, between_bounds
from tests.oracle.reference import (
    EDGES_NS,
    NO_CAUSE,
    Distribution,
    Reference,
    Series,
    Span,
    distribution,
)

# The hypervisor may take the CPU away for this long between an event's two times.
LONGEST_PAUSE_NS = 10**9

# Where values are few, in a tail, neighbours in rank are several buckets apart.
RANKS = 0.005

NOTHING = Distribution(0, 0, {})


class Reading(NamedTuple):
    """A read of the probe, which took place somewhere between the two times."""

    before_ns: int
    after_ns: int
    counted: Mapping[Series, Distribution]
    worsts: Mapping[Series, Worst]


class Row(NamedTuple):
    """One series compared. ``unraised`` are softirqs whose raise the ring buffer has not got;
    ``outside`` are the values that no bounds explain; the last two are in buckets."""

    series: Series
    events: int
    count_difference: int
    unraised: int
    outside: int
    straddling: int
    low_ns: int  # the sum is at least, …
    sum_ns: int  # … is, …
    high_ns: int  # … and is at most
    p50_difference: int
    p99_difference: int

    @property
    def is_equal(self) -> bool:
        """The kernel runs no softirq that was not raised: where the ring buffer has not got the
        raise, the probe may have it or not."""
        if self.series[0] == "cause":  # then the one has a cause, and the other none
            return abs(self.count_difference) <= self.unraised
        return 0 <= self.count_difference <= self.unraised

    @property
    def sum_is_possible(self) -> bool:
        """Of as many values."""
        return bool(self.count_difference) or self.low_ns <= self.sum_ns <= self.high_ns


def counted(probe: Probe) -> dict[Series, Distribution]:
    """The probe's counters as the reference's series; without buckets where it keeps none."""
    found: dict[Series, Distribution] = {}
    for h in probe.parts["hardirqs"]:
        line = ("hardirq", h.irq, h.action, h.cpu)
        found[(*line, "handled")] = from_histogram(h.handled)
        found[(*line, "not_mine")] = Distribution(h.not_mine_count, h.not_mine_ns, {})
    for s in probe.parts["softirqs"]:
        vector = ("softirq", s.vector, s.cpu)
        found[(*vector, "latency")] = from_histogram(s.latency)
        found[(*vector, "run")] = from_histogram(s.run)
        found[(*vector, "ksoftirqd")] = Distribution(s.ksoftirqd_count, s.ksoftirqd_ns, {})
    for w in probe.parts["works"]:
        work = ("work", w.function, w.workqueue)
        found[(*work, "latency")] = from_histogram(w.latency)
        found[(*work, "run")] = from_histogram(w.run)
        found[(*work, "stall")] = Distribution(w.stall_count, w.stall_ns, {})
        for cpu, part in w.cpus.items():
            found[(*work, cpu, "run")] = Distribution(part.count, part.ns, {})
        for cpu, part in w.on_cpu.items():
            found[(*work, cpu, "on_cpu")] = Distribution(part.count, part.ns, {})
    for v in probe.parts["vectors"]:
        found["vector", v.vector, v.cpu, "run"] = from_histogram(v.run)
    found |= caused(probe)
    return {series: counts for series, counts in found.items() if counts.events or counts.sum_ns}


def expected(series: Mapping[Series, list[Span]]) -> dict[Series, Distribution]:
    """The reference's series as the probe keeps them: some without a histogram, and to the time of
    the runs that an interrupt caused what was polled for it in those of others."""
    found: dict[Series, Distribution] = {}
    for key in series:
        kept = (*key[:-1], "run") if key[-1] == "polled" else key
        own = distribution([span.ns for span in series.get(kept, ())])
        polled = series.get((*kept[:-1], "polled"), ()) if kept[0] == "cause" else ()
        sum_ns = own.sum_ns + sum(span.ns for span in polled)
        found[kept] = Distribution(own.events, sum_ns, own.buckets if has_buckets(kept) else {})
    return {key: counts for key, counts in found.items() if counts.events or counts.sum_ns}


def caused(probe: Probe) -> dict[Series, Distribution]:
    """What followed from which interrupt."""
    found: dict[Series, Distribution] = {}
    for interrupt, cpu, softirqs in (
        *(((h.irq, h.action), h.cpu, h.softirqs) for h in probe.parts["hardirqs"]),
        *(((-1, v.vector), v.cpu, v.softirqs) for v in probe.parts["vectors"]),
    ):
        for vector, part in softirqs.items():
            key = ("cause", *interrupt, "softirq", vector, cpu, "run")
            found[key] = Distribution(part.count, part.ns, {})
    for s in probe.parts["softirqs"]:
        key = ("cause", *NO_CAUSE, "softirq", s.vector, s.cpu, "run")
        found[key] = Distribution(s.uncaused.count, s.uncaused.ns, {})
    for w in probe.parts["work_causes"]:
        irq = -1 if w.irq is None else w.irq
        what = ("work", w.via, w.function, w.workqueue, w.cpu, "run")
        found[("cause", irq, w.cause, *what)] = Distribution(w.runs.count, w.runs.ns, {})
    return found


def has_buckets(series: Series) -> bool:
    """Whether the probe keeps a histogram of it."""
    per_cpu_work = series[0] == "work" and len(series) == 5
    is_cause = series[0] == "cause"
    return series[-1] in ("handled", "latency", "run") and not per_cpu_work and not is_cause


def worsts(probe: Probe) -> dict[Series, Worst]:
    """The probe's worst events. A hard interrupt's is of handled and not mine together."""
    found: dict[Series, Worst | None] = {}
    for h in probe.parts["hardirqs"]:
        found["hardirq", h.irq, h.action, h.cpu] = h.worst
    for s in probe.parts["softirqs"]:
        found["softirq", s.vector, s.cpu, "latency"] = s.worst_latency
        found["softirq", s.vector, s.cpu, "run"] = s.worst_run
    for v in probe.parts["vectors"]:
        found["vector", v.vector, v.cpu, "run"] = v.worst
    for w in probe.parts["works"]:
        found["work", w.function, w.workqueue, "latency"] = w.worst_latency
        found["work", w.function, w.workqueue, "run"] = w.worst_run
    return {series: worst for series, worst in found.items() if worst}


def worst_series(series: Mapping[Series, list[Span]]) -> dict[Series, list[Span]]:
    """The reference's spans by the keys of ``worsts``."""
    found: dict[Series, list[Span]] = defaultdict(list)
    for key, spans in series.items():
        if key[0] == "hardirq":
            found[key[:-1]] += spans
        elif has_buckets(key):
            found[key] = spans
    return found


def from_histogram(histogram: Histogram) -> Distribution:
    return Distribution(histogram.count, histogram.sum_ns, dict(histogram.buckets))


def compare(
    reference: Reference,
    latest: Mapping[Event, int],
    readings: Sequence[Reading],
    load_ns: tuple[int, int],
) -> tuple[list[Row], list[Series]]:
    """A row for each series that could be compared over the whole load, and those that were busy
    during every reading before it or every one after."""
    rows, busy = [], []
    for key in sorted(reference.series.keys() | readings[-1].counted.keys(), key=str):
        spans = Bounded(reference.series.get(key, ()), latest)
        quiet = [
            reading for reading in readings if spans.is_quiet(reading.before_ns, reading.after_ns)
        ]
        before = [reading for reading in quiet if reading.after_ns < load_ns[0]]
        after = [reading for reading in quiet if reading.before_ns > load_ns[1]]
        if before and after:
            unraised = reference.unraised.get(raise_series(key), ())
            rows.append(compare_series(key, spans, unraised, before[-1], after[0]))
        else:
            busy.append(key)
    return rows, busy


def raise_series(key: Series) -> Series:
    """The waiting times of the raises that the series depends on."""
    of_softirq = key[0] == "cause" and key[3] == "softirq"
    return (*key[3:-1], "latency") if of_softirq else key


def compare_series(
    key: Series, spans: Bounded, unraised: Iterable[Event], start: Reading, end: Reading
) -> Row:
    """The probe's counts between two readings beside the spans that ended between them."""
    limits = spans.bounds[spans.ended(start.after_ns, end.before_ns)]
    probe = difference(end.counted.get(key, NOTHING), start.counted.get(key, NOTHING))
    lows = distribution([b.low_ns for b in limits])
    highs = distribution([b.high_ns for b in limits])
    likely = distribution(between_bounds(limits, probe.sum_ns))
    count_difference = probe.events - len(limits)
    comparable = bool(has_buckets(key) and limits and not count_difference)
    return Row(
        series=key,
        events=len(limits),
        count_difference=count_difference,
        unraised=sum(start.before_ns < event.time_ns < end.after_ns for event in unraised),
        outside=outside(probe.buckets, lows.buckets, highs.buckets) if comparable else 0,
        straddling=straddling(limits) if comparable else 0,
        low_ns=lows.sum_ns,
        sum_ns=probe.sum_ns,
        high_ns=highs.sum_ns,
        p50_difference=quantile_difference(probe, likely, 0.5) if comparable else 0,
        p99_difference=quantile_difference(probe, likely, 0.99) if comparable else 0,
    )


def difference(after: Distribution, before: Distribution) -> Distribution:
    """What came between two reads."""
    buckets = {
        bucket: count - before.buckets.get(bucket, 0) for bucket, count in after.buckets.items()
    }
    return Distribution(
        after.events - before.events,
        after.sum_ns - before.sum_ns,
        {bucket: count for bucket, count in buckets.items() if count},
    )


def outside(found: Mapping[int, int], lows: Mapping[int, int], highs: Mapping[int, int]) -> int:
    """By how many the count below an edge is beyond what the bounds allow, at the worst edge."""
    return max(
        max(certain - here, here - possible, 0)
        for certain, here, possible in zip(below(highs), below(found), below(lows), strict=True)
    )


def below(buckets: Mapping[int, int]) -> list[int]:
    """Counts below each edge but the first."""
    return list(accumulate(buckets.get(bucket, 0) for bucket in range(len(EDGES_NS))))


def straddling(limits: Iterable[Bounds]) -> int:
    """How many have bounds in two buckets or more."""
    return sum(
        bisect_right(EDGES_NS, b.low_ns) != bisect_right(EDGES_NS, b.high_ns) for b in limits
    )


def quantile_difference(probe: Distribution, likely: Distribution, quantile: float) -> int:
    """In buckets, from the nearest of the likely ones within half a percent of all ranks."""
    found = quantile_bucket(probe.buckets, quantile)
    low = quantile_bucket(likely.buckets, quantile - RANKS)
    high = quantile_bucket(likely.buckets, quantile + RANKS)
    return found - min(max(found, low), high)


def quantile_bucket(buckets: Mapping[int, int], quantile: float) -> int:
    """The bucket of the value with that rank."""
    rank = quantile * sum(buckets.values())
    counts = below(buckets)
    return next(bucket for bucket, count in enumerate(counts) if count >= rank)


def wrong_worsts(
    series: Mapping[Series, list[Span]], latest: Mapping[Event, int], readings: Sequence[Reading]
) -> tuple[int, list[str]]:
    """How many worst events the probe reported in ``readings``, and what is wrong with any: it must
    be an event of its interval, and none that is longer for certain may be in that interval."""
    checked, wrong = 0, []
    for key, spans in worst_series(series).items():
        bounded = Bounded(spans, latest)
        for start, end in pairwise(readings):
            worst = end.worsts.get(key)
            checked += worst is not None
            problem = wrong_worst(worst, bounded, start, end)
            if problem:
                wrong.append(f"{key}: {problem}")
    return checked, wrong


def wrong_worst(worst: Worst | None, spans: Bounded, start: Reading, end: Reading) -> str:
    """What is wrong with the worst event of the interval that ended at the reading ``end``."""
    certain = [
        b.low_ns
        for b in spans.bounds[spans.ended(start.after_ns, end.before_ns)]
        if b.latest_ns < end.before_ns
    ]
    if worst is None:
        return f"none, but one took at least {max(certain)} ns" if any(certain) else ""
    if max(certain, default=0) > worst.ns:
        return f"{worst}, but one took at least {max(certain)} ns"
    possible = spans.ended(start.before_ns - LONGEST_PAUSE_NS, end.after_ns)
    fits = any(
        span.end.time_ns <= worst.at_ns <= b.latest_ns
        and b.low_ns <= worst.ns <= b.high_ns
        and (span.end.cpu, span.end.pid) == (worst.cpu, worst.pid)
        for span, b in zip(spans.spans[possible], spans.bounds[possible], strict=True)
    )
    return "" if fits else f"{worst} is no event"


def table(rows: Iterable[Row]) -> str:
    """Lines for people: source, events, count difference, values that no bounds explain, largest
    differences of quantiles in buckets. CPUs of one source are one line."""
    merged: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.series[0] != "work" or len(row.series) == 4:
            merged[label(row.series)].append(row)
    lines = [f"{'source':<58}{'events':>8} {'count':>6} {'outside':>8} {'p50':>4} {'p99':>4}"]
    for name, parts in sorted(merged.items()):
        p50 = max((row.p50_difference for row in parts), key=abs)
        p99 = max((row.p99_difference for row in parts), key=abs)
        lines.append(
            f"{name:<58}{sum(row.events for row in parts):>8}"
            f" {sum(abs(row.count_difference) for row in parts):>+6}"
            f" {sum(row.outside for row in parts):>8}"
            f" {p50:>+4} {p99:>+4}"
        )
    return "\n".join(lines)


def table_of_work(rows: Iterable[Row]) -> str:
    """Lines for people: of work on each CPU the runs, their wall time, their time on a CPU, and
    what that may be at least and at most; µs."""
    by_series = {row.series: row for row in rows}
    head = ("runs", "wall", "on a CPU", "at least", "at most")
    lines = [f"{'work':<58}{''.join(f'{name:>11}' for name in head)}"]
    for series, row in sorted(by_series.items(), key=str):
        wall = by_series.get((*series[:-1], "run"))
        if series[-1] == "on_cpu" and wall:
            times_ns = (wall.sum_ns, row.sum_ns, row.low_ns, row.high_ns)
            name = " ".join(map(str, series[1:-1]))
            lines.append(
                f"{name:<58}{row.events:>11}{''.join(f'{ns / 1000:>11.1f}' for ns in times_ns)}"
            )
    return "\n".join(lines)


def label(series: Series) -> str:
    """The source without its CPU, and which of its values."""
    if series[0] == "cause":
        interrupt = " ".join(map(str, series[1:3])).removeprefix("-1 ").strip() or "nothing"
        return f"{interrupt} > {' '.join(str(part) for part in series[3:-2] if part)}"
    return " ".join(map(str, series if series[0] == "work" else (*series[:-2], series[-1])))
