"""Findings 6 to 9 and 23 to 25: what the kernel, the boot line or another program decides."""

from collections.abc import Iterator

from irqwatch.advise import eligible
from irqwatch.advise.findings.rule import Case, Rule, Seen, irqs_of, moves_of, named
from irqwatch.model.action import (
    AskForOtherCpu,
    BanIrqs,
    BootIsolated,
    FreeVectors,
    SetAffinity,
    SetDefaultAffinity,
    SetIrqbalance,
    ShowKernelLog,
)
from irqwatch.model.evidence import (
    DefaultMask,
    Irqbalance,
    ManagedOnIsolated,
    NotInForce,
    OfflineMask,
    ReadOnlyLines,
    ReservedCpu,
)


def on_reserved(case: Case) -> Iterator[Seen]:
    reserved = case.facts.reserved - case.placed.cpus  # the owner may want it there: --cpus
    for line in case.facts.lines:
        here = line.current & reserved
        if not here or not line.rate or line.setting is None or line.setting.affinity is None:
            continue
        if eligible.why_immovable(line, case.facts):
            continue
        rest = case.placed.cpus
        if not rest:
            continue
        moves = moves_of(case, [line.irq])
        yield Seen(
            ReservedCpu(line.named, here, line.rate),
            moves[0] or (SetAffinity(line.irq, rest),),
            moves[1] or (SetAffinity(line.irq, line.setting.affinity),),
            (line.irq,),
            tuple(sorted(here)),
            line.device,
        )


def immovable(case: Case) -> Iterator[Seen]:
    fixed = [
        line
        for line in case.facts.lines
        if line.setting and line.setting.writable is False and case.facts.counts(line)
    ]
    if fixed:
        load = sum(line.load for line in fixed)
        yield Seen(ReadOnlyLines(named(fixed), load), irqs=irqs_of(fixed))


def managed_on_isolated(case: Case) -> Iterator[Seen]:
    isolated = case.facts.topology.isolated
    if not isolated or isolated >= case.facts.cpus.keys():
        return
    found = [
        line
        for line in case.facts.lines
        if line.current & isolated and line.rate and eligible.is_managed(line, case.facts)
    ]
    if found:
        yield Seen(
            ManagedOnIsolated(named(found)),
            (BootIsolated(isolated, managed=True),),
            (BootIsolated(isolated, managed=False),),
            irqs_of(found),
            tuple(sorted({cpu for line in found for cpu in line.current & isolated})),
        )


def irqbalance(case: Case) -> Iterator[Seen]:
    running = [
        thread for thread in case.facts.windows[-1].after.threads if thread.kind == "irqbalance"
    ]
    if not running or not case.placed.moves:
        return
    irqs = tuple(move.line.irq for move in case.placed.moves)
    yield Seen(
        Irqbalance(running[0].pid, irqs),
        (SetIrqbalance(on=False), BanIrqs(irqs)),
        (SetIrqbalance(on=True),),
        irqs,
    )


def not_in_force(case: Case) -> Iterator[Seen]:
    for line in case.facts.lines:
        setting = line.setting
        if setting is None or not setting.affinity or not setting.effective or not line.rate:
            continue
        online = setting.affinity & case.facts.cpus.keys()
        if not online or setting.effective <= setting.affinity:
            continue
        yield Seen(
            NotInForce(line.named, setting.affinity, setting.effective),
            (
                ShowKernelLog(),
                FreeVectors(line.device) if line.kind == "net" else AskForOtherCpu(),
            ),
            irqs=(line.irq,),
            cpus=tuple(sorted(setting.effective)),
            device=line.device,
        )


def offline(case: Case) -> Iterator[Seen]:
    online = case.facts.cpus.keys()
    for line in case.facts.lines:
        asked = line.setting.affinity if line.setting else None
        if not asked or asked & online or not line.setting or line.setting.writable is False:
            continue
        yield Seen(
            OfflineMask(line.named, asked, line.current),
            (SetAffinity(line.irq, case.placed.cpus),),
            (SetAffinity(line.irq, asked),),
            (line.irq,),
            tuple(sorted(asked)),
            line.device,
        )


def default_mask(case: Case) -> Iterator[Seen]:
    default = case.facts.tuning.default_affinity
    inside = (default or frozenset()) & case.facts.reserved - case.placed.cpus
    rest = (default or frozenset()) - inside
    if default and inside and rest:
        yield Seen(
            DefaultMask(inside),
            (SetDefaultAffinity(rest),),
            (SetDefaultAffinity(default),),
            cpus=tuple(sorted(inside)),
        )


RULES = (
    Rule(
        6,
        "reserved-cpu",
        "An interrupt on a CPU that is to be free of them",
        "warning",
        "Whoever isolated the CPU did so for a program that must not be disturbed.",
        "managed by the kernel, or its owner wants it there (--cpus)",
        on_reserved,
    ),
    Rule(
        7,
        "immovable",
        "Interrupts that no mask moves",
        "info",
        "Their affinity is read-only: the plan leaves them and works around them.",
        "",
        immovable,
    ),
    Rule(
        8,
        "managed-on-isolated",
        "Managed interrupts on isolated CPUs",
        "warning",
        "The kernel spreads such queues over all CPUs; only the boot line tells it which to avoid.",
        "all CPUs are isolated",
        managed_on_isolated,
    ),
    Rule(
        9,
        "irqbalance",
        "irqbalance would undo the plan",
        "warning",
        "It looks every ten seconds and moves what it does not find where it put it.",
        "placement that follows the load is preferred to a fixed one: then drop the plan",
        irqbalance,
    ),
    Rule(
        23,
        "not-in-force",
        "The mask is not in force",
        "warning",
        "A CPU out of vectors, or one that went offline, makes the kernel choose another.",
        "the mask was set a moment ago: it takes force at the next interrupt",
        not_in_force,
        "medium",
    ),
    Rule(
        24,
        "offline-mask",
        "A mask names offline CPUs only",
        "warning",
        "The kernel took another CPU, and nobody chose which.",
        "the CPU comes back at once",
        offline,
    ),
    Rule(
        25,
        "default-mask",
        "New interrupts may start on CPUs that are to be free",
        "warning",
        "Devices that come later, and drivers that load anew, start on the default mask.",
        "",
        default_mask,
    ),
)
