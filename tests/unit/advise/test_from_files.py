"""From two readings of a host's files to what is advised, where nothing is timed."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from irqwatch.advise.facts import Window
from irqwatch.advise.plan import Wanted, make_plan
from irqwatch.derive.view import derive
from irqwatch.model.plan import Finding
from irqwatch.source.live import LiveSource
from tests.fixtures.proc.trees import unpack

SECOND = 10**9
TICKS = 100  # a second


def edit(path: Path, row: str, columns: dict[int, int], base: int = 10) -> None:
    """Add to columns of the first row that has ``row``."""
    lines = path.read_text().splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if row in line)
    words = re.split(r"(\s+)", lines[number])
    fields = [n for n, word in enumerate(words) if word.strip()]
    for column, step in columns.items():
        value = int(words[fields[column]], base) + step
        words[fields[column]] = f"{value:08x}" if base == 16 else str(value)
    lines[number] = "".join(words)
    path.write_text("".join(lines))


def found(folder: Path, idle: int, interrupts: int) -> dict[str, Finding]:
    """On a CPU that is ``idle`` of 100 ticks, 500 squeezes in a second."""
    root = unpack("virtio_vm", folder)
    stat = root.procfs / "stat"
    stat.write_text("cpu0 100 0 50 10000 5 0 4 0\ncpu1 100 0 50 10000 5 0 4 0\n")
    softnet = root.procfs / "net" / "softnet_stat"
    softnet.parent.mkdir(exist_ok=True)
    softnet.write_text("00001000 00000000 00000010\n00002000 00000000 00000020\n")
    with LiveSource(root, (), settings_max_age_ns=0, tuning_max_age_ns=0) as source:
        before = source.sample()
        edit(root.procfs / "interrupts", " 38:", {2: interrupts})
        edit(stat, "cpu1", {1: 5, 4: idle, 7: TICKS - 5 - idle})
        edit(softnet, "00002000", {2: 500}, base=16)
        after = replace(source.sample(), monotonic_ns=before.monotonic_ns + SECOND)
    plan = make_plan([Window(before, after, derive(after, before))], Wanted())
    assert plan.weighed_by == "count"
    return {one.id: one for one in plan.findings}


@pytest.mark.parametrize("interrupts", [0, 200, 50_000])
def test_squeezes_are_told_however_often_the_line_interrupts(
    tmp_path: Path, interrupts: int
) -> None:
    finding = found(tmp_path, 36, interrupts)["time-squeeze"]
    assert finding.cpus == (1,)


def test_on_a_full_cpu_more_budget_is_no_advice(tmp_path: Path) -> None:
    assert "time-squeeze" not in found(tmp_path, 2, 0)
