import json
from dataclasses import replace

from irqwatch.sink.affinity import report
from irqwatch.sink.affinity.undo import Restored
from irqwatch.sink.affinity.verify import Checked, Target
from irqwatch.sink.affinity.write import Written
from tests import affinity, golden_file

PLAN = affinity.plan(affinity.move(30, 2), affinity.move(31, 1), affinity.move(32, 3))
WRITTEN = (
    Written(PLAN.moves[0], frozenset({3}), "CPU 2 has no vector left"),
    Written(PLAN.moves[1], frozenset({1})),
    Written(PLAN.moves[2], None, "immovable: the kernel manages it"),
)
CHECKED = (
    Checked(Target(affinity.line(30), frozenset({3})), "unverified", frozenset({0}), 0, 1),
    Checked(Target(affinity.line(31), frozenset({1})), "ok", frozenset({1}), 812, 1),
)
AFTER = affinity.measured(PLAN, {0: 0.41, 1: 0.22, 3: 0.05})
RESTORED = (
    Restored(affinity.line(31), "restored"),
    Restored(affinity.line(30), "changed", "somebody else has set CPU 2: left so"),
)


def test_golden_text() -> None:
    applied = report.Applied(PLAN, WRITTEN, CHECKED, AFTER)
    text = (
        report.written_text(WRITTEN) + report.checked_text(applied) + report.restored_text(RESTORED)
    )
    golden_file.check("affinity_report.txt", text)


def test_golden_json() -> None:
    applied = report.Applied(PLAN, WRITTEN, CHECKED, AFTER)
    text = report.to_json(applied, RESTORED, False, "/var/lib/irqwatch/affinity-1.json")
    assert text.count("\n") == 1
    golden_file.check("affinity_report.json", json.dumps(json.loads(text), indent=1) + "\n")


def test_a_gain_or_a_loss_within_the_noise_is_not_worse() -> None:
    for busiest, worse in ((0.40, False), (0.66, False), (0.67, True)):
        after = affinity.measured(PLAN, {0: busiest})
        assert report.Applied(PLAN, (), (), after).is_worse is worse


def test_a_loss_that_would_not_count_as_a_gain_is_not_worse() -> None:
    plan = replace(PLAN, thresholds={"min_gain": 0.05, "min_gain_ratio": 0.2})
    for weighed_by, busiest, worse in (
        ("time", 0.69, False),
        ("time", 0.71, True),
        ("count", 0.77, False),
        ("count", 0.79, True),
    ):
        before = replace(plan, weighed_by=weighed_by)
        after = affinity.measured(before, {0: busiest})
        assert report.Applied(before, (), (), after).is_worse is worse


def test_a_gain_that_did_not_come_is_known() -> None:
    for busiest, without in ((0.40, False), (0.64, False), (0.65, True), (0.66, True)):
        after = affinity.measured(PLAN, {0: busiest})
        assert report.Applied(PLAN, WRITTEN, (), after).is_without_gain is without
    packing = affinity.plan(affinity.move(33, 0))
    written = (Written(packing.moves[0], frozenset({0})),)
    packed = report.Applied(packing, written, (), affinity.as_planned(packing))
    assert not packed.is_without_gain


def test_a_plan_that_packs_is_not_worse_for_being_what_it_is() -> None:
    plan = affinity.plan(affinity.move(33, 0), eligible=frozenset({0, 2, 3}))
    packed = affinity.as_planned(plan)
    assert report.Applied(plan, (), (), packed).predicted_busiest > 0.65
    assert not report.Applied(plan, (), (), packed).is_worse
    assert report.Applied(plan, (), (), affinity.measured(plan, {0: 0.68})).is_worse


def test_the_busiest_is_of_those_that_may_be_given_interrupts() -> None:
    plan = affinity.plan(eligible=frozenset({1, 2, 3}))
    assert report.Applied(plan, (), (), affinity.as_planned(plan)).measured_busiest == 0.21
