"""Which CPU interrupts which, and what for: bpf/ipi.c."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from irqwatch.base.collector import (
    RUN,
    TIME,
    WAIT,
    Collector,
    Default,
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
from irqwatch.base.interval import Interval
from irqwatch.base.measures import NS, counted, durations, grouped, share, waits
from irqwatch.base.parts import Naming, Part
from irqwatch.base.reading import Reading, histogram
from irqwatch.base.series import COUNTED_NS, OTHER, Bound, Labels, Member, MemberKey
from irqwatch.base.sheet import Exporting, Sheet
from irqwatch.cells import cpu_list
from irqwatch.model.histogram import EMPTY, Histogram, merge
from irqwatch.model.snapshot import Snapshot, Worst
from irqwatch.model.view import CpuPart, PartRow, Source

SHOWN_APART = Bound(8, 32)

# Of the constants IPI_… in bpf/ipi.c, by their end.
PREFIX = "IPI_"
SELF = "self"


@dataclass(frozen=True, slots=True)
class IpiSent:
    """What one CPU asked of others for one function from one place in the kernel. ``call_count``
    functions queued there, and ``interrupt_count`` interrupts sent: none where the other CPU's
    queue was not empty or where it was idle and polled, one for each CPU where it was."""

    purpose: str  # "call", "reschedule", "self"
    function: str  # "" of a reschedule
    call_site: str
    cpu: int  # the one that asks
    call_count: int = 0
    interrupt_count: int = 0


@dataclass(frozen=True, slots=True)
class IpiAsked:
    """What one CPU was asked for, by all others: functions queued on it; where the purpose is no
    call, interrupts. ``latency`` is from there to the start of the function, ``run`` how long it
    took: only of calls, and of those not of irq_works."""

    purpose: str
    function: str
    cpu: int  # the one that is asked
    asked_count: int = 0
    latency: Histogram = EMPTY
    run: Histogram = EMPTY
    worst_latency: Worst | None = None
    worst_run: Worst | None = None


NAMES = {"purpose": Naming.KERNEL, "function": Naming.KERNEL}
SENT = Part(
    "ipi_sent",
    IpiSent,
    ("purpose", "function", "call_site", "cpu"),
    {**NAMES, "call_site": Naming.KERNEL},
)
ASKED = Part("ipi_asked", IpiAsked, ("purpose", "function", "cpu"), NAMES)


def decode(reading: Reading) -> Mapping[str, tuple[Any, ...]]:
    """Sorted. Functions of one name (static ones of two files) are counted together, and so are
    the places of one name that ask."""
    kinds = reading.layouts.enum("ipi_kind")
    purposes = {number: name.removeprefix(PREFIX).lower() for name, number in kinds.items()}
    sent = SENT.merged(_sent(reading, purposes))
    asked = ASKED.merged((*_asked(reading, purposes), *_ran(reading, purposes)))
    return {
        "ipi_sent": tuple(
            sorted(sent, key=lambda one: (one.purpose, one.function, one.call_site, one.cpu))
        ),
        "ipi_asked": tuple(sorted(asked, key=lambda one: (one.purpose, one.function, one.cpu))),
    }


def _sent(reading: Reading, purposes: Mapping[int, str]) -> Iterator[IpiSent]:
    at = reading.at("ipi_send")
    for key, value in reading.entries("ipi_sends"):
        yield IpiSent(
            purpose=purposes[key.kind],
            function=reading.function(value, at.function),
            call_site=reading.function(value, at.callsite),
            cpu=key.cpu,
            call_count=value[at.calls],
            interrupt_count=value[at.interrupts],
        )


def _asked(reading: Reading, purposes: Mapping[int, str]) -> Iterator[IpiAsked]:
    at = reading.at("ipi_target")
    for key, value in reading.entries("ipi_targets"):
        function = reading.function(value, at.function)
        yield IpiAsked(purposes[key.kind], function, key.cpu, asked_count=value[at.asked])


def _ran(reading: Reading, purposes: Mapping[int, str]) -> Iterator[IpiAsked]:
    at = reading.at("ipi_run")
    for key, value in reading.entries("ipi_runs"):
        yield IpiAsked(
            purpose=purposes[key.kind],
            function=reading.function(value, at.function),
            cpu=key.cpu,
            latency=histogram(value, at.latency),
            run=histogram(value, at.run),
            worst_latency=reading.worst(value, at.worst_latency, key.cpu),
            worst_run=reading.worst(value, at.worst_run, key.cpu),
        )


@dataclass(frozen=True, slots=True)
class IpiSender:
    """One CPU's part of what is asked of others, from one place in the kernel."""

    cpu: int
    call_site: str
    call_count: int
    interrupt_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IpiSource(Source):
    """One for each function and purpose. Its CPUs are those that are asked; its ``senders``, the
    most active first, those that ask."""

    purpose: str
    interrupt_count: int
    senders: tuple[IpiSender, ...]

    @property
    def happened(self) -> bool:
        return bool(self.count or self.interrupt_count or self.seconds)

    @property
    def beside(self) -> str | None:
        return self.purpose if self.purpose == SELF else None

    def words(self) -> Iterator[str | None]:
        yield from (self.kind, self.name, self.purpose)
        yield from {sender.call_site for sender in self.senders}

    def phrases(self) -> Iterator[str]:
        yield f"{self.interrupt_count:,} interrupts"
        if self.senders:
            yield f"from CPUs {cpu_list({sender.cpu for sender in self.senders})}"

    def parts(self) -> Iterator[PartRow]:
        """The places in the kernel that ask, the most active first."""
        counts: dict[str, int] = {}
        for sender in self.senders:
            asked = sender.call_count or sender.interrupt_count
            counts[sender.call_site] = counts.get(sender.call_site, 0) + asked
        for site, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            if count and self.count:
                yield PartRow(f"by {site}", count, self.rate * count / self.count)


