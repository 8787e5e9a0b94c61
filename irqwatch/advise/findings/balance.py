"""Findings 1 to 5, 10, 11, 20, 26, 27, 29: how the queues of a device lie on the CPUs."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from irqwatch.advise import eligible, text
from irqwatch.advise.facts import CpuFacts, LineFacts
from irqwatch.advise.findings.rule import Case, Rule, Seen

_VIRTIO_QUEUE = re.compile(r"^virtio\d+-(?:input|output|req|request)")
_RX = re.compile(r"[-.](?:rx|input)[-.]?\d+$", re.IGNORECASE)
_TX = re.compile(r"[-.](?:tx|output)[-.]?\d+$", re.IGNORECASE)


def irqs_of(lines: Iterable[LineFacts]) -> tuple[int, ...]:
    return tuple(sorted(line.irq for line in lines))


def moves_of(case: Case, irqs: Iterable[int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the plan does with these lines, as commands, and its undo."""
    moves = case.placed.move_of
    return text.commands(moves[irq] for irq in irqs if irq in moves)


def shown(case: Case, load: float) -> str:
    return text.load(load, case.facts.weighed_by)


def is_busy_cpu(case: Case, cpu: CpuFacts) -> bool:
    """Where nothing was timed, the kernel's own accounting of softirqs is all there is."""
    load = cpu.load if case.facts.weighed_by == "time" else (cpu.softirq or 0.0)
    return load >= case.limit("busy_cpu")


def queues(case: Case) -> Iterator[tuple[str, list[LineFacts]]]:
    """Devices with their lines that serve a queue."""
    for device, lines in sorted(case.facts.by_device.items()):
        if of_queues := [line for line in lines if line.queue is not None]:
            yield device, of_queues


def one_cpu(case: Case) -> Iterator[Seen]:
    for device, lines in queues(case):
        on: defaultdict[int, list[LineFacts]] = defaultdict(list)
        for line in lines:
            if len(line.current) == 1 and case.facts.is_busy(line):
                on[min(line.current)].append(line)
        for cpu, sharing in sorted(on.items()):
            facts = case.facts.cpus[cpu]
            moves = moves_of(case, irqs_of(sharing))
            if len(sharing) < 2 or not is_busy_cpu(case, facts) or not moves[0]:
                continue
            load = sum(line.load for line in sharing)
            yield Seen(
                f"{len(sharing)} busy queues of {device} ({text.some(irqs_of(sharing))}) share "
                f"CPU {cpu}: {shown(case, load)} of its {shown(case, facts.load)} in interrupts",
                *moves,
                irqs_of(sharing),
                (cpu,),
                device,
            )


def remote(case: Case) -> Iterator[Seen]:
    for line in case.facts.lines:
        nodes = {case.facts.cpus[cpu].node for cpu in line.current}
        moves = moves_of(case, [line.irq])
        if line.node is None or not line.current or line.node in nodes or None in nodes:
            continue
        if case.facts.is_busy(line) and moves[0] and _goes_home(case, line):
            yield Seen(
                f"{line.name} runs on CPU {text.cpus(line.current)}, node "
                f"{text.cpus(node for node in nodes if node is not None)}; its device is on node "
                f"{line.node}; it takes {shown(case, line.load)}",
                *moves,
                (line.irq,),
                tuple(sorted(line.current)),
                line.device,
            )


def _goes_home(case: Case, line: LineFacts) -> bool:
    to = case.placed.move_of[line.irq].to
    return {case.facts.cpus[cpu].node for cpu in to} == {line.node}


def cores(case: Case) -> int:
    return len({case.facts.cpus[cpu].core for cpu in case.placed.cpus})


def too_many_queues(case: Case) -> Iterator[Seen]:
    for device, lines in queues(case):
        pairs = {line.queue for line in lines}
        busy = [line for line in lines if case.facts.counts(line)]
        if lines[0].kind != "net" or len(pairs) <= cores(case) or not busy:
            continue
        yield Seen(
            f"{device} has {len(pairs)} queues for {text.counted(cores(case), 'core')} that may "
            "take interrupts",
            (f"ethtool -L {device} combined {cores(case)}  # takes the link down for a moment",),
            (f"ethtool -L {device} combined {len(pairs)}",),
            irqs_of(lines),
            (),
            device,
        )


