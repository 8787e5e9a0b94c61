"""Hard interrupts: how long each action on each line takes, and whether the interrupt was its own:
bpf/hardirq.c. And the kernel's own count of them, which needs no probe."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from irqwatch.base.collector import (
    LINE,
    RUN,
    TIME,
    Collector,
    Field,
    Folded,
    Hook,
    Key,
    Metric,
    Probed,
    Shown,
    Words,
)
from irqwatch.base.columns import is_incomplete, line_cpus
from irqwatch.base.fold import (
    CPUS_SHOWN_APART,
    DEVICES_SHOWN_APART,
    LINE_CPU_PAIRS,
    LINES_SHOWN_APART,
    OTHER,
    Labels,
    Vector,
    add,
    by_cpu,
    to_bounds,
)
from irqwatch.base.follows import Follows
from irqwatch.base.interval import Interval
from irqwatch.base.measures import NS, counted, counting, durations, grouped, rate, share
from irqwatch.base.names import behind_labels, line_name, row_keys
from irqwatch.base.parts import Naming, Part
from irqwatch.base.reading import Reading
from irqwatch.base.rows import counted_again
from irqwatch.base.sheet import Exporting, Sheet
from irqwatch.cells import percent
from irqwatch.collectors import interrupt
from irqwatch.model.histogram import EMPTY, Histogram, merge
from irqwatch.model.snapshot import CountAndTime, Line, Probe, Snapshot, Worst
from irqwatch.model.topology import NR_CPUS
from irqwatch.model.view import CpuPart, InterruptSource, Source


@dataclass(frozen=True, slots=True)
class HardirqTime:
    """Hard interrupts of one action on one line on one CPU. ``handled`` holds those the action
    took; those it answered with IRQ_NONE ("not mine") are counted apart."""

    irq: int
    action: str
    cpu: int
    handled: Histogram = EMPTY
    not_mine_count: int = 0
    not_mine_ns: int = 0
    worst: Worst | None = None
    softirqs: Mapping[str, CountAndTime] = field(default_factory=dict)  # that it caused, by vector


HARDIRQS = Part("hardirqs", HardirqTime, ("irq", "action", "cpu"), {"action": Naming.DEVICE})


def decode(reading: Reading) -> Mapping[str, tuple[Any, ...]]:
    """A line that was freed and set up again has a new struct irqaction under the same name, and a
    line may be shared by actions of one name: they count together."""
    found = (
        HardirqTime(
            irq=entry.irq,
            action=entry.name,
            cpu=entry.cpu,
            handled=entry.handled,
            not_mine_count=entry.not_mine_count,
            not_mine_ns=entry.not_mine_ns,
            worst=entry.worst,
            softirqs=entry.softirqs,
        )
        for entry in interrupt.entries(reading, of_lines=True)
    )
    return {"hardirqs": HARDIRQS.merged(found)}


@dataclass(frozen=True, slots=True, kw_only=True)
class HardirqSource(InterruptSource):
    """One action on a line; all of a line's where only the kernel counted it. ``not_mine_*`` is the
    part of count and seconds that the action answered with IRQ_NONE."""

    not_mine_count: int | None = None
    not_mine_seconds: float | None = None

    def phrases(self) -> Iterator[str]:
        if self.not_mine_count:
            yield f"{percent(self.not_mine_count / self.count)} not mine"


def sources(interval: Interval) -> list[Source]:
    """By line and action."""
    times = HARDIRQS.of(interval.probe)
    fired = [part for part in times if part.handled.buckets or part.not_mine_count or part.softirqs]
    timed_lines = {part.irq for part in fired}
    actions = grouped(fired, lambda part: (part.irq, part.action))
    found = [_timed(irq, action, parts, interval) for (irq, action), parts in actions.items()]
    for line in interval.lines:
        if line.irq is not None and line.irq not in timed_lines:
            found.append(
                # One source for all actions of a shared line: the kernel counts the line, not them.
                HardirqSource(
                    kind="hardirq",
                    name=line_name(line),
                    **counted(line.counts, interval.ns),
                    irq=line.irq,
                    device=interval.devices.get(line.irq),
                )
            )
    return sorted(found, key=lambda source: (source.irq or 0, source.name))


def quiet(interval: Interval, irq: int | None, action: str) -> Source | None:
    if irq is None:
        return None
    return HardirqSource(
        kind="hardirq",
        name=action,
        count=0,
        seconds=0.0,
        rate=0.0,
        cpus={},
        irq=irq,
        device=interval.devices.get(irq),
    )


def _timed(irq: int, action: str, parts: list[HardirqTime], interval: Interval) -> HardirqSource:
    handled = merge(part.handled for part in parts)
    not_mine_count = sum(part.not_mine_count for part in parts)
    not_mine_ns = sum(part.not_mine_ns for part in parts)
    cpus = {
        part.cpu: CpuPart(
            part.handled.count + part.not_mine_count,
            (part.handled.sum_ns + part.not_mine_ns) / NS,
        )
        for part in parts
    }
    count = handled.count + not_mine_count
    seconds = (handled.sum_ns + not_mine_ns) / NS
    return HardirqSource(
        kind="hardirq",
        name=action,
        count=count,
        seconds=seconds,
        rate=rate(count, interval.ns),
        cpus=counting(cpus),
        irq=irq,
        device=interval.devices.get(irq),
        share=share(seconds, interval.ns),
        **durations(handled, (part.worst for part in parts)),
        not_mine_count=not_mine_count,
        not_mine_seconds=not_mine_ns / NS,
    )


def follows(probe: Probe) -> Iterator[Follows]:
    for part in HARDIRQS.of(probe):
        yield from interrupt.follows(part.irq, part.action, part.cpu, part.softirqs)


def cpu_ns(probe: Probe) -> Iterable[tuple[int, int]]:
    return ((part.cpu, part.handled.sum_ns + part.not_mine_ns) for part in HARDIRQS.of(probe))


def coverage(interval: Interval) -> tuple[int, int]:
    """Without the lines of which the probe has never seen an interrupt: handle_nested_irq() in
    kernel/irq/chip.c, which serves the lines behind PMICs and I2C expanders, counts and fires no
    tracepoint. So a line is left out too while all its interrupts so far were lost, except to a
    full map."""
    actions: dict[int, dict[str, int]] = {}
    times = HARDIRQS.of(interval.probe)
    for part in times:
        by_action = actions.setdefault(part.irq, {})
        count = part.handled.count + part.not_mine_count if part.cpu in interval.line_cpus else 0
        by_action[part.action] = by_action.get(part.action, 0) + count
    counted_by_kernel = seen = 0
    losses = interval.probe.losses.get("hardirq", {}) if interval.probe else {}
    # A line the probe has nothing of may be one it should have: its map was full, or it is
    # blind, since a nested interrupt comes by that of its parent, which is seen.
    unseen_are_missed = not times or "map_full" in losses
    for line in interval.lines:
        if line.irq is not None and (line.irq in actions or unseen_are_missed):
            counts = actions.get(line.irq, {"": 0}).values()
            counted_by_kernel += sum(line.counts.values())
            # Each action of a shared line is called for each of its interrupts.
            seen += max(counts) if len(line.actions) > 1 else sum(counts)
    return counted_by_kernel, seen


def export(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    """By line and action, else by device."""
    _count_lines(sheet, snapshot, exporting)
    for device, behind in behind_labels(exporting.devices, exporting.behind).items():
        sheet.values["irqwatch_behind_info"][device, behind] = 1
    _time_threads(sheet, snapshot, exporting)
    if snapshot.probe:
        _time(sheet, snapshot.probe, exporting)


def _count_lines(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    detail, sums = exporting.detail, exporting.cpu_sums("lines")
    cpus = line_cpus(snapshot)
    again = counted_again(snapshot.lines, snapshot.host.kernel)
    had = []
    for line, (_, number) in zip(snapshot.lines, row_keys(snapshot.lines), strict=True):
        labels = _line_labels(line, number, exporting)
        if line.irq is None and line.label in again:
            labels, name = (line.label,), "irqwatch_interrupts_counted_again_total"
        else:
            name = "irqwatch_interrupts_total"
        samples = sheet.values[name]
        had.append(labels)
        many = (
            len(line.counts) > detail.cpus_per_line if line.irq is not None else not detail.by_cpu
        )
        samples.update(by_cpu(sums, labels, line.counts, cpus, exporting.interval_ns, many=many))
        if line.total is not None:
            # Zero too: the first error must be a change, not the birth of a series.
            of_all_cpus = (*labels, "")
            samples[of_all_cpus] = line.total
    if not is_incomplete(snapshot):
        sums.keep_only(had)


def _line_labels(line: Line, number: int, exporting: Exporting) -> Labels:
    """``number`` tells rows of one label apart: what the kernel says of it names the second one."""
    if line.irq is None:
        return line.label, line.description if number else "", ""
    return str(line.irq), ", ".join(line.actions), exporting.device(line.irq)


def _time_threads(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    by_line = exporting.detail.by_line
    other = (OTHER, OTHER) if by_line else ("", OTHER)
    threads = exporting.groups("irq_thread", exporting.detail.lines, other)
    members: dict[Labels, tuple[Labels, Vector]] = {
        (str(thread.pid),): (
            (str(thread.irq) if by_line else "", exporting.device(thread.irq)),
            (thread.cpu_ns,),
        )
        for thread in snapshot.threads
        if thread.kind == "irq_thread" and thread.irq is not None
    }
    for labels, (cpu_ns,) in threads.update(members).items():
        sheet.values["irqwatch_irq_thread_cpu_seconds_total"][labels] = cpu_ns / NS


def _time(sheet: Sheet, probe: Probe, exporting: Exporting) -> None:
    by_line = exporting.detail.by_line
    other = (OTHER, OTHER, OTHER) if by_line else ("", "", OTHER)
    lines = exporting.groups("hardirq", exporting.detail.lines, other)
    cpus = exporting.groups("hardirq by cpu", NR_CPUS, (OTHER,))
    members: dict[Labels, tuple[Labels, Vector]] = {}
    of_cpus: dict[Labels, tuple[Labels, Vector]] = {}
    times = HARDIRQS.of(probe)
    for time in times:
        member = (str(time.irq), time.action)
        device = exporting.device(time.irq)
        group: Labels = (*member, device) if by_line else ("", "", device)
        counters = (time.not_mine_count, time.not_mine_ns, *to_bounds(time.handled))
        before = members.get(member)
        members[member] = group, add(before[1], counters) if before else counters
        part, ns = (*member, str(time.cpu)), time.handled.sum_ns + time.not_mine_ns
        before = of_cpus.get(part)
        of_cpus[part] = part[-1:], add(before[1], (ns,)) if before else (ns,)
    for labels, (ns,) in cpus.update(of_cpus).items():
        sheet.values["irqwatch_hardirq_seconds_total"][labels] = ns / NS
    for labels, (count, ns, *handled) in lines.update(members).items():
        sheet.histograms["irqwatch_hardirq_duration_seconds"][labels] = tuple(handled)
        if count:
            sheet.values["irqwatch_hardirq_not_mine_total"][labels] = count
            sheet.values["irqwatch_hardirq_not_mine_seconds_total"][labels] = ns / NS
    for time in times:
        group = lines.group((str(time.irq), time.action))
        sheet.note("irqwatch_hardirq_duration_max_seconds", group, time.worst)


COLLECTOR = Collector(
    name="hardirq",
    what="hard interrupts",
    is_interrupt=True,
    is_needed_for_causes=True,
    probed=Probed(
        file="hardirq.c",
        hooks=(
            Hook("irqw_irq_exit", "irq_handler_exit", ("s32", "struct irqaction *", "s32")),
            Hook("irqw_irq_entry", "irq_handler_entry", ("s32", "struct irqaction *")),
        ),
        fields=(Field("irqaction", "name", ("char *",)), Field("irqaction", "flags", ("u32",))),
        constants=(("IRQ_NONE", 0),),
        tables=(interrupt.TABLE,),
    ),
    parts=(HARDIRQS,),
    decode=decode,
    sources=sources,
    quiet=quiet,
    follows=follows,
    coverage=coverage,
    cpu_ns=cpu_ns,
    export=export,
    keys=(
        Key("irq", "", "the line's number"),
        Key("device", "", "the device it belongs to, such as `eth0`"),
        Key(
            "not_mine_count",
            "events",
            'the part of `count` that the action answered with "not mine" (IRQ_NONE): on a '
            "shared line each action is asked. `p50_s` and `p99_s` are of the others, `max_s` and "
            "`worst` of all",
        ),
        Key("not_mine_seconds", "seconds", "the part of `seconds` that went into those"),
        Key("worst", "", "the event of `max_s`: see below"),
        Key("whole_share", "of one CPU's time", "`share` and that of all it caused"),
        Key("caused", "", "what followed from it: see below"),
    ),
    metrics=(
        Metric(
            name="irqwatch_hardirq_duration_seconds",
            kind="histogram",
            labels=("irq", "action", "device"),
            help="Time a handler took for one hard interrupt that it handled.",
            unit="seconds",
            meaning="How long a handler ran for an interrupt of its own; the sum is all that time.",
            example=(
                "histogram_quantile(0.99, sum by (le, device, action) "
                "(rate(irqwatch_hardirq_duration_seconds_bucket[5m])))"
            ),
        ),
        Metric(
            name="irqwatch_hardirq_duration_max_seconds",
            kind="gauge",
            labels=("irq", "action", "device"),
            help="Longest hard interrupt seen in the last one to two minutes.",
            unit="seconds",
            meaning=(
                "The longest run of a handler seen in the last one to two minutes, those that "
                'answered "not mine" too. A quantile cannot show a single long one.'
            ),
            example="topk(5, irqwatch_hardirq_duration_max_seconds)",
        ),
        Metric(
            name="irqwatch_hardirq_seconds_total",
            kind="counter",
            labels=("cpu",),
            help="Time a CPU spent in hard interrupt handlers, those that were not mine included.",
            unit="seconds",
            meaning=(
                'Time a CPU spent in hard interrupt handlers, those that answered "not mine" '
                "included. Its rate is a share of the CPU, 0 to 1."
            ),
            example="rate(irqwatch_hardirq_seconds_total[5m])",
        ),
        Metric(
            name="irqwatch_hardirq_not_mine_total",
            kind="counter",
            labels=("irq", "action", "device"),
            help=(
                "Hard interrupts that a handler answered with IRQ_NONE: another device's on a "
                "shared line."
            ),
            unit="interrupts",
            meaning=(
                'Calls of a handler that it answered with "not mine" (IRQ_NONE): the interrupt was '
                "another's on a shared line."
            ),
            example="rate(irqwatch_hardirq_not_mine_total[5m])",
        ),
        Metric(
            name="irqwatch_hardirq_not_mine_seconds_total",
            kind="counter",
            labels=("irq", "action", "device"),
            help="Time a handler took to say that an interrupt was not its own.",
            unit="seconds",
            meaning="Time that those calls took: what the neighbour on the line costs.",
            example="topk(5, rate(irqwatch_hardirq_not_mine_seconds_total[5m]))",
        ),
        Metric(
            name="irqwatch_interrupts_total",
            kind="counter",
            labels=("irq", "action", "device", "cpu"),
            help="Interrupts as the kernel itself counts them in /proc/interrupts.",
            unit="interrupts",
            meaning=(
                "The kernel's own count of each row of /proc/interrupts. `irq` is the number of "
                "a line, or the label of an architecture row (`LOC`, `IPI0`, `ERR`); `action` "
                "names all that share the line."
            ),
            example='sum by (device) (rate(irqwatch_interrupts_total{device!=""}[5m]))',
        ),
        Metric(
            name="irqwatch_interrupts_counted_again_total",
            kind="counter",
            labels=("row", "cpu"),
            help="Rows of /proc/interrupts that count no interrupts of their own.",
            unit="interrupts",
            meaning=(
                "Rows of /proc/interrupts that count again what others have, and so are not in "
                "`irqwatch_interrupts_total`: `EXT`, `I/O`, `AIO` and `MSI` on s390x; on x86 `TLB` "
                "(which are in `CAL`, since Linux 4.8), `PMI` (NMIs), `MIS` and `PMN` (in their "
                "lines), `MCP` and `RTR` (polls and retries); on Xen `HYP`, `RES`, `CAL` and `IWI`."
            ),
            example="sum by (row) (rate(irqwatch_interrupts_counted_again_total[5m]))",
        ),
        Metric(
            name="irqwatch_behind_info",
            kind="info",
            labels=("device", "behind"),
            help="What hangs behind a host adapter: disks, USB devices.",
            unit="always 1",
            meaning=(
                "The disks and USB devices behind an adapter that has no name but its address: "
                "`sda, sdb`, of more than two `sda +23`. `device` is that of the other metrics: "
                "of a line that several devices share, all of them. It is looked up each minute. "
                "No other metric has them, as they come and go."
            ),
            example=(
                "sum by (instance, device) (rate(irqwatch_interrupts_total[5m])) "
                "* on (instance, device) group_left (behind) irqwatch_behind_info"
            ),
        ),
        Metric(
            name="irqwatch_irq_thread_cpu_seconds_total",
            kind="counter",
            labels=("irq", "device"),
            help="CPU time of the threads that handle interrupts outside of interrupt context.",
            unit="seconds",
            meaning=(
                "CPU time of the threads `irq/N-…`, in which a part of a handler runs as a task "
                "(all of it with `threadirqs` or on PREEMPT_RT). That part is in none of the "
                "metrics above."
            ),
            example="topk(5, rate(irqwatch_irq_thread_cpu_seconds_total[5m]))",
        ),
    ),
    shown=Shown(
        "one action of a line; P50, P99 and WORST are of the runs it took as its own, "
        'RATE/S and CPU also of those it answered "not mine"',
        digit="2",
        says=frozenset({LINE, TIME, RUN}),
        colour="red",
    ),
    slow_kinds=("hardirq",),
    words=Words(
        title="Hard interrupts",
        event="a hard interrupt (entry, exit)",
        cost="0.8 µs with the probe's cold caches, one interrupt at a time",
        folded=(
            Folded(
                "hard interrupt times (`irq`, `action`, `device`)",
                f"up to {LINES_SHOWN_APART} lines, or with `--collector.hardirq.histograms=line`",
                "by `device`; `irq` and `action` are empty. At most "
                f'{DEVICES_SHOWN_APART} devices, the rest is `device="other"`',
            ),
            Folded(
                "`irqwatch_interrupts_total` of a line, by `cpu`",
                f"while it has fired on at most {LINE_CPU_PAIRS} / (number of lines) CPUs, or one",
                "one sum, `cpu` empty",
            ),
            Folded(
                "architecture rows, and `irqwatch_softirqs_total`, by `cpu`",
                f"up to {CPUS_SHOWN_APART} CPUs",
                "one sum, `cpu` empty",
            ),
        ),
    ),
)
