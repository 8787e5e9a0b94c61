"""The architecture's own interrupts, the local timer's and other CPUs': bpf/vector.c. And the rows
of /proc/interrupts that count them, which need no probe."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from irqwatch.base.collector import Collector, Folded, Hook, Key, Metric, Probed, Shown, Words
from irqwatch.base.follows import Follows
from irqwatch.base.interval import Interval
from irqwatch.base.measures import counted, grouped, in_all, timed
from irqwatch.base.parts import Naming, Part
from irqwatch.base.reading import Reading
from irqwatch.base.rows import described
from irqwatch.base.series import OTHER, Bound, Member, MemberKey
from irqwatch.base.sheet import Exporting, Sheet
from irqwatch.collectors import interrupt
from irqwatch.model.histogram import EMPTY, Histogram
from irqwatch.model.snapshot import CountAndTime, Probe, Snapshot, Worst
from irqwatch.model.view import InterruptSource, Source

# Each has an _entry and an _exit with the vector's number (asm/trace/irq_vectors.h); beside it the
# row of /proc/interrupts that counts it (arch/x86/kernel/irq.c, arch_show_interrupts()), where one
# does.
X86 = {
    "local_timer": "LOC",
    "reschedule": "RES",
    "call_function": "CAL",
    "call_function_single": "CAL",
    "irq_work": "IWI",
    "thermal_apic": "TRM",
    "threshold_apic": "THR",
    "deferred_error_apic": "DFR",
    "error_apic": "",
    "spurious_apic": "SPU",
    "x86_platform_ipi": "PLT",
}


SHOWN_APART = Bound(1, 16)


@dataclass(frozen=True, slots=True)
class VectorTime:
    """One of the architecture's own interrupts on one CPU: the local timer and what CPUs send each
    other. ``nested``: it comes inside a line's handler (arm64), whose time has it already."""

    vector: str  # "local_timer", "reschedule", …
    cpu: int
    run: Histogram = EMPTY
    worst: Worst | None = None
    softirqs: Mapping[str, CountAndTime] = field(default_factory=dict)  # that it caused, by vector
    nested: bool = False


VECTORS = Part("vectors", VectorTime, ("vector", "cpu"), {"vector": Naming.KERNEL})


