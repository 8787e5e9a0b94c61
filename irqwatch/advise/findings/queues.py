"""Findings 3, 4, 26, 27, 29: how many queues a device has, and what each carries."""

import re
from collections.abc import Iterator

from irqwatch.advise.findings.rule import (
    Case,
    Rule,
    Seen,
    irqs_of,
    queues,
)
from irqwatch.model.action import (
    Action,
    CutQueues,
    FreeNvmeQueues,
    GiveGuestQueues,
    HashUdpPorts,
    ResetHash,
    SetQueues,
    SetRps,
    SetRpsInstead,
    ShowHash,
    ShowNvmeQueues,
    ShowQueues,
    SpreadHash,
    UseGivenQueues,
)
from irqwatch.model.evidence import (
    Elephant,
    FewNvmeQueues,
    OneQueueVirtio,
    TooFewQueues,
    TooManyQueues,
)

_VIRTIO_QUEUE = re.compile(r"^virtio\d+-(?:input|output|req|request)")


def cores(case: Case) -> int:
    return len({case.facts.cpus[cpu].core for cpu in case.placed.cpus})


def too_many_queues(case: Case) -> Iterator[Seen]:
    for device, lines in queues(case):
        pairs = {line.queue for line in lines}
        busy = [line for line in lines if case.facts.counts(line)]
        if lines[0].kind != "net" or len(pairs) <= cores(case) or not busy:
            continue
        yield Seen(
            TooManyQueues(device, len(pairs), cores(case)),
            (CutQueues(device, cores(case)),),
            (SetQueues(device, len(pairs)),),
            irqs_of(lines),
            (),
            device,
        )


def too_few_queues(case: Case) -> Iterator[Seen]:
    bound = {
        cpu: one.softirq
        for cpu, one in case.facts.cpus.items()
        if one.softirq is not None and one.softirq >= case.limit("softirq_bound")
    }
    for device, lines in queues(case):
        pairs = {line.queue for line in lines}
        here = sorted({cpu for line in lines for cpu in line.current} & bound.keys())
        active = sum(case.facts.counts(line) for line in lines)
        if lines[0].kind != "net" or len(pairs) >= cores(case) or not here:
            continue
        if len(pairs) > 1 and active < 2:  # one flow: more queues would stay empty
            continue
        net = case.facts.net.get(device)
        rps = [rx.rps_cpus for rx in net.rx if rx.number == 0] if net else []
        yield Seen(
            TooFewQueues(device, len(pairs), cores(case), here[0], bound[here[0]]),
            (
                ShowQueues(device),
                SetQueues(device, cores(case)),
                SetRpsInstead(device, 0, case.placed.cpus - set(here)),
            ),
            (SetQueues(device, len(pairs)), SetRps(device, 0, rps[0] if rps else frozenset())),
            irqs_of(lines),
            tuple(here),
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
        advice: tuple[Action, ...]
        if (kind := of_virtio[0].kind) == "net":
            advice = (GiveGuestQueues("net"), UseGivenQueues(device, len(case.placed.cpus)))
        elif kind == "block":
            advice = (GiveGuestQueues("block"),)
        else:  # such as hwrng, which never has more than one
            continue
        load = sum(line.load for line in of_virtio)
        yield Seen(
            OneQueueVirtio(device, len(case.facts.cpus), load),
            advice,
            (SetQueues(device, 1),) if kind == "net" else (),
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
            FewNvmeQueues(device, len(of_io), len(case.facts.cpus)),
            (ShowNvmeQueues(device), FreeNvmeQueues()),
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
            Elephant(most.named, device, len(pairs), most.load / total),
            (ShowHash(device), SpreadHash(device, len(pairs)), HashUdpPorts(device)),
            (ResetHash(device),),
            (most.irq,),
            tuple(sorted(most.current)),
            device,
        )


RULES = (
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
