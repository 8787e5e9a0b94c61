"""Softirqs: how long they wait from their raise, and how long they run: bpf/softirq.c. And the
kernel's own counts of them and of what NET_RX does, which need no probe."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from irqwatch.base.collector import (
    RUN,
    TIME,
    WAIT,
    Collector,
    Field,
    Folded,
    Hook,
    Key,
    Metric,
    Probed,
    Room,
    Shown,
    Table,
    Words,
)
from irqwatch.base.columns import softirq_cpus
from irqwatch.base.follows import Follows
from irqwatch.base.interval import Interval
from irqwatch.base.measures import NS, counted, grouped, timed, waits
from irqwatch.base.parts import Naming, Part
from irqwatch.base.reading import Reading, count_and_time, histogram
from irqwatch.base.series import COUNTED_NS, OTHER, Bound, Groups, Labels, Member, MemberKey, Total
from irqwatch.base.sheet import Exporting, Sheet
from irqwatch.cells import percent
from irqwatch.model.histogram import EMPTY, Histogram, merge
from irqwatch.model.snapshot import (
    NEVER,
    SOFTIRQ_VECTORS,
    CountAndTime,
    Probe,
    Snapshot,
    Worst,
)
from irqwatch.model.view import Source

SHOWN_APART = Bound(3, 10)
SHOWN_AT_ONCE = frozenset({("NET_RX",), ("BLOCK",)})  # data that somebody waits for
CPUS_SHOWN_APART = Bound(4, 16)

PREEMPT_RT = "On PREEMPT_RT, where softirqs can be preempted, it is wall time."


@dataclass(frozen=True, slots=True)
class SoftirqTime:
    """Softirqs of one vector on one CPU. ``latency`` is raised-to-run, from the oldest raise not
    yet served; ``run`` excludes the hard interrupts inside. ``ksoftirqd_*`` is the part of ``run``
    that ran in ksoftirqd, ``interrupt_*`` the part inline right after an interrupt; the rest ran
    inline in a task. ``restarts`` are inline runs that began another round of their batch.
    ``uncaused`` is the part that followed from no interrupt that was timed."""

    vector: str
    cpu: int
    latency: Histogram = EMPTY
    run: Histogram = EMPTY
    ksoftirqd_count: int = 0
    ksoftirqd_ns: int = 0
    worst_latency: Worst | None = None
    worst_run: Worst | None = None
    interrupt_count: int = 0
    interrupt_ns: int = 0
    restarts: int = 0
    uncaused: CountAndTime = NEVER


SOFTIRQS = Part("softirqs", SoftirqTime, ("vector", "cpu"), {"vector": Naming.KERNEL})


def decode(reading: Reading) -> Mapping[str, tuple[Any, ...]]:
    """Of each CPU the vectors that were raised or ran."""
    cpu_at, at = reading.at("cpu"), reading.at("softirq")
    found = []
    for cpu, value in reading.each_cpu("cpus"):
        for vector, start in zip(SOFTIRQ_VECTORS, cpu_at.softirqs, strict=True):
            latency = histogram(value, start + at.latency)
            run = histogram(value, start + at.run)
            if latency.buckets or run.buckets:
                found.append(
                    SoftirqTime(
                        vector=vector,
                        cpu=cpu,
                        latency=latency,
                        run=run,
                        ksoftirqd_count=value[start + at.ksoftirqd_count],
                        ksoftirqd_ns=value[start + at.ksoftirqd_ns],
                        worst_latency=reading.worst(value, start + at.worst_latency, cpu),
                        worst_run=reading.worst(value, start + at.worst_run, cpu),
                        interrupt_count=value[start + at.interrupt_count],
                        interrupt_ns=value[start + at.interrupt_ns],
                        restarts=value[start + at.restarts],
                        uncaused=count_and_time(value, start + at.uncaused),
                    )
                )
    return {"softirqs": tuple(found)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftirqSource(Source):
    """One vector. ``ksoftirqd_*`` is the part of count and seconds that ran in ksoftirqd,
    ``interrupt_*`` that inline right after an interrupt."""

    ksoftirqd_count: int | None = None
    ksoftirqd_seconds: float | None = None
    interrupt_count: int | None = None
    interrupt_seconds: float | None = None
    restarts: int | None = None

    def phrases(self) -> Iterator[str]:
        if self.ksoftirqd_count:
            yield f"{percent(self.ksoftirqd_count / self.count)} in ksoftirqd"


def sources(interval: Interval) -> list[Source]:
    """By vector."""
    times = SOFTIRQS.of(interval.probe)
    ran = {part.vector for part in times if part.run.buckets}
    vectors = grouped([part for part in times if part.vector in ran], lambda part: part.vector)
    found = [_timed(vector, parts, interval.ns) for vector, parts in vectors.items()]
    found += [
        SoftirqSource(kind="softirq", name=vector, **counted(counts, interval.ns))
        for vector, counts in interval.softirqs.items()
        if vector not in vectors
    ]
    order = {vector: index for index, vector in enumerate(SOFTIRQ_VECTORS)}
    return sorted(found, key=lambda source: (order.get(source.name, len(order)), source.name))


def _timed(vector: str, parts: list[SoftirqTime], interval_ns: int) -> SoftirqSource:
    runs = ((part.cpu, part.run) for part in parts)
    return SoftirqSource(
        kind="softirq",
        name=vector,
        **timed(runs, (part.worst_run for part in parts), interval_ns),
        **waits(merge(part.latency for part in parts), (part.worst_latency for part in parts)),
        ksoftirqd_count=sum(part.ksoftirqd_count for part in parts),
        ksoftirqd_seconds=sum(part.ksoftirqd_ns for part in parts) / NS,
        interrupt_count=sum(part.interrupt_count for part in parts),
        interrupt_seconds=sum(part.interrupt_ns for part in parts) / NS,
        restarts=sum(part.restarts for part in parts),
    )


def follows(probe: Probe) -> Iterator[Follows]:
    """Those that followed from no interrupt; the rest is told by the interrupts."""
    for part in SOFTIRQS.of(probe):
        if part.uncaused.count:
            yield Follows(None, "", "softirq", part.vector, part.cpu, part.uncaused)


def cpu_ns(probe: Probe) -> Iterable[tuple[int, int]]:
    return ((part.cpu, part.run.sum_ns) for part in SOFTIRQS.of(probe))


def coverage(interval: Interval) -> tuple[int, int]:
    counted_by_kernel = sum(sum(counts.values()) for counts in interval.softirqs.values())
    seen = sum(
        part.run.count
        for part in SOFTIRQS.of(interval.probe)
        if part.cpu in interval.softirq_cpus and part.vector in interval.softirqs
    )
    return counted_by_kernel, seen


def export(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    """By vector, and the kernel's own by CPU."""
    _count(sheet, snapshot, exporting)
    _count_by_cpu(sheet, snapshot, exporting)
    if snapshot.probe:
        _time(sheet, snapshot.probe, exporting)