def sources(interval: Interval) -> Iterator[Source]:
    """By purpose and name."""
    sent = grouped(SENT.of(interval.probe), lambda part: (part.purpose, part.function))
    asked = grouped(ASKED.of(interval.probe), lambda part: (part.purpose, part.function))
    for purpose, function in sorted({*sent, *asked}):
        senders = [
            IpiSender(part.cpu, part.call_site, part.call_count, part.interrupt_count)
            for part in sent.get((purpose, function), ())
            if part.call_count or part.interrupt_count
        ]
        senders.sort(key=lambda one: (-one.interrupt_count, -one.call_count, one.cpu))
        parts = asked.get((purpose, function), [])
        yield IpiSource(
            kind="ipi",
            name=name_of(purpose, function),
            **_measured(parts, interval.ns),
            **waits(merge(part.latency for part in parts), (part.worst_latency for part in parts)),
            purpose=purpose,
            interrupt_count=sum(sender.interrupt_count for sender in senders),
            senders=tuple(senders),
        )


def name_of(purpose: str, function: str) -> str:
    return function or purpose


def _measured(parts: list[IpiAsked], interval_ns: int) -> dict[str, Any]:
    """What was asked, and the time that it took where that is known."""
    fields = counted({part.cpu: part.asked_count for part in parts}, interval_ns)
    run = merge(part.run for part in parts)
    if not run.count:
        return fields
    seconds = run.sum_ns / NS
    cpus = {
        part.cpu: CpuPart(part.asked_count, part.run.sum_ns / NS)
        for part in parts
        if part.asked_count or part.run.count
    }
    return {
        **fields,
        "seconds": seconds,
        "share": share(seconds, interval_ns),
        "cpus": cpus,
        **durations(run, (part.worst_run for part in parts)),
    }


