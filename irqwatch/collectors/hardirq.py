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
from irqwatch.base.follows import Follows
from irqwatch.base.interval import Interval
from irqwatch.base.measures import NS, counted, counting, durations, grouped, rate, share
from irqwatch.base.names import behind_labels, line_name, row_keys
from irqwatch.base.parts import Naming, Part
from irqwatch.base.reading import Reading
from irqwatch.base.rows import counted_again
from irqwatch.base.series import COUNTED_NS, OTHER, Bound, Labels, Member, MemberKey
from irqwatch.base.sheet import Exporting, Sheet
from irqwatch.cells import percent
from irqwatch.collectors import interrupt
from irqwatch.model.histogram import EMPTY, Histogram, merge
from irqwatch.model.snapshot import CountAndTime, Probe, Snapshot, Worst
from irqwatch.model.view import CpuPart, InterruptSource, Source

LINES_SHOWN_APART = Bound(32, 96)
THREADS_SHOWN_APART = Bound(4, 16)


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
    """Counts by line; times by handler, on all lines of a device together."""
    _count_lines(sheet, snapshot, exporting)
    for device, behind in behind_labels(exporting.devices, exporting.behind).items():
        sheet.values["irqwatch_behind_info"][device, behind] = 1
    _time_threads(sheet, snapshot, exporting)
    if snapshot.probe:
        _time(sheet, snapshot.probe, exporting)


