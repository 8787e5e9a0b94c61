from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from irqwatch.affinity.judge import judged
from irqwatch.errors import AffinityError
from irqwatch.model.applied import Applied, Written
from irqwatch.model.plan import CannotTell, Plan
from tests import affinity

PLAN = affinity.plan(affinity.move(30, 2), affinity.move(31, 1))


def of(plan: Plan, loads: Mapping[int, float], *, written: bool = True) -> Applied:
    """``plan`` written as planned, or not at all, and then measured."""
    moves = tuple(Written(move, move.to if written else None) for move in plan.moves)
    return judged(plan, moves, (), affinity.measured(plan, loads))


def as_planned(plan: Plan) -> Applied:
    return of(plan, {load.cpu: load.planned for load in plan.loads})


def test_a_gain_or_a_loss_within_the_noise_is_not_worse() -> None:
    for busiest, worse in ((0.40, False), (0.66, False), (0.67, True)):
        assert of(PLAN, {0: busiest}).is_worse is worse


def test_a_loss_that_would_not_count_as_a_gain_is_not_worse() -> None:
    plan = replace(PLAN, thresholds={"min_gain": 0.05, "min_gain_ratio": 0.2})
    for weighed_by, busiest, worse in (
        ("time", 0.69, False),
        ("time", 0.71, True),
        ("count", 0.77, False),
        ("count", 0.79, True),
    ):
        before = replace(plan, weighed_by=weighed_by)
        assert of(before, {0: busiest}).is_worse is worse


@pytest.mark.parametrize(
    ("after", "why"),
    [
        ({"verdict": CannotTell("masked")}, "hidden now: masked"),
        ({"weighed_by": "count"}, "first weighed by time, now by count"),
    ],
)
def test_what_cannot_be_compared_is_not_kept(after: dict[str, Any], why: str) -> None:
    measured = replace(affinity.measured(PLAN, {}), **after)
    with pytest.raises(AffinityError, match=why):
        judged(PLAN, (), (), measured)


def test_a_gain_that_did_not_come_is_known() -> None:
    for busiest, without in ((0.40, False), (0.64, False), (0.65, True), (0.66, True)):
        assert of(PLAN, {0: busiest}).is_without_gain is without
    assert not of(PLAN, {0: 0.65}, written=False).is_without_gain
    assert not as_planned(affinity.plan(affinity.move(33, 0))).is_without_gain


def test_a_plan_that_packs_is_not_worse_for_being_what_it_is() -> None:
    plan = affinity.plan(affinity.move(33, 0), eligible=frozenset({0, 2, 3}))
    packed = as_planned(plan)
    assert packed.busiest.predicted > 0.65
    assert not packed.is_worse
    assert of(plan, {0: 0.68}).is_worse


def test_the_busiest_is_of_those_that_may_be_given_interrupts() -> None:
    plan = affinity.plan(eligible=frozenset({1, 2, 3}))
    assert as_planned(plan).busiest.measured == 0.21


def test_the_noise_is_the_larger_of_the_two_measurements() -> None:
    noisy = replace(affinity.as_planned(PLAN), spread=0.3)
    assert judged(PLAN, (), (), noisy).busiest.noise == 0.3
    assert judged(replace(PLAN, spread=0.4), (), (), noisy).busiest.noise == 0.4


def test_a_cpu_that_was_not_measured_again_is_unknown() -> None:
    after = affinity.as_planned(PLAN)
    without = replace(after, loads=tuple(load for load in after.loads if load.cpu != 3))
    cpus = judged(PLAN, (), (), without).cpus
    assert [one.cpu for one in cpus if one.measured is None] == [3]