def export(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    """By function."""
    probe = snapshot.probe
    if probe is None:
        return
    functions = exporting.groups("ipi", "ipi", SHOWN_APART, (OTHER,), probe.attached_ns)
    members: dict[MemberKey, Member] = {}
    for sent in SENT.of(probe):
        member = ("sent", sent.purpose, sent.function, sent.call_site, sent.cpu)
        counts = (sent.interrupt_count, sent.call_count)
        weight = (sent.interrupt_count + sent.call_count) * COUNTED_NS
        members[member] = Member(_labels(sent), weight, counts, (EMPTY, EMPTY))
    for asked in ASKED.of(probe):
        times = (asked.latency, asked.run)
        members[_member(asked)] = Member(_labels(asked), asked.run.sum_ns, (0, 0), times)
    for labels, total in functions.update(members, exporting.now_ns).items():
        interrupts, calls = total.counts
        latency, run = total.times
        if interrupts or calls or run.count:
            sheet.values["irqwatch_ipi_interrupts_total"][labels] = interrupts
        if calls:
            sheet.values["irqwatch_ipi_calls_total"][labels] = calls
        if latency.count or run.count:
            sheet.histograms["irqwatch_ipi_latency_seconds"][labels] = latency
            sheet.histograms["irqwatch_ipi_duration_seconds"][labels] = run
    for asked in ASKED.of(probe):
        labels = functions.group(_member(asked))
        sheet.note("irqwatch_ipi_latency_max_seconds", labels, asked.worst_latency)
        sheet.note("irqwatch_ipi_duration_max_seconds", labels, asked.worst_run)


def _labels(part: IpiSent | IpiAsked) -> Labels:
    return (name_of(part.purpose, part.function),)


def _member(asked: IpiAsked) -> MemberKey:
    return ("asked", asked.purpose, asked.function, "", asked.cpu)


CSD = "struct __call_single_data *"


COLLECTOR = Collector(
    name="ipi",
    what="who interrupts other CPUs, and what for",
    default=Default.OFF,
    probed=Probed(
        file="ipi.c",
        hooks=(
            Hook("irqw_csd_exit", "csd_function_exit", ("function *", CSD)),
            Hook("irqw_csd_entry", "csd_function_entry", ("function *", CSD)),
            # Before the interrupts that are for it: else it is not known what those are for. And to
            # attach makes some itself, where the kernel changes its code (text_poke).
            Hook("irqw_csd_queue", "csd_queue_cpu", ("u32", "u64", "function *", CSD)),
            Hook("irqw_ipi_mask", "ipi_send_cpumask", ("struct cpumask *", "u64", "void *")),
            Hook("irqw_ipi_cpu", "ipi_send_cpu", ("u32", "u64", "void *")),
        ),
        fields=(
            Field("__call_single_data", "node.llist.next", ("struct llist_node *",)),
            Field("__call_single_data", "node.u_flags", ("u32",)),
        ),
        constants=(
            ("CSD_FLAG_LOCK", 0x01),
            ("CSD_TYPE_ASYNC", 0x00),
            ("CSD_TYPE_IRQ_WORK", 0x20),
            ("CSD_TYPE_TTWU", 0x30),
        ),
        formats=("ipi_format",),
        tables=(
            Table("ipi_sends", lambda size: max(512, size.on_each_cpu(64)), Room.IDLE),
            Table("ipi_targets", lambda size: max(256, size.on_each_cpu(32)), Room.IDLE),
            Table("ipi_runs", lambda size: max(128, size.on_each_cpu(16)), Room.IDLE),
            # A broadcast waits on all CPUs at once.
            Table("ipi_calls", lambda size: max(1024, size.on_each_cpu(16)), Room.ABANDONED),
        ),
        arrays=("ipi_cpus",),
        losses_in="ipi_cpus",
        counted_by="irqw_ipi_cpu",
    ),
    parts=(SENT, ASKED),
    decode=decode,
    sources=sources,
    export=export,
    chosen_by="function",
    keys=(
        Key(
            "purpose",
            "",
            "`call`: the function is to run there; `reschedule`: the scheduler; `self`: the "
            "function is an irq_work of the CPU itself",
        ),
        Key(
            "interrupt_count",
            "interrupts",
            "those that were sent: fewer than `count` where a call found others queued before it, "
            "or a CPU that polls",
        ),
        Key(
            "senders",
            "",
            "who asked, the most active first: `cpu`, `call_site` (a function of the kernel), "
            "`call_count`, `interrupt_count`",
        ),
        Key("latency_p50_s", "seconds", "from when it was queued to its start there"),
        Key("latency_max_s", "seconds", "the longest such wait"),
        Key("worst", "", "the event of `max_s`"),
        Key("worst_latency", "", "the event of `latency_max_s`; its task is the interrupted one"),
    ),
    metrics=(
        Metric(
            name="irqwatch_ipi_interrupts_total",
            kind="counter",
            labels=("function",),
            help="Interrupts that CPUs sent to each other, by the function that they are for.",
            unit="interrupts",
            meaning=(
                "Interrupts that CPUs sent, one for each CPU that they go to, by the function that "
                "is to run there. `reschedule` is for the scheduler. One that a CPU sends to "
                "itself is for an irq_work, and has its function. Where it is not known, "
                "`function` is the kernel's own `generic_smp_call_function_single_interrupt`."
            ),
            example="topk(5, sum by (function) (rate(irqwatch_ipi_interrupts_total[5m])))",
        ),
        Metric(
            name="irqwatch_ipi_calls_total",
            kind="counter",
            labels=("function",),
            help="Functions that CPUs asked each other to run, with or without an interrupt.",
            unit="calls",
            meaning=(
                "Functions queued on another CPU. More than interrupts, where a CPU had others to "
                "run already, or was idle and polled."
            ),
            example="topk(5, sum by (function) (rate(irqwatch_ipi_calls_total[5m])))",
        ),
        Metric(
            name="irqwatch_ipi_latency_seconds",
            kind="histogram",
            labels=("function",),
            help="Time from when a function was queued on another CPU to its start there.",
            unit="seconds",
            meaning=(
                "Queued to started: how long the other CPU took to answer. Of irq_works nothing "
                "traces the start."
            ),
            example=(
                "histogram_quantile(0.99, sum by (le, function) "
                "(rate(irqwatch_ipi_latency_seconds_bucket[5m])))"
            ),
        ),
        Metric(
            name="irqwatch_ipi_latency_max_seconds",
            kind="gauge",
            labels=("function",),
            help="Longest wait for another CPU seen in the last one to two minutes.",
            unit="seconds",
            meaning="The longest such wait seen in the last one to two minutes.",
            example="topk(5, irqwatch_ipi_latency_max_seconds)",
        ),
        Metric(
            name="irqwatch_ipi_duration_seconds",
            kind="histogram",
            labels=("function",),
            help="Run time of a function that another CPU asked for.",
            unit="seconds",
            meaning=(
                "How long the function ran on the CPU that was asked. It is part of the time of "
                "the `call_function` vectors, but for what an idle CPU runs as it wakes up. One "
                "run of `sched_ttwu_pending` wakes all tasks that wait for that."
            ),
            example="topk(5, sum by (function) (rate(irqwatch_ipi_duration_seconds_sum[5m])))",
        ),
        Metric(
            name="irqwatch_ipi_duration_max_seconds",
            kind="gauge",
            labels=("function",),
            help="Longest such run seen in the last one to two minutes.",
            unit="seconds",
            meaning="The longest such run seen in the last one to two minutes.",
            example="topk(5, irqwatch_ipi_duration_max_seconds)",
        ),
    ),
    shown=Shown(
        "who asks whom",
        says=frozenset({TIME, RUN, WAIT}),
        colour="cyan",
        in_all=False,
    ),
    words=Words(
        title="What CPUs ask of each other",
        event="a function called on another CPU (queued, interrupt sent, entry, exit)",
        cost="0.9 µs, a reschedule 0.1 µs",
        before="""\
Off unless `--collector.ipi` is given: a call of a function on another CPU costs 0.9 µs more, of
which half is the other CPU's. Only on Linux 6.5 or newer.
""",
        after="""\
The rows `RES` and `CAL` of /proc/interrupts count such interrupts where they arrive, and do not
say who sent them and what for. The two can differ: an interrupt that is sent while another of its
kind is pending arrives once.
""",
        json="""\
One for each function that CPUs ask each other to run; `name` is the function, or `reschedule`.
`count` is how often that was asked, `cpus` are the CPUs that were; their time is that of the
function, which is `null` where nothing was traced: of a reschedule and an irq_work.
""",
        folded=(Folded("functions called on other CPUs (`function`)", SHOWN_APART),),
    ),
)
