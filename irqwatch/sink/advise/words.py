"""What the advice found and decided, as sentences. How its actions are typed is in commands.py."""

from collections.abc import Mapping
from functools import singledispatch

from irqwatch.model import evidence as seen_as
from irqwatch.model.evidence import Evidence
from irqwatch.model.plan import (
    Busier,
    CannotTell,
    GainIsNoise,
    Immovable,
    Improves,
    Move,
    NodeFull,
    NoneBetter,
    NothingCounts,
    NothingMovable,
    OtherNode,
    Outside,
    Plan,
    Stays,
    WhyOutside,
)
from irqwatch.sink.advise import text


def _gap(gap: float | None) -> str:
    return "gap not known" if gap is None else f"gap {text.share(gap)}"


def verdict(plan: Plan) -> str:
    """One line: what changes and how good that is, or why nothing should."""
    now, planned, bound = (
        text.load(value, plan.weighed_by)
        for value in (plan.busiest_now, plan.busiest_planned, plan.lower_bound)
    )
    some = (
        " that can be read" if any(lack.part == "interrupts" for lack in plan.unavailable) else ""
    )
    match plan.verdict:
        case CannotTell(reason):
            return f"it cannot be told what to change, for the interrupts are hidden: {reason}"
        case Improves():
            proof = "proven best" if plan.exact else _gap(plan.gap)
            moves = text.counted(len(plan.moves), "move")
            return f"busiest CPU {now} now, {planned} planned; bound {bound} ({proof}); {moves}"
        case NothingCounts(idle):
            why = f"no interrupt{some} takes as much as {text.load(idle, plan.weighed_by)}"
        case NothingMovable():
            of_device = ", and that --device names," if plan.left_out else ""
            why = f"none of the interrupts{some} that count{of_device} can be moved"
        case GainIsNoise(noise):
            why = (
                f"the busiest CPU is at {now}, no plan gets it below {bound}, "
                f"and a gain of less than {text.load(noise, plan.weighed_by)} is noise"
            )
        case NoneBetter():
            why = f"the busiest CPU is at {now}, and no better plan was found (bound {bound})"
    return f"change nothing: {why}"


OUTSIDE: Mapping[WhyOutside, str] = {
    "reserved": "is kept free of interrupts (isolated or nohz_full)",
    "unwanted": "is not one of those wanted",
    "can-sleep": "can sleep: fewer CPUs bear all of it",
    "late-timers": "is late to run its timers",
}


def reason(move: Move, weighed_by: str) -> str:
    """Why a line moves."""
    here, to = text.cpus(move.effective), text.cpus(move.to)
    match move.reason:
        case Outside(cpus, why):
            return f"CPU {text.cpus(cpus)} {OUTSIDE[why]}"
        case NodeFull(node):
            return f"CPU {here} is too busy and node {node}, its device's own, is full"
        case OtherNode(node):
            return f"its device is on node {node}, as CPU {to} is and CPU {here} is not"
        case Busier(load, to_load):
            busy = text.load(load, weighed_by)
            does = (
                f"spends {busy} in interrupts"
                if weighed_by == "time"
                else f"takes {busy} interrupts"
            )
            return f"CPU {here} {does}, CPU {to} {text.load(to_load, weighed_by)}"


def reasons(plan: Plan) -> dict[int, str]:
    """Line → why it moves."""
    return {move.line.irq: reason(move, plan.weighed_by) for move in plan.moves}


STAYS: Mapping[Stays, str] = {
    Stays.NOT_READ: "where it may run is not known: /proc/irq/{irq} was not read",
    Stays.NOT_PLACED: "the kernel does not place it: a per-CPU interrupt, or one whose controller "
    "cannot",
    Stays.MANAGED: "managed by the kernel: /proc/irq/{irq}/smp_affinity is read-only",
    Stays.LIKELY_MANAGED: "a queue of its driver's, which the kernel most likely manages: a write "
    "gives EIO",
    Stays.CPU_UNKNOWN: "not known on which CPU it runs",
    Stays.OTHER_DEVICE: "left out by --device",
}


def stays(one: Immovable) -> str:
    """Why a line does not move."""
    return STAYS[one.reason].format(irq=one.line.irq)


@singledispatch
def evidence(seen: Evidence, weighed_by: str) -> str:
    """What was seen, with its numbers: a function for each kind, in the order of the rules."""
    raise TypeError(f"no words for {type(seen).__name__}")


@evidence.register
def _one_cpu_device(seen: seen_as.OneCpuDevice, weighed_by: str) -> str:
    load, of_cpu = text.load(seen.load, weighed_by), text.load(seen.cpu_load, weighed_by)
    return (
        f"{len(seen.irqs)} busy queues of {seen.device} ({text.some(seen.irqs)}) share "
        f"CPU {seen.cpu}: {load} of its {of_cpu} in interrupts"
    )


