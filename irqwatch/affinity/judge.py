"""Whether a plan, as far as it was written, did what it was made for."""

from collections.abc import Iterable, Mapping

from irqwatch.affinity.write import predicted
from irqwatch.errors import AffinityError
from irqwatch.model.applied import Applied, Busiest, Checked, CpuOutcome, Written
from irqwatch.model.plan import CannotTell, CpuLoad, Plan


def judged(
    plan: Plan, written: tuple[Written, ...], checked: tuple[Checked, ...], after: Plan
) -> Applied:
    """``after`` is made of the second measurement: its ``loads`` are what was measured. Raises
    AffinityError where they are not known, or are no loads of the same kind."""
    if isinstance(after.verdict, CannotTell):
        why = f"the interrupts are hidden now: {after.verdict.reason}"
        raise AffinityError(f"it cannot be told whether that is better: {why}")
    if after.weighed_by != plan.weighed_by:
        why = f"first weighed by {plan.weighed_by}, now by {after.weighed_by}"
        raise AffinityError(f"it cannot be told whether that is better: {why}")
    before = {load.cpu: load.now for load in plan.loads}
    expected = predicted(plan, written)
    measured = {load.cpu: load.now for load in after.loads}
    busiest = Busiest(
        before=_busiest(plan.loads, before),
        predicted=_busiest(plan.loads, expected),
        measured=_busiest(plan.loads, measured),
        noise=max(plan.spread or 0.0, after.spread or 0.0),
    )
    return Applied(
        weighed_by=plan.weighed_by,
        written=written,
        checked=checked,
        cpus=tuple(
            CpuOutcome(cpu, now, expected[cpu], measured.get(cpu)) for cpu, now in before.items()
        ),
        busiest=busiest,
        is_worse=_is_worse(plan, busiest),
        is_without_gain=busiest.predicted < busiest.before <= busiest.measured,
    )


def _busiest(loads: Iterable[CpuLoad], values: Mapping[int, float]) -> float:
    """The highest of the CPUs that may be given interrupts."""
    return max((values.get(load.cpu, 0.0) for load in loads if load.eligible), default=0.0)


def _is_worse(plan: Plan, busiest: Busiest) -> bool:
    """By more than the noise, and than a gain would have to be to count. A plan may want its
    busiest CPU busier than it was, to leave others free: then what was planned counts."""
    expected = max(busiest.before, busiest.predicted)
    if plan.weighed_by == "time":
        least = plan.thresholds.get("min_gain", 0.0)
    else:
        least = plan.thresholds.get("min_gain_ratio", 0.0) * expected
    return busiest.measured > expected + max(busiest.noise, least)