def too_few_queues(case: Case) -> Iterator[Seen]:
    bound = {
        cpu
        for cpu, one in case.facts.cpus.items()
        if one.softirq is not None and one.softirq >= case.limit("softirq_bound")
    }
    for device, lines in queues(case):
        pairs = {line.queue for line in lines}
        here = sorted({cpu for line in lines for cpu in line.current} & bound)
        active = sum(case.facts.counts(line) for line in lines)
        if lines[0].kind != "net" or len(pairs) >= cores(case) or not here:
            continue
        if len(pairs) > 1 and active < 2:  # one flow: more queues would stay empty
            continue
        rps = text.mask(case.placed.cpus - set(here))
        files = f"/sys/class/net/{device}/queues/rx-0/rps_cpus"
        net = case.facts.net.get(device)
        before = next((rx.rps_cpus for rx in net.rx if rx.number == 0), ()) if net else ()
        yield Seen(
            f"{device} has {len(pairs)} of {cores(case)} possible queues, and softirqs take "
            f"{text.share(case.facts.cpus[here[0]].softirq or 0.0)} of CPU {here[0]}",
            (
                f"ethtool -l {device}  # shows the most it can have",
                f"ethtool -L {device} combined {cores(case)}",
                f"echo {rps} > {files}  # where it can have no more",
            ),
            (f"ethtool -L {device} combined {len(pairs)}", f"echo {text.mask(before)} > {files}"),
            irqs_of(lines),
            tuple(here),
            device,
        )


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
        moves = moves_of(case, irqs_of(hot))
        on = {cpu for line in hot for cpu in line.current & set(cpus)}
        if len(on) < 2 or every <= used or not moves[0]:
            continue
        yield Seen(
            f"CPUs {text.cpus(cpus)} are threads of one core, and interrupts "
            f"{text.some(irqs_of(hot))} run on both, while other cores have none",
            *moves,
            irqs_of(hot),
            tuple(cpus),
        )


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
        many, run = text.counted(len(wide), "busy interrupt"), "runs" if len(wide) == 1 else "run"
        yield Seen(
            f"{many} may run on several CPUs and {run} on one: "
            f"{text.some(line.name for line in wide)}",
            irqs=irqs_of(wide),
        )


def hint(case: Case) -> Iterator[Seen]:
    for line in case.facts.lines:
        wish = line.setting.hint if line.setting else None
        if not wish or not case.facts.counts(line) or not line.current or line.current & wish:
            continue
        if moves_of(case, [line.irq])[0] or not wish <= case.placed.cpus:
            continue
        nodes = {case.facts.cpus[cpu].node for cpu in wish}
        if line.node is not None and line.node not in nodes:
            continue
        if line.setting and line.setting.writable is False:
            continue
        yield Seen(
            f"the driver of {line.name} asks for CPU {text.cpus(wish)}; it runs on CPU "
            f"{text.cpus(line.current)}",
            (text.set_affinity(line.irq, wish),),
            (
                text.set_affinity(
                    line.irq, (line.setting and line.setting.affinity) or line.current
                ),
            ),
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
            rx = [line for line in pair if any(_RX.search(name) for name in line.line.actions)]
            tx = [line for line in pair if any(_TX.search(name) for name in line.line.actions)]
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
                f"queue {queue} of {device}: receive ({rx[0].irq}) on CPU "
                f"{text.cpus(rx[0].current)}, transmit ({tx[0].irq}) on CPU "
                f"{text.cpus(tx[0].current)}",
                (text.set_affinity(tx[0].irq, to),),
                (text.set_affinity(tx[0].irq, before),),
                irqs_of((*rx, *tx)),
                tuple(sorted(rx[0].current | tx[0].current)),
                device,
            )


