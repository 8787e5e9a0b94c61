"""Findings 12, 13, 16, 21, 22, 28, 30: interrupts and CPUs that are in trouble of their own."""

from collections import defaultdict
from collections.abc import Iterator

from irqwatch.advise.facts import LineFacts
from irqwatch.advise.findings.rule import Case, Rule, Seen, irqs_of, moves_of
from irqwatch.model.action import (
    AskDeviceLess,
    PartDevices,
    SetAdaptive,
    SetPriority,
    SetThreaded,
    SetWakeLimit,
    ShowCoalescing,
    ShowPci,
    ShowUnhandled,
    TraceSlower,
    UpdateDriver,
)
from irqwatch.model.evidence import (
    DeepIdle,
    Ksoftirqd,
    Late,
    LateKind,
    SharedLine,
    Storm,
    ThreadPriority,
    Unhandled,
)
from irqwatch.model.snapshot import Worst
from irqwatch.model.tuning import RealtimeTask
from irqwatch.model.view import Source


def unhandled(case: Case) -> Iterator[Seen]:
    for line in case.facts.lines:
        if line.unhandled:
            yield Seen(
                Unhandled(line.named, line.unhandled, case.facts.seconds),
                (ShowUnhandled(line.irq), UpdateDriver()),
                irqs=(line.irq,),
                device=line.device,
            )


def storm(case: Case) -> Iterator[Seen]:
    if case.facts.goal == "latency":
        return
    for line in case.facts.lines:
        rate, usual = line.rate, line.baseline_rate
        if rate < case.limit("storm_rate"):
            continue
        if usual is not None and rate < case.limit("storm_ratio") * usual:
            continue
        if line.handler_s is not None and line.handler_s > case.limit("storm_handler"):
            continue
        is_net = line.kind == "net"
        is_guess = usual is None or line.handler_s is None
        yield Seen(
            Storm(line.named, rate, usual, line.handler_s),
            (ShowCoalescing(line.device), SetAdaptive(line.device, on=True))
            if is_net
            else (AskDeviceLess(),),
            (SetAdaptive(line.device, on=False),) if is_net else (),
            (line.irq,),
            tuple(sorted(line.current)),
            line.device,
            confidence="low" if is_guess else "",
        )


def ksoftirqd(case: Case) -> Iterator[Seen]:
    for cpu, one in case.facts.cpus.items():
        if one.ksoftirqd is None or one.ksoftirqd <= case.limit("ksoftirqd"):
            continue
        lines = [line for line in case.facts.lines if cpu in line.current]
        counting = [line for line in lines if case.facts.counts(line)]
        moves = moves_of(case, irqs_of(counting))
        devices = sorted({line.device for line in counting if line.kind == "net"})
        yield Seen(
            Ksoftirqd(cpu, one.ksoftirqd),
            moves[0] or tuple(SetThreaded(device, on=True) for device in devices),
            moves[1] or tuple(SetThreaded(device, on=False) for device in devices),
            irqs_of(counting),
            (cpu,),
            severity="critical" if one.ksoftirqd > 0.8 else "",
        )


def shared_line(case: Case) -> Iterator[Seen]:
    for line in case.facts.lines:
        if len(line.line.actions) < 2 or not case.facts.counts(line):
            continue
        handled: defaultdict[str, float] = defaultdict(float)
        not_mine: defaultdict[str, float] = defaultdict(float)
        count = 0
        wasted = 0
        for source in line.sources:
            if source.seconds is None or source.not_mine_seconds is None:
                continue
            handled[source.name] += source.seconds - source.not_mine_seconds
            not_mine[source.name] += source.not_mine_seconds
            count += source.count
            wasted += source.not_mine_count or 0
        if not count or wasted < case.limit("not_mine") * count:
            continue
        busy = max(handled, key=lambda name: handled[name])
        neighbours = {
            name: seconds / case.facts.seconds
            for name, seconds in sorted(not_mine.items())
            if seconds
        }
        yield Seen(
            SharedLine(line.irq, busy, wasted / count, neighbours),
            (ShowPci(), PartDevices()),
            irqs=(line.irq,),
            cpus=tuple(sorted(line.current)),
            device=line.device,
        )


def thread_priority(case: Case) -> Iterator[Seen]:
    windows = case.facts.windows
    first, last = windows[0].before.tuning, windows[-1].after.tuning
    if first is None or last is None:
        return
    before = {task.pid: task.cpu_ns for task in first.tasks}

    def share(task: RealtimeTask) -> float:
        """Of one CPU, since the first sample."""
        return max(0, task.cpu_ns - before.get(task.pid, task.cpu_ns)) / 1e9 / case.facts.seconds

    for thread in last.tasks:
        if thread.irq is None or thread.irq not in case.facts.by_irq:
            continue
        line = case.facts.by_irq[thread.irq]
        above = [
            task
            for task in last.tasks
            if task.irq is None
            and task.cpu == thread.cpu
            and task.priority > thread.priority
            and share(task) >= case.limit("task_share")
        ]
        if above and line.rate:
            most = max(above, key=share)
            yield Seen(
                ThreadPriority(
                    thread.name,
                    thread.priority,
                    most.name,
                    most.pid,
                    most.priority,
                    share(most),
                    thread.cpu,
                ),
                (SetPriority(thread.pid, min(99, most.priority + 1)),),
                (SetPriority(thread.pid, thread.priority),),
                (thread.irq,),
                (thread.cpu,),
                line.device,
            )