@evidence.register
def _remote_node(seen: seen_as.RemoteNode, weighed_by: str) -> str:
    return (
        f"{text.line(seen.line)} runs on CPU {text.cpus(seen.cpus)}, node "
        f"{text.cpus(seen.cpu_nodes)}; its device is on node {seen.device_node}; "
        f"it takes {text.load(seen.load, weighed_by)}"
    )


@evidence.register
def _too_many_queues(seen: seen_as.TooManyQueues, weighed_by: str) -> str:
    cores = text.counted(seen.cores, "core")
    return f"{seen.device} has {seen.queues} queues for {cores} that may take interrupts"


@evidence.register
def _too_few_queues(seen: seen_as.TooFewQueues, weighed_by: str) -> str:
    return (
        f"{seen.device} has {seen.queues} of {seen.cores} possible queues, and softirqs take "
        f"{text.share(seen.softirq_share)} of CPU {seen.cpu}"
    )


@evidence.register
def _siblings(seen: seen_as.Siblings, weighed_by: str) -> str:
    return (
        f"CPUs {text.cpus(seen.cpus)} are threads of one core, and interrupts "
        f"{text.some(seen.irqs)} run on both, while other cores have none"
    )


@evidence.register
def _reserved_cpu(seen: seen_as.ReservedCpu, weighed_by: str) -> str:
    return (
        f"{text.line(seen.line)} runs on CPU {text.cpus(seen.cpus)}, which is isolated or "
        f"nohz_full: {seen.rate:.1f} a second"
    )


@evidence.register
def _read_only_lines(seen: seen_as.ReadOnlyLines, weighed_by: str) -> str:
    take = "takes" if len(seen.lines) == 1 else "take"
    return (
        f"{text.counted(len(seen.lines), 'interrupt')} that {take} "
        f"{text.load(seen.load, weighed_by)} cannot be moved: {text.lines(seen.lines)}"
    )


@evidence.register
def _managed_on_isolated(seen: seen_as.ManagedOnIsolated, weighed_by: str) -> str:
    return f"{text.lines(seen.lines)} run on isolated CPUs, placed by the kernel"


@evidence.register
def _irqbalance(seen: seen_as.Irqbalance, weighed_by: str) -> str:
    moves = text.counted(len(seen.irqs), "interrupt")
    return f"irqbalance runs (pid {seen.pid}), and the plan moves {moves}"


@evidence.register
def _wide_mask(seen: seen_as.WideMask, weighed_by: str) -> str:
    run = "runs" if len(seen.lines) == 1 else "run"
    return (
        f"{text.counted(len(seen.lines), 'busy interrupt')} may run on several CPUs and {run} on "
        f"one: {text.lines(seen.lines)}"
    )


@evidence.register
def _hint_not_followed(seen: seen_as.HintNotFollowed, weighed_by: str) -> str:
    return (
        f"the driver of {text.line(seen.line)} asks for CPU {text.cpus(seen.hint)}; it runs on "
        f"CPU {text.cpus(seen.cpus)}"
    )


@evidence.register
def _unhandled(seen: seen_as.Unhandled, weighed_by: str) -> str:
    return (
        f"{seen.count} interrupts of {text.line(seen.line)} were taken by no driver in "
        f"{seen.seconds:.0f} s"
    )


@evidence.register
def _storm(seen: seen_as.Storm, weighed_by: str) -> str:
    usual = "not known how many since boot (its counter may have wrapped)"
    if seen.baseline_rate is not None:
        usual = f"{seen.baseline_rate:.0f} on average since boot"
    each = "not timed" if seen.handler_s is None else f"{text.seconds(seen.handler_s)} each"
    return f"{text.line(seen.line)}: {seen.rate:.0f} a second, {usual}, {each}"


@evidence.register
def _time_squeeze(seen: seen_as.TimeSqueeze, weighed_by: str) -> str:
    return f"NET_RX on CPU {seen.cpu} ran out of its budget {seen.rate:.0f} times a second"


@evidence.register
def _backlog_drops(seen: seen_as.BacklogDrops, weighed_by: str) -> str:
    return f"CPU {seen.cpu} drops {seen.rate:.1f} packets a second: its backlog is full"


@evidence.register
def _ksoftirqd(seen: seen_as.Ksoftirqd, weighed_by: str) -> str:
    return f"ksoftirqd/{seen.cpu} takes {text.share(seen.share)} of CPU {seen.cpu}"


@evidence.register
def _rps_self(seen: seen_as.RpsSelf, weighed_by: str) -> str:
    return (
        f"rx-{seen.queue} of {seen.device} interrupts CPU {text.cpus(seen.cpus)} and steers "
        f"packets to CPU {text.cpus(seen.steered)}: itself, its sibling or another node"
    )


