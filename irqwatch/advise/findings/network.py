"""Findings 14, 15, 17 to 19: what the network stack does with packets after the interrupt."""

from collections.abc import Iterator

from irqwatch.advise.facts import CpuFacts, LineFacts
from irqwatch.advise.findings.rule import Case, Rule, Seen, irqs_of, moves_of, named, queues
from irqwatch.model.action import Action, SetFlowLimit, SetRps, SetSysctl, SetXps
from irqwatch.model.evidence import BacklogDrops, RpsNeedless, RpsSelf, TimeSqueeze, XpsApart
from irqwatch.model.tuning import NetDevice


def _lines_on(case: Case, cpu: int) -> list[LineFacts]:
    return [
        line
        for line in case.facts.lines
        if line.kind == "net" and cpu in line.current and case.facts.counts(line)
    ]


def _is_full(case: Case, one: CpuFacts) -> bool:
    """By the kernel's own account of it, which is there whether interrupts are timed or not. Where
    it is hidden, whoever reads the advice has to know: it says when not to follow it."""
    return one.idle is not None and 1 - one.idle >= case.limit("full_cpu")


def squeeze(case: Case) -> Iterator[Seen]:
    for cpu, one in case.facts.cpus.items():
        if one.squeezes is None or one.squeezes < case.limit("squeezes"):
            continue
        lines = _lines_on(case, cpu)
        advice: tuple[Action, ...]
        undo: tuple[Action, ...]
        advice, undo = moves_of(case, irqs_of(lines))
        if not advice and not _is_full(case, one):
            advice, undo = _sysctls(case, {"netdev_budget": 300, "netdev_budget_usecs": 2000}, 2)
        if not advice:
            continue
        yield Seen(
            TimeSqueeze(cpu, one.squeezes),
            advice,
            undo,
            irqs_of(lines),
            (cpu,),
        )


def _sysctls(
    case: Case, defaults: dict[str, int], times: int
) -> tuple[tuple[SetSysctl, ...], tuple[SetSysctl, ...]]:
    """So many times what is set, and the undo. ``defaults`` are the kernel's own, for where what is
    set is not known (net/core/hotdata.c, net/core/dev.c)."""
    now = {name: case.facts.tuning.net_core.get(name, value) for name, value in defaults.items()}
    return (
        tuple(SetSysctl(f"net.core.{name}", times * value) for name, value in now.items()),
        tuple(SetSysctl(f"net.core.{name}", value) for name, value in now.items()),
    )


def drops(case: Case) -> Iterator[Seen]:
    for cpu, one in case.facts.cpus.items():
        if one.drops is None or one.drops < case.limit("drops"):
            continue
        advice, undo = _sysctls(case, {"netdev_max_backlog": 1000}, 4)
        limited = case.facts.tuning.flow_limit_cpus or frozenset()
        yield Seen(
            BacklogDrops(cpu, one.drops),
            (*advice, SetFlowLimit(limited | {cpu})),
            (*undo, SetFlowLimit(limited)),
            irqs_of(_lines_on(case, cpu)),
            (cpu,),
        )


def _busy_net(case: Case) -> Iterator[tuple[NetDevice, list[LineFacts]]]:
    for device, lines in queues(case):
        net = case.facts.net.get(device)
        if net and sum(line.rate for line in lines) >= case.limit("rps_rate"):
            yield net, lines


def rps_same(case: Case) -> Iterator[Seen]:
    for net, lines in _busy_net(case):
        by_queue = {line.queue: line for line in lines}
        for queue in net.rx:
            line = by_queue.get(queue.number)
            if line is None or not queue.rps_cpus or not line.current:
                continue
            bad = _near_or_far(case, line) & queue.rps_cpus
            if not bad or queue.rps_cpus == line.current:
                continue
            yield Seen(
                RpsSelf(net.device, queue.number, line.current, bad),
                (SetRps(net.device, queue.number, queue.rps_cpus - bad),),
                (SetRps(net.device, queue.number, queue.rps_cpus),),
                (line.irq,),
                tuple(sorted(bad)),
                net.device,
            )


def _near_or_far(case: Case, line: LineFacts) -> frozenset[int]:
    cpus = case.facts.cpus
    cores = {cpus[cpu].core for cpu in line.current}
    nodes = {cpus[cpu].node for cpu in line.current}
    return frozenset(cpu for cpu, one in cpus.items() if one.core in cores or one.node not in nodes)


def rps_needless(case: Case) -> Iterator[Seen]:
    for net, lines in _busy_net(case):
        steered = [queue for queue in net.rx if queue.rps_cpus]
        loads = [line.load for line in lines]
        if not steered or len(net.rx) < len(case.placed.cpus):
            continue
        if max(loads) > case.limit("elephant") * sum(loads):  # the hash is poor
            continue
        yield Seen(
            RpsNeedless(net.device, len(net.rx), len(case.placed.cpus), len(steered)),
            tuple(SetRps(net.device, queue.number, frozenset()) for queue in steered),
            tuple(SetRps(net.device, queue.number, queue.rps_cpus) for queue in steered),
            irqs_of(lines),
            (),
            net.device,
        )


def xps_apart(case: Case) -> Iterator[Seen]:
    for net, lines in _busy_net(case):
        maps = {queue.number: queue.xps_cpus for queue in net.tx if queue.xps_cpus}
        apart = [
            (line, queue, maps[queue])
            for line in lines
            if (queue := line.queue) is not None and queue in maps and _is_apart(line, maps[queue])
        ]
        if not apart:
            continue
        yield Seen(
            XpsApart(net.device, named(line for line, _, _ in apart)),
            tuple(SetXps(net.device, queue, line.current) for line, queue, _ in apart),
            tuple(SetXps(net.device, queue, old) for _, queue, old in apart),
            irqs_of(line for line, _, _ in apart),
            (),
            net.device,
        )


def _is_apart(line: LineFacts, xps: frozenset[int]) -> bool:
    """A map that is the driver's own wish for the line is the driver's to keep."""
    hint = line.setting.hint if line.setting else None
    return bool(line.current) and not line.current & xps and xps != hint


RULES = (
    Rule(
        14,
        "time-squeeze",
        "NET_RX runs out of budget",
        "warning",
        "Packets are left waiting for the next round, or for ksoftirqd.",
        "the CPU is full: then more budget takes from tasks what it gives to packets",
        squeeze,
    ),
    Rule(
        15,
        "backlog-drops",
        "Packets dropped at the backlog",
        "critical",
        "The backlog of RPS, loopback and tunnels is full; what comes now is lost.",
        "dropped in the network card's own ring, which ethtool -S shows",
        drops,
    ),
    Rule(
        17,
        "rps-self",
        "RPS steers packets to where they are, or far away",
        "info",
        "On the same core steering costs and gains nothing; to another node it misses the cache.",
        "a low rate of packets",
        rps_same,
    ),
    Rule(
        18,
        "rps-needless",
        "RPS on a device that has a queue for each CPU",
        "info",
        "The device spreads the packets already; RPS does it again, with an interrupt to each CPU.",
        "the device's hash is poor, as with tunnels",
        rps_needless,
        "medium",
    ),
    Rule(
        19,
        "xps-apart",
        "Packets are sent on queues that interrupt elsewhere",
        "info",
        "What a CPU sends is completed on another, and its memory moves between caches.",
        "the driver set the map itself",
        xps_apart,
        "low",
    ),
)