def deep_idle(case: Case) -> Iterator[Seen]:
    if case.facts.goal != "latency" or case.facts.tuning.is_guest:
        return
    deep = {
        cpu: us
        for cpu, us in case.facts.tuning.idle_exit_us.items()
        if us > case.limit("idle_exit")
    }
    cpus = sorted(
        {
            cpu
            for line in case.facts.lines
            if case.facts.counts(line)
            for cpu in _planned(case, line)
            if cpu in deep
        }
    )
    if cpus:
        limit = int(case.limit("idle_exit"))
        yield Seen(
            DeepIdle(frozenset(cpus), max(deep[cpu] for cpu in cpus) / 1e6),
            tuple(SetWakeLimit(cpu, limit) for cpu in cpus),
            tuple(SetWakeLimit(cpu, 0) for cpu in cpus),
            cpus=tuple(cpus),
        )


def _planned(case: Case, line: LineFacts) -> frozenset[int]:
    """Where it will run."""
    move = case.placed.move_of.get(line.irq)
    return move.to if move else line.current


# What of each kind tells how long something took or waited, and the threshold for it.
LATE: dict[LateKind, tuple[str, str]] = {
    "timer": ("timer_latency", "worst_latency"),
    "softirq": ("softirq_latency", "worst_latency"),
    "hardirq": ("hardirq_max", "worst"),
}


def late(case: Case) -> Iterator[Seen]:
    worst: dict[tuple[LateKind, int], tuple[Source, Worst]] = {}
    is_guest = case.facts.tuning.is_guest
    for window in case.facts.windows:
        for source in window.view.sources:
            kind = next((one for one in LATE if one == source.kind), None)
            if kind is None:
                continue
            limit, of = LATE[kind]
            story = getattr(source, of)
            if story is None or story.ns / 1e9 <= case.limit(limit):
                continue
            if story.pid or not is_guest:
                _keep(worst, kind, source, story)
    for what in LATE:
        told = [of for (of_kind, _), of in sorted(worst.items()) if of_kind == what]
        if told:
            yield _late_of(case, what, told)


def _late_of(case: Case, kind: LateKind, told: list[tuple[Source, Worst]]) -> Seen:
    """The longest, and on which CPUs there was one."""
    source, story = max(told, key=lambda one: one[1].ns)
    cpus = sorted(one.cpu for _, one in told)
    limit = case.limit(LATE[kind][0])
    return Seen(
        Late(
            kind,
            source.name,
            story.cpu,
            story.ns / 1e9,
            story.pid,
            story.comm,
            frozenset(cpus),
        ),
        (TraceSlower(story.cpu, source.irq, limit),),
        irqs=(source.irq,) if source.irq is not None else (),
        cpus=tuple(cpus),
        device=source.device or "",
        severity="warning" if story.ns / 1e9 > case.limit("late_warning") * limit else "",
    )


def _keep(
    worst: dict[tuple[LateKind, int], tuple[Source, Worst]],
    kind: LateKind,
    source: Source,
    story: Worst,
) -> None:
    known = worst.get((kind, story.cpu))
    if known is None or known[1].ns < story.ns:
        worst[kind, story.cpu] = (source, story)


RULES = (
    Rule(
        12,
        "unhandled",
        "Interrupts that no driver takes",
        "critical",
        "At 99,900 of 100,000 the kernel disables the line (kernel/irq/spurious.c), and its "
        "devices stop.",
        "never a matter of affinity",
        unhandled,
    ),
    Rule(
        13,
        "storm",
        "An interrupt storm",
        "warning",
        "Entering and leaving the interrupt is most of the cost; gathering several saves it.",
        "latency matters more than throughput; timers",
        storm,
        "medium",
    ),
    Rule(
        16,
        "ksoftirqd",
        "ksoftirqd is busy",
        "warning",
        "More softirqs come than are served at once; the rest wait for their turn among tasks.",
        "it is one elephant flow, which no split divides",
        ksoftirqd,
    ),
    Rule(
        21,
        "shared-line",
        "A shared line with a busy device",
        "warning",
        "Each interrupt calls every driver on the line; all but one find nothing to do.",
        "no device on it can do MSI",
        shared_line,
    ),
    Rule(
        22,
        "thread-priority",
        "An interrupt thread below a busy real-time task",
        "warning",
        "The thread waits while the task runs, and the line stays masked as long.",
        "the task is meant to come first",
        thread_priority,
        "medium",
    ),
    Rule(
        28,
        "deep-idle",
        "Deep idle states where interrupts land",
        "info",
        "An interrupt that wakes the CPU waits for that first.",
        "power is the goal; in a virtual machine the host decides",
        deep_idle,
    ),
    Rule(
        30,
        "late",
        "Something kept interrupts, softirqs or timers waiting",
        "info",
        "The worst case is what an audio stream, a trade or a heartbeat feels.",
        "a virtual machine, and the CPU was idle: then the host was late, not the guest",
        late,
        "medium",
    ),
)
