"""Findings 1, 2, 5, 10, 11, 20: where the lines of a device run."""

from collections import defaultdict
from collections.abc import Iterator

from irqwatch.advise import eligible
from irqwatch.advise.facts import LineFacts
from irqwatch.advise.findings.rule import (
    Case,
    Rule,
    Seen,
    irqs_of,
    is_busy_cpu,
    moves_of,
    named,
    queues,
)
from irqwatch.base.action_name import RX, TX
from irqwatch.base.hint import is_followed
from irqwatch.model.action import SetAffinity
from irqwatch.model.evidence import (
    HintNotFollowed,
    OneCpuDevice,
    RemoteNode,
    Siblings,
    SplitPair,
    WideMask,
)


def one_cpu(case: Case) -> Iterator[Seen]:
    for device, lines in queues(case):
        on: defaultdict[int, list[LineFacts]] = defaultdict(list)
        for line in lines:
            if len(line.current) == 1 and case.facts.is_busy(line):
                on[min(line.current)].append(line)
        for cpu, sharing in sorted(on.items()):
            facts = case.facts.cpus[cpu]
            irqs = irqs_of(sharing)
            moves = moves_of(case, irqs)
            if len(sharing) < 2 or not is_busy_cpu(case, facts) or not moves[0]:
                continue
            load = sum(line.load for line in sharing)
            yield Seen(
                OneCpuDevice(device, irqs, cpu, load, facts.load), *moves, irqs, (cpu,), device
            )


def remote(case: Case) -> Iterator[Seen]:
    for line in case.facts.lines:
        found = {case.facts.cpus[cpu].node for cpu in line.current}
        nodes = frozenset(node for node in found if node is not None)
        moves = moves_of(case, [line.irq])
        if line.node is None or not line.current or line.node in nodes or None in found:
            continue
        if case.facts.is_busy(line) and moves[0] and _goes_home(case, line):
            yield Seen(
                RemoteNode(line.named, line.current, nodes, line.node, line.load),
                *moves,
                (line.irq,),
                tuple(sorted(line.current)),
                line.device,
            )


def _goes_home(case: Case, line: LineFacts) -> bool:
    to = case.placed.move_of[line.irq].to
    return {case.facts.cpus[cpu].node for cpu in to} == {line.node}


def siblings(case: Case) -> Iterator[Seen]:
    by_core: defaultdict[object, list[int]] = defaultdict(list)
    for cpu, one in case.facts.cpus.items():
        if is_busy_cpu(case, one):
            by_core[one.core].append(cpu)
    used = {
        case.facts.cpus[cpu].core
        for line in case.facts.lines
        for cpu in line.current
        if case.facts.is_busy(line)
    }
    every = {case.facts.cpus[cpu].core for cpu in case.placed.cpus}
    for _, cpus in sorted(by_core.items(), key=lambda item: item[1]):
        hot = [
            line
            for line in case.facts.lines
            if case.facts.is_busy(line) and line.current & set(cpus)
        ]
        irqs = irqs_of(hot)
        moves = moves_of(case, irqs)
        on = {cpu for line in hot for cpu in line.current & set(cpus)}
        if len(on) < 2 or every <= used or not moves[0]:
            continue
        yield Seen(Siblings(frozenset(cpus), irqs), *moves, irqs, tuple(cpus))


def wide_mask(case: Case) -> Iterator[Seen]:
    wide = [
        line
        for line in case.facts.lines
        if line.setting
        and len(line.setting.affinity or ()) > 1
        and len(line.setting.effective or ()) == 1
        and case.facts.is_busy(line)
        and not eligible.why_immovable(line, case.facts)
    ]
    if wide:
        yield Seen(WideMask(named(wide)), irqs=irqs_of(wide))


def hint(case: Case) -> Iterator[Seen]:
    for line in case.facts.lines:
        wish = line.setting.hint if line.setting else None
        if not line.setting or not wish or not case.facts.counts(line) or not line.current:
            continue
        if is_followed(line.setting, line.current) is not False:
            continue
        if moves_of(case, [line.irq])[0] or not wish <= case.placed.cpus:
            continue
        nodes = {case.facts.cpus[cpu].node for cpu in wish}
        if line.node is not None and line.node not in nodes:
            continue
        if line.setting.writable is False:
            continue
        yield Seen(
            HintNotFollowed(line.named, wish, line.current),
            (SetAffinity(line.irq, wish),),
            (SetAffinity(line.irq, line.setting.affinity or line.current),),
            (line.irq,),
            tuple(sorted(line.current)),
            line.device,
        )


def split_pair(case: Case) -> Iterator[Seen]:
    for device, lines in queues(case):
        by_queue: defaultdict[int | None, list[LineFacts]] = defaultdict(list)
        for line in lines:
            by_queue[line.queue].append(line)
        for queue, pair in sorted(by_queue.items(), key=lambda item: item[0] or 0):
            rx = [line for line in pair if line.serves == RX]
            tx = [line for line in pair if line.serves == TX]
            if len(rx) != 1 or len(tx) != 1 or not case.facts.is_busy(rx[0]):
                continue
            together = rx[0].current & tx[0].current
            writable = tx[0].setting is not None and tx[0].setting.writable is not False
            if together or not writable or not rx[0].current:
                continue
            to = next(
                (move.to for move in case.placed.moves if move.line.irq == rx[0].irq),
                rx[0].current,
            )
            before = (tx[0].setting and tx[0].setting.affinity) or tx[0].current
            yield Seen(
                SplitPair(device, queue, rx[0].irq, rx[0].current, tx[0].irq, tx[0].current),
                (SetAffinity(tx[0].irq, to),),
                (SetAffinity(tx[0].irq, before),),
                irqs_of((*rx, *tx)),
                tuple(sorted(rx[0].current | tx[0].current)),
                device,
            )


RULES = (
    Rule(
        1,
        "one-cpu-device",
        "Busy queues of one device share a CPU",
        "warning",
        "One CPU does what several could do at the same time: packets wait for each other.",
        "the CPU spends under 5 % of its time in interrupts",
        one_cpu,
    ),
    Rule(
        2,
        "remote-node",
        "An interrupt runs on another node than its device",
        "warning",
        "Each descriptor and packet crosses between the sockets, and misses the cache.",
        "the device's node is not known, or the CPUs there are full or kept free",
        remote,
    ),
    Rule(
        5,
        "siblings",
        "Hot interrupts on threads of one core",
        "warning",
        "Two threads share the core's units and caches: together they do about 4/3 of one's work.",
        "every core has hot interrupts already",
        siblings,
    ),
    Rule(
        10,
        "wide-mask",
        "The mask is wide, the interrupt runs on one CPU",
        "info",
        "On most x86 machines the kernel picks one CPU of the mask; a wide mask spreads nothing.",
        "information only",
        wide_mask,
    ),
    Rule(
        11,
        "hint-not-followed",
        "The driver's wish is not followed",
        "info",
        "Drivers ask for the CPU on which they placed the memory of the queue.",
        "the CPU it asks for is on another node, offline or kept free, or the plan knows better",
        hint,
        "low",
    ),
    Rule(
        20,
        "split-pair",
        "Receive and transmit of one queue on different CPUs",
        "info",
        "Both touch the same socket and device registers; apart, these move between two caches.",
        "the vectors are combined, one for both",
        split_pair,
        "medium",
    ),
)