def decode(reading: Reading) -> Mapping[str, tuple[Any, ...]]:
    return {
        "vectors": tuple(
            VectorTime(
                vector=entry.vector or "",
                cpu=entry.cpu,
                run=entry.handled,
                worst=entry.worst,
                softirqs=entry.softirqs,
                nested=entry.irq == interrupt.IPI_IRQ,
            )
            for entry in interrupt.entries(reading, of_lines=False)
        )
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorSource(InterruptSource):
    """One by the name of its tracepoint; by its row of /proc/interrupts where only the kernel
    counts it. A total of the machine is on no CPU."""

    description: str | None = None  # "Local timer interrupts"
    counted_again: bool | None = None  # other rows have the same interrupts; None: they have not

    @property
    def beside(self) -> str | None:
        return self.description

    def words(self) -> Iterator[str | None]:
        yield from (self.kind, self.name, self.description)


def sources(interval: Interval) -> list[Source]:
    """By name: those the probe timed, and the rows of those that it did not."""
    times = [part for part in VECTORS.of(interval.probe) if part.run.buckets or part.softirqs]
    rows = [line for line in interval.lines if line.irq is None]
    row_of = {line.label: line for line in rows}
    found = []
    timed_rows = set()
    for name, parts in grouped(times, lambda part: part.vector).items():
        runs = ((part.cpu, part.run) for part in parts)
        row = row_of.get(X86.get(name, ""))
        timed_rows.add(X86.get(name, ""))
        found.append(
            VectorSource(
                kind="vector",
                name=name,
                **timed(runs, (part.worst for part in parts), interval.ns),
                description=row.description or None if row else None,
            )
        )
    for line in rows:
        if line.label not in timed_rows:
            found.append(
                VectorSource(
                    kind="vector",
                    name=line.label,
                    **(
                        counted(line.counts, interval.ns)
                        if line.total is None
                        else in_all(line.total, interval.ns)
                    ),
                    description=described(line) or None,
                    counted_again=line.label in interval.counted_again or None,
                )
            )
    return sorted(found, key=lambda source: source.name)


def quiet(interval: Interval, irq: int | None, name: str) -> Source | None:
    del interval
    if irq is not None:
        return None
    return VectorSource(kind="vector", name=name, count=0, seconds=0.0, rate=0.0, cpus={})


def follows(probe: Probe) -> Iterator[Follows]:
    for part in VECTORS.of(probe):
        yield from interrupt.follows(None, part.vector, part.cpu, part.softirqs)


def cpu_ns(probe: Probe) -> Iterable[tuple[int, int]]:
    return ((part.cpu, part.run.sum_ns) for part in VECTORS.of(probe) if not part.nested)


def export(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    """By vector, of which an architecture has a dozen."""
    probe = snapshot.probe
    if probe is None:
        return
    vectors = exporting.groups("vector", "vector", SHOWN_APART, (OTHER,), probe.attached_ns)
    members: dict[MemberKey, Member] = {}
    for time in VECTORS.of(probe):
        member = (time.vector, time.cpu)
        ns = time.run.sum_ns
        members[member] = Member((time.vector,), ns, (), (time.run,))
        if not time.nested:
            exporting.take("hardirq", ("", *member), time.cpu, ns)
    for labels, total in vectors.update(members, exporting.now_ns).items():
        if total.times[0].count:
            sheet.histograms["irqwatch_vector_duration_seconds"][labels] = total.times[0]
    for time in VECTORS.of(probe):
        labels = vectors.shown_as((time.vector,))
        sheet.note("irqwatch_vector_duration_max_seconds", labels, time.worst)


COLLECTOR = Collector(
    name="vector",
    what="the timer's and other CPUs' interrupts",
    is_interrupt=True,
    probed=Probed(
        file="vector.c",
        hooks=(
            *(Hook("irqw_vec_exit", f"{name}_exit", ("s32",)) for name in X86),
            *(Hook("irqw_vec_entry", f"{name}_entry", ("s32",)) for name in X86),
            Hook("irqw_ipi_exit", "ipi_exit", ("char *",)),
            Hook("irqw_ipi_entry", "ipi_entry"),
        ),
        is_partial=True,
        tables=(interrupt.TABLE,),
    ),
    parts=(VECTORS,),
    decode=decode,
    sources=sources,
    quiet=quiet,
    follows=follows,
    cpu_ns=cpu_ns,
    export=export,
    chosen_by="vector",
    keys=(
        Key(
            "description",
            "",
            'as /proc/interrupts has it: "Local timer interrupts"; it has none of `ERR`, `MIS`, '
            "`Err` and `BAD`, which are counted for the machine and so have empty `cpus`",
        ),
        Key(
            "counted_again",
            "",
            "`true` where other rows count the same interrupts, so that it belongs in no sum over "
            "all: `EXT`, `I/O`, `AIO` and `MSI` on s390x; on x86 `TLB` (which are in `CAL`, since "
            "Linux 4.8), `PMI` (NMIs), `MIS` and `PMN` (in their lines), `MCP` and `RTR` (polls "
            "and retries); on Xen `HYP`, `RES`, `CAL` and `IWI`",
            is_left_out=True,
        ),
        Key(
            "worst",
            "",
            "the event of `max_s`; `null`, like `whole_share`, where the vector is only counted",
        ),
        Key("whole_share", "of one CPU's time", "`share` and that of all it caused"),
        Key("caused", "", "what followed from it: see below"),
    ),
    metrics=(
        Metric(
            name="irqwatch_vector_duration_seconds",
            kind="histogram",
            labels=("vector",),
            help=(
                "Time that one of the architecture's own interrupts took: the local timer's, "
                "other CPUs'."
            ),
            unit="seconds",
            meaning=(
                "How long each took. `vector` is named as the kernel's tracepoint: `local_timer`, "
                "`reschedule`, `call_function`, `call_function_single`, `irq_work`, "
                "`thermal_apic`, …"
            ),
            example=(
                "histogram_quantile(0.99, sum by (le, vector) "
                "(rate(irqwatch_vector_duration_seconds_bucket[5m])))"
            ),
        ),
        Metric(
            name="irqwatch_vector_duration_max_seconds",
            kind="gauge",
            labels=("vector",),
            help="Longest such interrupt seen in the last one to two minutes.",
            unit="seconds",
            meaning="The longest seen in the last one to two minutes.",
            example="topk(3, irqwatch_vector_duration_max_seconds)",
        ),
    ),
    shown=Shown("the local timer, other CPUs", view="hardirq"),
    slow_kinds=("vector",),
    stimulus="timer",
    words=Words(
        title="Vectors",
        event="a timer interrupt or IPI (entry, exit)",
        cost="1.0 µs from idle",
        before="""\
Vectors are the architecture's own interrupts, which are of no line: on x86 the local timer's and
those that CPUs send each other (IPIs). On arm64 these are of lines: the time of an IPI is in its
line's time too.
""",
        folded=(Folded("vectors (`vector`)", SHOWN_APART),),
    ),
)
