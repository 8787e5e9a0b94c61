"""Windows of a host → Plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from irqwatch.advise.facts import Facts, Window, gather
from irqwatch.advise.findings import findings
from irqwatch.advise.moves import Placed, placed
from irqwatch.advise.thresholds import DEFAULTS
from irqwatch.base.columns import refuse_unlisted
from irqwatch.base.names import behind_names, names_of_lines
from irqwatch.cells import cpu_list
from irqwatch.errors import UsageError
from irqwatch.model.plan import (
    CannotTell,
    GainIsNoise,
    Improves,
    NoneBetter,
    NothingCounts,
    NothingMovable,
    Plan,
    Verdict,
)
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
    """From at least one window. Raises what ``check`` does."""
    check(windows[-1].after, wanted)
    facts = gather(windows, wanted.thresholds, wanted.goal, wanted.cpus)
    answer = placed(facts, wanted.devices)
    placement = answer.placement
    busiest = max((facts.cpus[cpu] for cpu in answer.cpus), key=lambda one: one.load, default=None)
    is_measured = facts.weighed_by == "time" or not facts.hidden
    return Plan(
        host=facts.host,
        wall_ns=facts.wall_ns,
        goal=wanted.goal,
        windows=len(windows),
        window_s=facts.seconds / len(windows),
        weighed_by=facts.weighed_by,
        verdict=verdict(facts, answer),
        change=bool(answer.moves),
        busiest_now=placement.busiest_now if is_measured else None,
        busiest_planned=placement.busiest_planned if is_measured else None,
        spread=(busiest.spread if busiest else 0.0) if is_measured else None,
        lower_bound=None if facts.hidden else placement.lower_bound,
        gap=None if facts.hidden else placement.gap,
        exact=placement.exact and not facts.hidden,
        loads=answer.loads if is_measured else (),
        moves=answer.moves,
        immovable=answer.immovable,
        left_out=answer.left_out,
        findings=findings(facts, answer),
        behind=behind_names(windows[-1].after.behind),
        thresholds=dict(wanted.thresholds),
        unavailable=facts.unavailable,
    )


def check(now: Snapshot, wanted: Wanted) -> None:
    """Raises UsageError where what is wanted is not on this host, IrqwatchError where that cannot
    be told."""
    if wanted.cpus is not None and not wanted.cpus & set(now.topology.online):
        raise UsageError(f"--cpus {cpu_list(wanted.cpus)}: none of these is online")
    called = names_of_lines(now.lines, now.devices, now.behind)
    known: frozenset[str] = frozenset().union(*called.values())
    if unknown := sorted(wanted.devices - known):
        refuse_unlisted(now.unavailable, has_some=bool(now.lines))
        raise UsageError(f"--device {unknown[0]}: no interrupt is of such a device")


def verdict(facts: Facts, answer: Placed) -> Verdict:
    """That something changes, or why nothing should."""
    if facts.hidden:
        return CannotTell(facts.hidden)
    if answer.moves:
        return Improves()
    counted = [line for line in facts.lines if facts.counts(line)]
    if not counted:
        return NothingCounts(facts.idle)
    fixed = {one.line.irq for one in (*answer.immovable, *answer.left_out)}
    if all(line.irq in fixed for line in counted):
        return NothingMovable()
    gain = answer.placement.busiest_now - answer.placement.lower_bound
    return GainIsNoise(answer.noise) if gain <= answer.noise else NoneBetter()