def _time(sheet: Sheet, probe: Probe, exporting: Exporting) -> None:
    vectors = exporting.groups("softirq", "softirq", SHOWN_APART, (OTHER,), probe.attached_ns)
    times: dict[str, list[SoftirqTime]] = {}
    for time in SOFTIRQS.of(probe):
        times.setdefault(time.vector, []).append(time)
        exporting.take("softirq", (time.vector, time.cpu), time.cpu, time.run.sum_ns)
    # All CPUs together: the entries of an array stay.
    members: dict[MemberKey, Member] = {
        (vector,): _member(parts) for vector, parts in times.items()
    }
    for labels, total in vectors.update(members, exporting.now_ns, SHOWN_AT_ONCE).items():
        if total.times[1].count:
            _show(sheet, labels, total)
    for time in SOFTIRQS.of(probe):
        labels = vectors.shown_as((time.vector,))
        sheet.note("irqwatch_softirq_latency_max_seconds", labels, time.worst_latency)
        sheet.note("irqwatch_softirq_duration_max_seconds", labels, time.worst_run)


def _member(times: Sequence[SoftirqTime]) -> Member:
    """A vector on all CPUs."""
    run = merge(time.run for time in times)
    counts = (
        sum(time.ksoftirqd_count for time in times),
        sum(time.ksoftirqd_ns for time in times),
        sum(time.interrupt_count for time in times),
        sum(time.interrupt_ns for time in times),
        sum(time.restarts for time in times),
    )
    latency = merge(time.latency for time in times)
    return Member((times[0].vector,), run.sum_ns, counts, (latency, run))


