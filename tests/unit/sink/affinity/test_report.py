import errno
import json

import pytest

from irqwatch.affinity.judge import judged
from irqwatch.model.applied import Checked, Refusal, Restored, Target, Written
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
RESTORED = (
    Restored(affinity.line(31), "restored"),
    Restored(affinity.line(30), "changed", found=frozenset({2})),
)


def test_golden_text() -> None:
    text = (
        report.written_text(WRITTEN) + report.checked_text(APPLIED) + report.restored_text(RESTORED)
    )
    golden_file.check("affinity_report.txt", text)


def test_golden_json() -> None:
    text = report.to_json(APPLIED, RESTORED, False, "/var/lib/irqwatch/affinity-1.json")
    assert text.count("\n") == 1
    golden_file.check("affinity_report.json", json.dumps(json.loads(text), indent=1) + "\n")


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
    written = report.written_text([Written(PLAN.moves[0], None, refusal)])
    assert written == f"  30 dev30-queue  stays 0-3: {why}\n"
    restored = report.restored_text([Restored(affinity.line(30), "failed", refused=refusal)])
    assert restored == f"  30 dev30-queue  failed: {why}\n"


def test_no_vector_anywhere_is_said() -> None:
    assert report.written_text([Written(PLAN.moves[0], None, FULL)]) == (
        "  30 dev30-queue  stays 0-3: no CPU that would do has an interrupt vector left\n"
    )


def test_a_line_that_is_gone_is_said() -> None:
    assert report.restored_text([Restored(affinity.line(30), "gone")]) == (
        "  30 dev30-queue  gone: its number is free or another device's\n"
    )