def one_queue_virtio(case: Case) -> Iterator[Seen]:
    for device, lines in queues(case):
        of_virtio = [line for line in lines if any(map(_VIRTIO_QUEUE.match, line.line.actions))]
        pairs = {line.queue for line in of_virtio}
        if len(pairs) != 1 or len(case.placed.cpus) < 2:
            continue
        if not any(case.facts.is_busy(line) for line in of_virtio):
            continue
        kind = of_virtio[0].kind
        advice = {
            "net": (
                "on the host: <driver name='vhost' queues='N'/> in the interface's XML",
                f"then here: ethtool -L {device} combined {len(case.placed.cpus)}",
            ),
            "block": ("on the host: <driver name='qemu' queues='N'/> in the disk's XML",),
        }.get(kind)
        if advice is None:  # such as hwrng, which never has more than one
            continue
        load = sum(line.load for line in of_virtio)
        yield Seen(
            f"{device} has one queue on a machine of {len(case.facts.cpus)} CPUs, and takes "
            f"{shown(case, load)}",
            advice,
            (f"ethtool -L {device} combined 1",) if kind == "net" else (),
            irqs_of(of_virtio),
            (),
            device,
        )


def few_nvme_queues(case: Case) -> Iterator[Seen]:
    for device, lines in queues(case):
        of_io = [line for line in lines if line.kind == "nvme" and line.queue]
        busy = [line for line in of_io if case.facts.is_busy(line)]
        if not busy or len(of_io) >= len(case.facts.cpus):
            continue
        yield Seen(
            f"queues of {device}: {len(of_io)}, for {len(case.facts.cpus)} CPUs",
            (
                f"nvme get-feature /dev/{device} -f 7 -H  # how many the controller grants",
                "boot with nvme.poll_queues=0 nvme.write_queues=0, where those take some",
            ),
            irqs=irqs_of(of_io),
            device=device,
        )


def elephant(case: Case) -> Iterator[Seen]:
    for device, lines in queues(case):
        pairs = {line.queue for line in lines}
        total = sum(line.load for line in lines)
        most = max(lines, key=lambda line: line.load)
        if lines[0].kind != "net" or len(pairs) < case.limit("elephant_queues"):
            continue
        if not case.facts.is_busy(most) or most.load <= case.limit("elephant") * total:
            continue
        yield Seen(
            f"{most.name} carries {text.share(most.load / total)} of the {len(pairs)} queues of "
            f"{device}",
            (
                f"ethtool -x {device}  # the table and key of its hash",
                f"ethtool -X {device} equal {len(pairs)}",
                f"ethtool -N {device} rx-flow-hash udp4 sdfn  # where it is UDP",
            ),
            (f"ethtool -X {device} default",),
            (most.irq,),
            tuple(sorted(most.current)),
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
        3,
        "too-many-queues",
        "More queues than cores",
        "info",
        "Queues that share a core gain nothing, and each has memory and interrupts of its own.",
        "the link may not go down, even for a moment",
        too_many_queues,
    ),
    Rule(
        4,
        "too-few-queues",
        "Fewer queues than cores, and a CPU full of softirqs",
        "warning",
        "A queue is served by one CPU at a time; more queues use more CPUs.",
        "the hardware has no more queues (then RPS), or it is one flow, which stays on one queue",
        too_few_queues,
        "medium",
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
    Rule(
        26,
        "one-queue-virtio",
        "A virtio device with one queue on several CPUs",
        "info",
        "All of its traffic ends on one CPU, whatever the masks say.",
        "whoever owns the guest cannot change the host",
        one_queue_virtio,
    ),
    Rule(
        27,
        "few-nvme-queues",
        "An NVMe disk with fewer queues than CPUs",
        "info",
        "CPUs share queues. The kernel places these interrupts: only the number of queues helps.",
        "the controller grants no more",
        few_nvme_queues,
    ),
    Rule(
        29,
        "elephant",
        "One queue carries most of its device",
        "warning",
        "Affinity moves the whole queue; only the device's hash can split what is in it.",
        "it is one flow: nothing splits that",
        elephant,
        "medium",
    ),
)