@evidence.register
def _rps_needless(seen: seen_as.RpsNeedless, weighed_by: str) -> str:
    return (
        f"{seen.device} has {seen.queues} queues for {seen.cpu_count} CPUs, and RPS on "
        f"{seen.steered_queues} of them"
    )


@evidence.register
def _xps_apart(seen: seen_as.XpsApart, weighed_by: str) -> str:
    return (
        f"xps_cpus of {text.counted(len(seen.lines), 'queue')} of {seen.device} names other CPUs "
        f"than their interrupts run on: {text.lines(seen.lines)}"
    )


@evidence.register
def _split_pair(seen: seen_as.SplitPair, weighed_by: str) -> str:
    return (
        f"queue {seen.queue} of {seen.device}: receive ({seen.rx_irq}) on CPU "
        f"{text.cpus(seen.rx_cpus)}, transmit ({seen.tx_irq}) on CPU {text.cpus(seen.tx_cpus)}"
    )


@evidence.register
def _shared_line(seen: seen_as.SharedLine, weighed_by: str) -> str:
    neighbours = ", ".join(f"{name} {text.share(share)}" for name, share in seen.neighbours.items())
    return (
        f"line {seen.irq}: {seen.busy} is busy, and {text.share(seen.not_mine_share)} of the calls "
        f"are answered 'not mine', at a cost of: {neighbours} of a CPU"
    )


@evidence.register
def _thread_priority(seen: seen_as.ThreadPriority, weighed_by: str) -> str:
    return (
        f"{seen.thread} has priority {seen.priority}, and {seen.task} (pid {seen.task_pid}), "
        f"with {seen.task_priority}, takes {text.share(seen.task_share)} of CPU {seen.cpu}"
    )


@evidence.register
def _not_in_force(seen: seen_as.NotInForce, weighed_by: str) -> str:
    return (
        f"{text.line(seen.line)} is asked for on CPU {text.cpus(seen.asked)} and runs on CPU "
        f"{text.cpus(seen.effective)}"
    )


@evidence.register
def _offline_mask(seen: seen_as.OfflineMask, weighed_by: str) -> str:
    return (
        f"the mask of {text.line(seen.line)} holds CPU {text.cpus(seen.asked)} only, which is "
        f"offline; it runs on CPU {text.cpus(seen.cpus) or 'unknown'}"
    )


@evidence.register
def _default_mask(seen: seen_as.DefaultMask, weighed_by: str) -> str:
    return (
        f"/proc/irq/default_smp_affinity holds CPU {text.cpus(seen.cpus)}, which is isolated or "
        "nohz_full"
    )


@evidence.register
def _one_queue_virtio(seen: seen_as.OneQueueVirtio, weighed_by: str) -> str:
    return (
        f"{seen.device} has one queue on a machine of {seen.cpu_count} CPUs, and takes "
        f"{text.load(seen.load, weighed_by)}"
    )


@evidence.register
def _few_nvme_queues(seen: seen_as.FewNvmeQueues, weighed_by: str) -> str:
    return f"queues of {seen.device}: {seen.queues}, for {seen.cpu_count} CPUs"


@evidence.register
def _deep_idle(seen: seen_as.DeepIdle, weighed_by: str) -> str:
    return (
        f"CPU {text.cpus(seen.cpus)} takes interrupts, and needs up to {1e6 * seen.wake_s:.0f} us "
        "to wake up"
    )


@evidence.register
def _elephant(seen: seen_as.Elephant, weighed_by: str) -> str:
    return (
        f"{text.line(seen.line)} carries {text.share(seen.share)} of the {seen.queues} queues of "
        f"{seen.device}"
    )


@evidence.register
def _late(seen: seen_as.Late, weighed_by: str) -> str:
    took = text.seconds(seen.late_s)
    who = f"{seen.comm} (pid {seen.pid}) ran there" if seen.pid else "the CPU was idle"
    said = {
        "timer": f"a {seen.name} timer on CPU {seen.cpu} was {took} late",
        "softirq": f"{seen.name} on CPU {seen.cpu} waited {took}",
        "hardirq": f"{seen.name} ran for {took} on CPU {seen.cpu} in one go",
    }[seen.what]
    others = f"; over the limit on CPU {text.cpus(seen.cpus)}" if len(seen.cpus) > 1 else ""
    return f"{said}; {who}{others}"


@evidence.register
def _more(seen: seen_as.More, weighed_by: str) -> str:
    where = f"interrupts {text.some(seen.irqs)}" if seen.irqs else f"CPU {text.cpus(seen.cpus)}"
    return f"and {seen.count} more such: {where}"
