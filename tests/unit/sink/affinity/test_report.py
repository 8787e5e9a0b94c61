import errno
import json
from dataclasses import replace
from pathlib import Path

import pytest

from irqwatch.affinity.judge import judged
from irqwatch.model.applied import (
    Begun,
    Checked,
    Kept,
    Outcome,
    PutBack,
    Refusal,
    Remeasuring,
    Restored,
    Target,
    Undone,
    Written,
    Wrote,
)
from irqwatch.sink.affinity import report
from tests import affinity, golden_file

PLAN = affinity.plan(affinity.move(30, 2), affinity.move(31, 1), affinity.move(32, 3))
FULL = Refusal(errno.ENOSPC, "No space left on device")
WRITTEN = (
    Written(PLAN.moves[0], frozenset({3}), FULL),
    Written(PLAN.moves[1], frozenset({1})),
    Written(PLAN.moves[2], None, Refusal(errno.EPERM, "Operation not permitted")),
)
CHECKED = (
    Checked(Target(affinity.line(30), frozenset({3})), "unverified", frozenset({0}), 0, 1),
    Checked(Target(affinity.line(31), frozenset({1})), "ok", frozenset({1}), 812, 1),
)
APPLIED = judged(PLAN, WRITTEN, CHECKED, affinity.measured(PLAN, {0: 0.41, 1: 0.22, 3: 0.05}))
PUT_BACK = PutBack(
    "not confirmed",
    (
        Restored(affinity.line(31), "restored"),
        Restored(affinity.line(30), "changed", found=frozenset({2})),
    ),
)
JOURNAL = Path("/var/lib/irqwatch/affinity-1.json")


def test_golden_text() -> None:
    steps = (
        Begun(JOURNAL),
        Wrote(WRITTEN),
        Remeasuring(3.0),
        APPLIED,
        Kept(JOURNAL, is_without_gain=False),
        Kept(JOURNAL, is_without_gain=True),
        PUT_BACK,
    )
    golden_file.check("affinity_report.txt", "".join(map(report.step_text, steps)))


def test_golden_json() -> None:
    text = report.to_json(Outcome(APPLIED, JOURNAL, PUT_BACK))
    assert text.count("\n") == 1
    golden_file.check("affinity_report.json", json.dumps(json.loads(text), indent=1) + "\n")


def test_what_is_kept_in_json() -> None:
    document = json.loads(report.to_json(Outcome(APPLIED, JOURNAL)))
    assert (document["kept"], document["restored"]) == (True, [])


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("not followed", "Not followed"),
        ("worse", "Worse than before"),
        ("not confirmed", "Not confirmed"),
        ("interrupted", "Interrupted"),
        ("failed", "Failed"),
    ],
)
def test_why_it_was_put_back_is_said(why: str, said: str) -> None:
    assert report.step_text(PutBack(why, ())) == f"{said}: putting everything back.\n"


def test_what_an_undo_did_is_said() -> None:
    undone = Undone(JOURNAL, "2023-11-14T22:13:20Z", (Restored(affinity.line(31), "restored"),))
    assert report.undone_text(undone) == (
        f"{JOURNAL}, written 2023-11-14T22:13:20Z:\n  31 dev31-queue  restored\n"
    )
    assert report.undone_text(replace(undone, restored=())).endswith(
        ":\n  nothing had been written\n"
    )


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.EIO, "immovable: the kernel manages it"),
        (errno.EPERM, "immovable: the kernel manages it"),
        (errno.EINVAL, "those CPUs are offline"),
        (errno.ERANGE, "this kernel has no such CPUs"),
        (errno.ENOENT, "the line is gone"),
        (errno.EBUSY, "refused: Device or resource busy"),
    ],
)
def test_what_the_kernel_refuses_is_said(number: int, why: str) -> None:
    refusal = Refusal(number, "Device or resource busy")
    written = report.step_text(Wrote((Written(PLAN.moves[0], None, refusal),)))
    assert written == f"  30 dev30-queue  stays 0-3: {why}\n"
    failed = PutBack("failed", (Restored(affinity.line(30), "failed", refused=refusal),))
    assert report.step_text(failed).splitlines()[1] == f"  30 dev30-queue  failed: {why}"


def test_that_it_is_not_known_how_many_came_is_said() -> None:
    checked = Checked(Target(affinity.line(31), frozenset({1})), "unverified", None, None, None)
    applied = replace(APPLIED, checked=(checked,))
    said = report.step_text(applied).splitlines()[0]
    assert said == "  31 dev31-queue  unverified: how many came is not known"
    (row,) = json.loads(report.to_json(Outcome(applied, JOURNAL)))["checked"]
    assert (row["there"], row["elsewhere"]) == (None, None)


def test_no_vector_anywhere_is_said() -> None:
    assert report.step_text(Wrote((Written(PLAN.moves[0], None, FULL),))) == (
        "  30 dev30-queue  stays 0-3: no CPU that would do has an interrupt vector left\n"
    )


def test_a_line_that_is_gone_is_said() -> None:
    step = PutBack("failed", (Restored(affinity.line(30), "gone"),))
    assert report.step_text(step).splitlines()[1:] == [
        "  30 dev30-queue  gone: its number is free or another device's"
    ]
