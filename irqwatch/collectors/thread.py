"""How long threads of interrupts wait and run: bpf/thread.c."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from irqwatch.base.collector import (
    LINE,
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
from irqwatch.base.follows import Follows
from irqwatch.base.interval import Interval
from irqwatch.base.measures import grouped, timed, waits
from irqwatch.base.parts import Naming, Part
from irqwatch.base.reading import Reading, histogram, string
from irqwatch.base.series import Member, MemberKey
from irqwatch.base.sheet import Exporting, Sheet
from irqwatch.collectors import interrupt
from irqwatch.model.histogram import EMPTY, Histogram, merge
from irqwatch.model.snapshot import CountAndTime, Probe, Snapshot, Worst
from irqwatch.model.view import Source


@dataclass(frozen=True, slots=True)
class ThreadTime:
    """The thread of one action on one line, on one CPU. ``latency`` is from the wake by its handler
    to its run, of the wakes that found it asleep; ``run`` its time on a CPU from one wait for an
    interrupt to the next, without the interrupts and softirqs inside."""

    irq: int
    action: str
    cpu: int
    latency: Histogram = EMPTY
    run: Histogram = EMPTY
    worst_latency: Worst | None = None
    worst_run: Worst | None = None


THREADS = Part("irq_threads", ThreadTime, ("irq", "action", "cpu"), {"action": Naming.DEVICE})


def decode(reading: Reading) -> Mapping[str, tuple[Any, ...]]:
    """Sorted. Actions of one name on one line count together."""
    at = reading.at("thread_times")
    found = (
        ThreadTime(
            irq=key.irq,
            action=string(value, at.name),
            cpu=key.cpu,
            latency=histogram(value, at.latency),
            run=histogram(value, at.run),
            worst_latency=reading.worst(value, at.worst_latency, key.cpu),
            worst_run=reading.worst(value, at.worst_run, key.cpu),
        )
        for key, value in reading.entries("threads")
    )
    merged = THREADS.merged(found)
    return {"irq_threads": tuple(sorted(merged, key=lambda one: (one.irq, one.action, one.cpu)))}


class ThreadSource(Source):
    """One an action on a line."""

    __slots__ = ()


def sources(interval: Interval) -> Iterator[Source]:
    """By line and action."""
    actions = grouped(THREADS.of(interval.probe), lambda part: (part.irq, part.action))
    for (irq, action), parts in actions.items():
        runs = ((part.cpu, part.run) for part in parts)
        yield ThreadSource(
            kind="thread",
            name=action,
            **timed(runs, (part.worst_run for part in parts), interval.ns),
            **waits(merge(part.latency for part in parts), (part.worst_latency for part in parts)),
            irq=irq,
            device=interval.devices.get(irq),
        )


def follows(probe: Probe) -> Iterator[Follows]:
    for part in THREADS.of(probe):
        runs = CountAndTime(part.run.count, part.run.sum_ns)
        yield Follows(part.irq, part.action, "thread", part.action, part.cpu, runs)


def export(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    """By handler, as hard interrupts."""
    probe = snapshot.probe
    if probe is None:
        return
    times = THREADS.of(probe)
    called = {(time.irq, time.action) for time in times}
    threads, always = interrupt.handlers(exporting, "thread", called, probe)
    members: dict[MemberKey, Member] = {}
    for time in times:
        group = exporting.labels.handler(time.irq, time.action)
        member = Member(group, time.run.sum_ns, (), (time.latency, time.run))
        members[time.irq, time.action, time.cpu] = member
    for labels, total in threads.update(members, exporting.now_ns, always).items():
        latency, run = total.times
        if latency.count or run.count:
            sheet.histograms["irqwatch_irq_thread_latency_seconds"][labels] = latency
            sheet.histograms["irqwatch_irq_thread_duration_seconds"][labels] = run
    for time in times:
        labels = threads.group((time.irq, time.action, time.cpu))
        sheet.note("irqwatch_irq_thread_latency_max_seconds", labels, time.worst_latency)
        sheet.note("irqwatch_irq_thread_duration_max_seconds", labels, time.worst_run)


# Of sched_switch: whether the task was preempted, which one leaves, which one comes.
TASK = "task_struct"
SWITCH = ("bool", "struct task_struct *", "struct task_struct *")


COLLECTOR = Collector(
    name="thread",
    what="the threads of interrupts",
    default=Default.WHERE_THREADS_ARE_FORCED,
    probed=Probed(
        file=None,
        hooks=(
            Hook("irqw_switch", "sched_switch", (*SWITCH, "u32")),
            # Before Linux 5.18 it is not handed what the task waits in (commit 9c2136be0878).
            Hook("irqw_switch", "sched_switch", SWITCH, (Field(TASK, "__state", ("u32",)),)),
            # … which had another name before 5.14 (commit 2f064a59a11f).
            Hook("irqw_switch", "sched_switch", SWITCH, (Field(TASK, "state", ("s64",)),)),
        ),
        needs=("hardirq",),
        fields=(
            Field("irqaction", "name", ("char *",)),
            Field("irqaction", "thread", ("struct task_struct *",)),
            Field("irqaction", "secondary", ("struct irqaction *",)),
            # A byte since Linux 7.2.
            Field(TASK, "on_cpu", ("s32", "u8")),
        ),
        constants=(("IRQ_WAKE_THREAD", 2),),
        tables=(
            Table("irq_threads", lambda size: max(256, 4 * size.lines), is_read=False),
            Table(
                "threads",
                lambda size: max(256, size.on_each_line()),
                Room.IDLE,
                is_of_line=interrupt.is_of_line,
            ),
        ),
        arrays=("thread_cpus",),
        losses_in="thread_cpus",
    ),
    parts=(THREADS,),
    decode=decode,
    sources=sources,
    follows=follows,
    export=export,
    chosen_by="device",
    keys=(
        Key("irq", "", "the line's number"),
        Key("device", "", "the device it belongs to"),
        Key("latency_p50_s", "seconds", "the median time from the wake by the handler to the run"),
        Key("latency_max_s", "seconds", "the longest such wait"),
        Key("worst", "", "the event of `max_s`"),
        Key(
            "worst_latency",
            "",
            "the event of `latency_max_s`; its task is the one that ran there before",
        ),
    ),
    metrics=(
        Metric(
            name="irqwatch_irq_thread_latency_seconds",
            kind="histogram",
            labels=("device", "action"),
            help="Time from the wake by its handler to the run of the thread of an interrupt.",
            unit="seconds",
            meaning=(
                "From the wake by the handler (IRQ_WAKE_THREAD) to the run of the thread, for "
                "wakes that found it asleep or waiting for a CPU."
            ),
            example=(
                "histogram_quantile(0.99, sum by (le, device) "
                "(rate(irqwatch_irq_thread_latency_seconds_bucket[5m])))"
            ),
        ),
        Metric(
            name="irqwatch_irq_thread_latency_max_seconds",
            kind="gauge",
            labels=("device", "action"),
            help="Longest such wait seen in the last one to two minutes.",
            unit="seconds",
            meaning="The longest such wait seen in the last one to two minutes.",
            example="topk(5, irqwatch_irq_thread_latency_max_seconds)",
        ),
        Metric(
            name="irqwatch_irq_thread_duration_seconds",
            kind="histogram",
            labels=("device", "action"),
            help=(
                "Time on a CPU that the thread of an interrupt took from one wait for it to the "
                "next."
            ),
            unit="seconds",
            meaning=(
                "Time on a CPU from one wait for an interrupt to the next, without the timed "
                "interrupts and softirqs inside."
            ),
            example="topk(5, rate(irqwatch_irq_thread_duration_seconds_sum[5m]))",
        ),
        Metric(
            name="irqwatch_irq_thread_duration_max_seconds",
            kind="gauge",
            labels=("device", "action"),
            help="Longest such run seen in the last one to two minutes.",
            unit="seconds",
            meaning="The longest such run seen in the last one to two minutes.",
            example="topk(5, irqwatch_irq_thread_duration_max_seconds)",
        ),
    ),
    shown=Shown("LAT99: wake to run", says=frozenset({LINE, TIME, RUN, WAIT}), colour="red"),
    words=Words(
        title="Threads of interrupts",
        event="a context switch",
        cost="0.2 µs",
        before="""\
What a handler leaves to a thread runs in `irq/N-…`. On PREEMPT_RT, and with `threadirqs` on its
command line, the kernel forces whole handlers into such threads. To time them, the collector looks
at each context switch.
""",
        after="""\
Where a handler that has a thread is itself forced into a thread, the one it had becomes the
action's second (`irq/N-s-…`): its runs are counted, and it has no latency. A wake that finds the
thread running is served without a wait and is in no histogram. A run that no handler asked for,
after a change of affinity, is `run_without_wake` in `irqwatch_lost_events_total`. On PREEMPT_RT a
softirq inside a thread may be preempted; its wall time is then left out, so runs may be a little
short.
""",
        json="""\
`name` is the action whose thread it is. Its time is time on a CPU, from one wait for an interrupt
to the next, without the interrupts and softirqs inside.
""",
        folded=(
            Folded(
                "threads of interrupts (`device`, `action`)",
                interrupt.HANDLERS_SHOWN_APART,
                interrupt.HANDLERS_AT_ONCE,
            ),
        ),
    ),
)