def _show(sheet: Sheet, labels: Labels, total: Total) -> None:
    """What one took; in ksoftirqd, and inline by what they came after."""
    in_ksoftirqd, in_ksoftirqd_ns, count, ns, restarts = total.counts
    latency, run = total.times
    sheet.histograms["irqwatch_softirq_latency_seconds"][labels] = latency
    sheet.histograms["irqwatch_softirq_duration_seconds"][labels] = run
    sheet.values["irqwatch_ksoftirqd_softirqs_total"][labels] = in_ksoftirqd
    sheet.values["irqwatch_ksoftirqd_softirq_seconds_total"][labels] = in_ksoftirqd_ns / NS
    rest = run.count - in_ksoftirqd - count
    rest_ns = run.sum_ns - in_ksoftirqd_ns - ns
    for after, (n, total_ns) in {"interrupt": (count, ns), "task": (rest, rest_ns)}.items():
        where = (*labels, after)
        sheet.values["irqwatch_inline_softirqs_total"][where] = n
        sheet.values["irqwatch_inline_softirq_seconds_total"][where] = total_ns / NS
    sheet.values["irqwatch_softirq_restarts_total"][labels] = restarts


def _count(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    samples, cpus = sheet.values["irqwatch_softirqs_total"], softirq_cpus(snapshot)
    rows = exporting.rows("softirqs")
    for vector, counts in snapshot.softirq_counts.items():
        name = (vector,)
        if count := rows.update(name, name, counts, cpus, exporting.interval_ns):
            samples[name] = count


def _count_by_cpu(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    """Of a CPU that is offline it stays as it was: the kernel's counters do."""
    ksoftirqd = exporting.groups("", "ksoftirqd", CPUS_SHOWN_APART, (OTHER,))
    threads: dict[MemberKey, Member] = {
        (str(thread.cpu),): Member((str(thread.cpu),), thread.cpu_ns, (thread.cpu_ns,))
        for thread in snapshot.threads
        if thread.kind == "ksoftirqd" and thread.cpu is not None
    }
    for cpu, total in _of_cpus(ksoftirqd, threads, exporting).items():
        sheet.values["irqwatch_ksoftirqd_cpu_seconds_total"][cpu] = total.counts[0] / NS
    softnet = exporting.groups("", "softnet", CPUS_SHOWN_APART, (OTHER,))
    rows: dict[MemberKey, Member] = {
        (str(row.cpu),): Member(
            (str(row.cpu),),
            row.processed * COUNTED_NS,
            (row.processed, row.dropped, row.time_squeeze),
        )
        for row in snapshot.softnet
    }
    for cpu, total in _of_cpus(softnet, rows, exporting).items():
        # Zeros stay: the first drop must be a change, not the birth of a series.
        for metric, count in zip(SOFTNET, total.counts, strict=True):
            sheet.values[metric][cpu] = count


SOFTNET = (
    "irqwatch_softnet_processed_total",
    "irqwatch_softnet_dropped_total",
    "irqwatch_softnet_time_squeezed_total",
)


def _of_cpus(
    groups: Groups, members: Mapping[MemberKey, Member], exporting: Exporting
) -> Mapping[Labels, Total]:
    if not members:
        return {}
    found = {member.group for member in members.values()}
    always = found if len(found) <= groups.limit else ()
    return groups.update(members, exporting.now_ns, always, keeps_gone=True)


COLLECTOR = Collector(
    name="softirq",
    what="softirqs",
    probed=Probed(
        file="softirq.c",
        hooks=(
            Hook("irqw_soft_exit", "softirq_exit", ("u32",)),
            Hook("irqw_soft_entry", "softirq_entry", ("u32",)),
            Hook("irqw_soft_raise", "softirq_raise", ("u32",)),
        ),
        fields=(Field("task_struct", "flags", ("u32",)),),
        # Each task on a CPU may be in one, on PREEMPT_RT; of any other kernel none is put here.
        tables=(
            Table("softirqs_aside", lambda size: max(64, size.on_each_cpu(16)), Room.ABANDONED),
        ),
        constants=tuple(
            (f"{vector}_SOFTIRQ", number) for number, vector in enumerate(SOFTIRQ_VECTORS)
        ),
    ),
    parts=(SOFTIRQS,),
    decode=decode,
    sources=sources,
    follows=follows,
    coverage=coverage,
    cpu_ns=cpu_ns,
    export=export,
    chosen_by="vector",
    keys=(
        Key("latency_p50_s", "seconds", "the median time from its raise to its run"),
        Key("latency_max_s", "seconds", "the longest such wait"),
        Key("ksoftirqd_count", "events", "the part of `count` that ran in ksoftirqd"),
        Key("ksoftirqd_seconds", "seconds", "the part of `seconds` in ksoftirqd"),
        Key(
            "interrupt_count",
            "events",
            "the part of `count` that ran inline right after an interrupt; the rest ran inline "
            "in a task",
        ),
        Key("interrupt_seconds", "seconds", "the part of `seconds` right after an interrupt"),
        Key("restarts", "events", "inline runs that began another round of the same batch"),
        Key("worst", "", "the event of `max_s`"),
        Key("worst_latency", "", "the event of `latency_max_s`"),
    ),
    metrics=(
        Metric(
            name="irqwatch_softirq_latency_seconds",
            kind="histogram",
            labels=("vector",),
            help="Time from the oldest raise not yet served to the run of a softirq.",
            unit="seconds",
            meaning="From its raise, the oldest not yet served, to its run (see below).",
            example=(
                "histogram_quantile(0.99, sum by (le, vector) "
                "(rate(irqwatch_softirq_latency_seconds_bucket[5m])))"
            ),
        ),
        Metric(
            name="irqwatch_softirq_latency_max_seconds",
            kind="gauge",
            labels=("vector",),
            help="Longest wait of a softirq seen in the last one to two minutes.",
            unit="seconds",
            meaning="The longest such wait seen in the last one to two minutes.",
            example="max by (vector) (irqwatch_softirq_latency_max_seconds)",
        ),
        Metric(
            name="irqwatch_softirq_duration_seconds",
            kind="histogram",
            labels=("vector",),
            help=f"Run time of a softirq without the hard interrupts inside it. {PREEMPT_RT}",
            unit="seconds",
            meaning="Run time of a softirq, without the hard interrupts inside it (see below).",
            example=(
                "histogram_quantile(0.99, sum by (le, vector) "
                "(rate(irqwatch_softirq_duration_seconds_bucket[5m])))"
            ),
        ),
        Metric(
            name="irqwatch_softirq_duration_max_seconds",
            kind="gauge",
            labels=("vector",),
            help=f"Longest run of a softirq seen in the last one to two minutes. {PREEMPT_RT}",
            unit="seconds",
            meaning="The longest such run seen in the last one to two minutes.",
            example="max by (vector) (irqwatch_softirq_duration_max_seconds)",
        ),
        Metric(
            name="irqwatch_softirqs_total",
            kind="counter",
            labels=("vector",),
            help="Softirqs as the kernel itself counts them in /proc/softirqs.",
            unit="softirqs",
            meaning="The kernel's own count on all CPUs, from /proc/softirqs.",
            example="sum by (vector) (rate(irqwatch_softirqs_total[5m]))",
        ),
        Metric(
            name="irqwatch_ksoftirqd_softirqs_total",
            kind="counter",
            labels=("vector",),
            help="Softirqs that ran in ksoftirqd, not inline.",
            unit="softirqs",
            meaning=(
                "Softirqs that ran in ksoftirqd and so waited for the scheduler; the rest ran "
                "inline."
            ),
            example=(
                "rate(irqwatch_ksoftirqd_softirqs_total[5m]) / "
                "rate(irqwatch_softirq_duration_seconds_count[5m])"
            ),
        ),
        Metric(
            name="irqwatch_ksoftirqd_softirq_seconds_total",
            kind="counter",
            labels=("vector",),
            help=f"The part of the softirqs' run time that ran in ksoftirqd. {PREEMPT_RT}",
            unit="seconds",
            meaning="The part of `irqwatch_softirq_duration_seconds_sum` that ran in ksoftirqd.",
            example="rate(irqwatch_ksoftirqd_softirq_seconds_total[5m])",
        ),
        Metric(
            name="irqwatch_inline_softirqs_total",
            kind="counter",
            labels=("vector", "after"),
            help="Softirqs that ran inline, right after an interrupt or in a task.",
            unit="softirqs",
            meaning=(
                "Softirqs that ran inline. `after` is `interrupt` (right after one, in irq_exit()) "
                "or `task` (when a task let softirqs in again)."
            ),
            example="sum by (after) (rate(irqwatch_inline_softirqs_total[5m]))",
        ),
        Metric(
            name="irqwatch_inline_softirq_seconds_total",
            kind="counter",
            labels=("vector", "after"),
            help=f"The part of the softirqs' run time that ran inline. {PREEMPT_RT}",
            unit="seconds",
            meaning="The part of `irqwatch_softirq_duration_seconds_sum` that ran inline.",
            example="sum by (vector, after) (rate(irqwatch_inline_softirq_seconds_total[5m]))",
        ),
        Metric(
            name="irqwatch_softirq_restarts_total",
            kind="counter",
            labels=("vector",),
            help=(
                "Inline runs that began another round of the same batch; ten rounds wake ksoftirqd."
            ),
            unit="softirqs",
            meaning=(
                "Inline runs that began another round of the same batch: softirqs that were raised "
                "while it ran. After ten rounds, or 2 ms, ksoftirqd is woken for the rest."
            ),
            example="topk(3, rate(irqwatch_softirq_restarts_total[5m]))",
        ),
        Metric(
            name="irqwatch_ksoftirqd_cpu_seconds_total",
            kind="counter",
            labels=("cpu",),
            help="CPU time of the ksoftirqd thread of a CPU.",
            unit="seconds",
            meaning="CPU time of the ksoftirqd threads, which can be had without the probe.",
            example="topk(5, rate(irqwatch_ksoftirqd_cpu_seconds_total[5m]))",
        ),
        Metric(
            name="irqwatch_softnet_processed_total",
            kind="counter",
            labels=("cpu",),
            help="Packets a CPU took from its queues (/proc/net/softnet_stat).",
            unit="packets",
            meaning="Packets that a CPU took from its queues.",
            example="rate(irqwatch_softnet_processed_total[5m])",
        ),
        Metric(
            name="irqwatch_softnet_dropped_total",
            kind="counter",
            labels=("cpu",),
            help="Packets dropped because the backlog of a CPU was full.",
            unit="packets",
            meaning=(
                "Packets dropped because the CPU's backlog (net.core.netdev_max_backlog) was full."
            ),
            example="sum(rate(irqwatch_softnet_dropped_total[5m]))",
        ),
        Metric(
            name="irqwatch_softnet_time_squeezed_total",
            kind="counter",
            labels=("cpu",),
            help="Times NET_RX stopped with work left, its budget or time used up.",
            unit="times",
            meaning=(
                "Times that NET_RX stopped with work left, as net.core.netdev_budget or its time "
                "(net.core.netdev_budget_usecs) was used up."
            ),
            example="sum by (cpu) (rate(irqwatch_softnet_time_squeezed_total[5m]))",
        ),
    ),
    shown=Shown(
        "LAT99 is from its raise to its run; times leave out interrupts inside",
        digit="3",
        says=frozenset({TIME, RUN, WAIT}),
        colour="yellow",
    ),
    slow_kinds=("softirq", "softirq wait"),
    stimulus="packet",
    words=Words(
        title="Softirqs",
        event="a softirq (raise, entry, exit)",
        cost="0.5 µs added to a loopback packet",
        after="""\
What a softirq's run time is:

- The hard interrupts inside it are taken out where they are timed: those of lines by the `hardirq`
  collector, on x86 the local timer's and other CPUs' by the `vector` collector. Where one of the
  two is off, its interrupts are part of the softirq. (On arm64 all of them are of lines.)
- On PREEMPT_RT softirqs can be preempted, so it is wall time: what preempted them is inside. A
  rate of it is then not a share of the CPU, and softirqs of timers run in `ktimers/N`, which is
  not counted as ksoftirqd.

Latency counts from the oldest raise not yet served, with one exception. The kernel takes all
pending softirqs off its mask at once and then runs them one by one. Where one of them is raised
again after that and before its first run, the latency of its second run counts from the latest such
raise: a lower bound.

Whether an inline softirq came after an interrupt is told by time: it did if it began at most 10 µs
after the end of the last interrupt that was timed, or is a later run of a batch that began so.
Without the `vector` collector, softirqs after the local timer's interrupt count as `task`.
""",
        json="""\
`name` is the softirq. [metrics.md](metrics.md#softirqs) says which interrupts inside it are not
part of its time, what its time is on PREEMPT_RT, and from when it waits.
""",
        folded=(
            Folded("softirqs (`vector`)", SHOWN_APART, "`NET_RX` and `BLOCK`"),
            Folded(
                "`irqwatch_ksoftirqd_cpu_seconds_total`, `irqwatch_softnet_…` (`cpu`)",
                CPUS_SHOWN_APART,
                "all, where the host has no more of them; a packet counts as a microsecond",
            ),
        ),
    ),
)
