"""Windows of a host → Plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from irqwatch.advise import text
from irqwatch.advise.facts import Facts, Window, gather
from irqwatch.advise.findings import findings
from irqwatch.advise.moves import Placed, placed
from irqwatch.advise.thresholds import DEFAULTS
from irqwatch.base.names import line_name
from irqwatch.errors import UsageError
from irqwatch.model.plan import Plan
from irqwatch.model.snapshot import Snapshot

GOALS = ("throughput", "latency", "power")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks of the plan. ``cpus`` None is all but isolated and nohz_full ones;
    ``devices`` empty is all."""

    goal: str = "throughput"
    cpus: frozenset[int] | None = None
    devices: frozenset[str] = frozenset()
    thresholds: Mapping[str, float] = field(default_factory=lambda: DEFAULTS)


def make_plan(windows: Sequence[Window], wanted: Wanted) -> Plan:
    """From at least one window. Raises UsageError where what is wanted is not on this host."""
    check(windows[-1].after, wanted)
    facts = gather(windows, wanted.thresholds, wanted.goal, wanted.cpus)
    answer = placed(facts, wanted.devices)
    placement = answer.placement
    busiest = max((facts.cpus[cpu] for cpu in answer.cpus), key=lambda one: one.load, default=None)
    return Plan(
        host=facts.host,
        wall_ns=facts.wall_ns,
        goal=wanted.goal,
        windows=len(windows),
        window_s=facts.seconds / len(windows),
        weighed_by=facts.weighed_by,
        verdict=verdict(facts, answer),
        change=bool(answer.moves),
        busiest_now=placement.busiest_now,
        busiest_planned=placement.busiest_planned,
        spread=busiest.spread if busiest else 0.0,
        lower_bound=placement.lower_bound,
        gap=placement.gap,
        exact=placement.exact,
        loads=answer.loads,
        moves=answer.moves,
        immovable=answer.immovable,
        left_out=answer.left_out,
        findings=findings(facts, answer),
        thresholds=dict(wanted.thresholds),
        unavailable=facts.unavailable,
    )


def check(now: Snapshot, wanted: Wanted) -> None:
    """Raises UsageError where what is wanted is not on this host."""
    if wanted.cpus is not None and not wanted.cpus & set(now.topology.online):
        raise UsageError(f"--cpus {text.cpus(wanted.cpus)}: none of these is online")
    numbered = {line.irq: line for line in now.lines if line.irq is not None}
    of_devices = [one for one in now.devices if one.irq in numbered]
    nameless = numbered.keys() - {one.irq for one in of_devices}
    known = {one.device for one in of_devices} | {line_name(numbered[irq]) for irq in nameless}
    if unknown := sorted(wanted.devices - known):
        raise UsageError(f"--device {unknown[0]}: no interrupt is of such a device")


def verdict(facts: Facts, answer: Placed) -> str:
    """One line: what changes and how good that is, or why nothing should."""
    placement = answer.placement
    now, planned, bound = (
        text.load(value, facts.weighed_by)
        for value in (placement.busiest_now, placement.busiest_planned, placement.lower_bound)
    )
    if not answer.moves:
        return f"change nothing: {_why_nothing(facts, answer, now, bound)}"
    proof = "proven best" if placement.exact else f"gap {text.share(placement.gap)}"
    moves = text.counted(len(answer.moves), "move")
    return f"busiest CPU {now} now, {planned} planned; bound {bound} ({proof}); {moves}"


def _why_nothing(facts: Facts, answer: Placed, now: str, bound: str) -> str:
    placement = answer.placement
    if not any(facts.counts(line) for line in facts.lines):
        idle = text.load(facts.idle, facts.weighed_by)
        return f"no interrupt takes as much as {idle}"
    fixed = {one.line.irq for one in (*answer.immovable, *answer.left_out)}
    if all(line.irq in fixed for line in facts.lines if facts.counts(line)):
        of_device = ", and that --device names," if answer.left_out else ""
        return f"none of the interrupts that count{of_device} can be moved"
    gain = placement.busiest_now - placement.lower_bound
    if gain <= answer.noise:
        noise = text.load(answer.noise, facts.weighed_by)
        return (
            f"the busiest CPU is at {now}, no plan gets it below {bound}, "
            f"and a gain of less than {noise} is noise"
        )
    return f"the busiest CPU is at {now}, and no better plan was found (bound {bound})"