def _count_lines(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    cpus, names = line_cpus(snapshot), exporting.labels.lines
    again = counted_again(snapshot.lines, snapshot.host.kernel)
    members: dict[MemberKey, Member] = {}
    had: list[Labels] = []
    rows = exporting.rows("interrupts")
    for line, (_, number) in zip(snapshot.lines, row_keys(snapshot.lines), strict=True):
        # What the kernel says of a row names the second one of a label.
        row = f"{line.label} {line.description}" if number else line.label
        name: Labels = (row,) if line.irq is None else names[line.irq]
        had.append((row,))
        count = rows.update((row,), name, line.counts, cpus, exporting.interval_ns)
        if line.irq is not None:
            member = (row, *name)
            members[member] = Member(name, count * COUNTED_NS, (count,))
        elif count or line.total is not None:
            # Zero too of what has no CPU: the first error must be a change, not the birth of a
            # series.
            of_its_own = line.label not in again
            metric = ARCHITECTURE if of_its_own else COUNTED_AGAIN
            sheet.values[metric][name] = count if line.total is None else line.total
    is_whole = not is_incomplete(snapshot)
    if is_whole:
        rows.keep_only(had)
    if members:
        _show_lines(sheet, snapshot, exporting, members, is_whole=is_whole)


ARCHITECTURE = "irqwatch_architecture_interrupts_total"
COUNTED_AGAIN = "irqwatch_interrupts_counted_again_total"


def _show_lines(
    sheet: Sheet,
    snapshot: Snapshot,
    exporting: Exporting,
    members: Mapping[MemberKey, Member],
    *,
    is_whole: bool,
) -> None:
    lines = exporting.groups("hardirq", "lines", LINES_SHOWN_APART, (OTHER, OTHER, OTHER))
    found = {member.group for member in members.values()}
    always = found if len(found) <= lines.limit else ()
    samples = sheet.values["irqwatch_interrupts_total"]
    counted = lines.update(members, exporting.now_ns, always, keeps_gone=not is_whole)
    samples.update({labels: total.counts[0] for labels, total in counted.items()})
    for labels in [labels for labels, count in samples.items() if not count]:
        del samples[labels]
    for line in snapshot.lines:
        name = exporting.labels.lines.get(line.irq or 0)
        if line.irq is not None and name in samples and name is not None:
            said = (str(line.irq), *name, ", ".join(line.actions))
            sheet.values["irqwatch_interrupt_info"][said] = 1


def _time_threads(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    threads = exporting.groups("hardirq", "irq_thread", THREADS_SHOWN_APART, (OTHER,))
    members: dict[MemberKey, Member] = {
        (str(thread.pid),): Member((exporting.device(thread.irq),), thread.cpu_ns, (thread.cpu_ns,))
        for thread in snapshot.threads
        if thread.kind == "irq_thread" and thread.irq is not None
    }
    for labels, total in threads.update(members, exporting.now_ns).items():
        if total.counts[0]:
            sheet.values["irqwatch_irq_thread_cpu_seconds_total"][labels] = total.counts[0] / NS


def _time(sheet: Sheet, probe: Probe, exporting: Exporting) -> None:
    times = HARDIRQS.of(probe)
    called = {(time.irq, time.action) for time in times}
    groups, always = interrupt.handlers(exporting, "hardirq", called, probe)
    members: dict[MemberKey, Member] = {}
    for time in times:
        member = (time.irq, time.action, time.cpu)
        ns = time.handled.sum_ns + time.not_mine_ns
        not_mine = (time.not_mine_count, time.not_mine_ns)
        group = exporting.labels.handler(time.irq, time.action)
        members[member] = Member(group, ns, not_mine, (time.handled,))
        exporting.take("hardirq", member, time.cpu, ns)
    for labels, total in groups.update(members, exporting.now_ns, always).items():
        count, ns = total.counts
        if total.times[0].count or count:
            sheet.histograms["irqwatch_hardirq_duration_seconds"][labels] = total.times[0]
        if count:
            sheet.values["irqwatch_hardirq_not_mine_total"][labels] = count
            sheet.values["irqwatch_hardirq_not_mine_seconds_total"][labels] = ns / NS
    for time in times:
        if time.worst:
            labels = groups.group((time.irq, time.action, time.cpu))
            sheet.note("irqwatch_hardirq_duration_max_seconds", labels, time.worst)


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
    chosen_by="device",
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
            labels=("device", "action"),
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
            labels=("device", "action"),
            help="Longest hard interrupt seen in the last one to two minutes.",
            unit="seconds",
            meaning=(
                "The longest run of a handler seen in the last one to two minutes, those that "
                'answered "not mine" too. A quantile cannot show a single long one.'
            ),
            example="topk(5, irqwatch_hardirq_duration_max_seconds)",
        ),
        Metric(
            name="irqwatch_hardirq_not_mine_total",
            kind="counter",
            labels=("device", "action"),
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
            labels=("device", "action"),
            help="Time a handler took to say that an interrupt was not its own.",
            unit="seconds",
            meaning="Time that those calls took: what the neighbour on the line costs.",
            example="topk(5, rate(irqwatch_hardirq_not_mine_seconds_total[5m]))",
        ),
        Metric(
            name="irqwatch_interrupts_total",
            kind="counter",
            labels=("device", "action", "queue"),
            help="Interrupts of a line, on all CPUs, as the kernel itself counts them.",
            unit="interrupts",
            meaning=(
                "The kernel's own count of each line of /proc/interrupts, on all CPUs; `action` "
                "names all that share the line."
            ),
            example="sum by (device) (rate(irqwatch_interrupts_total[5m]))",
        ),
        Metric(
            name="irqwatch_interrupt_info",
            kind="info",
            labels=("interrupt", "device", "action", "queue", "name"),
            help="The number that a line has now, and its actions as their drivers called them.",
            unit="always 1",
            meaning=(
                "The number that a line has now (`interrupt`), and its actions as their drivers "
                "called them (`name`). Of the lines that `irqwatch_interrupts_total` shows apart. "
                "No other metric has the number: it may be another after a reboot."
            ),
            example=(
                "rate(irqwatch_interrupts_total[5m]) * on (instance, device, action, queue) "
                "group_left (interrupt, name) irqwatch_interrupt_info"
            ),
        ),
        Metric(
            name="irqwatch_architecture_interrupts_total",
            kind="counter",
            labels=("row",),
            help="Interrupts of no line, on all CPUs, as the kernel itself counts them.",
            unit="interrupts",
            meaning=(
                "The kernel's own count of the other rows of /proc/interrupts, on all CPUs: the "
                "local timer's (`LOC`), other CPUs' (`RES`, `CAL`, `IPI0`), errors (`ERR`)."
            ),
            example="sum by (row) (rate(irqwatch_architecture_interrupts_total[5m]))",
        ),
        Metric(
            name="irqwatch_interrupts_counted_again_total",
            kind="counter",
            labels=("row",),
            help="Rows of /proc/interrupts that count no interrupts of their own.",
            unit="interrupts",
            meaning=(
                "Rows of /proc/interrupts that count again what others have, and so are not in "
                "`irqwatch_architecture_interrupts_total`: `EXT`, `I/O`, `AIO` and `MSI` on s390x; "
                "on x86 `TLB` (which are in `CAL`, since Linux 4.8), `PMI` (NMIs), `MIS` and `PMN` "
                "(in their lines), `MCP` and `RTR` (polls and retries); on Xen `HYP`, `RES`, `CAL` "
                "and `IWI`."
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
            labels=("device",),
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
                "handlers (`device`, `action`)",
                interrupt.HANDLERS_SHOWN_APART,
                interrupt.HANDLERS_AT_ONCE,
            ),
            Folded(
                "lines of `irqwatch_interrupts_total` (`device`, `action`, `queue`)",
                LINES_SHOWN_APART,
                "all, where the host has no more of them; an interrupt counts as a microsecond",
            ),
            Folded("threads of interrupts (`device`)", THREADS_SHOWN_APART),
        ),
    ),
)
