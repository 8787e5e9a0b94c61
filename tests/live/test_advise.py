"""A plan for this host: a line that interrupts is weighed, and asked off a CPU it may not have."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from irqwatch.advise.facts import Window
from irqwatch.advise.plan import Wanted, make_plan
from irqwatch.advise.thresholds import DEFAULTS
from irqwatch.derive.view import derive
from irqwatch.model.plan import Outside
from irqwatch.source.live import LiveSource
from irqwatch.source.root import Root
from tests.live.kernel import wait_for
from tests.live.lines import Driven, movable_line

pytestmark = pytest.mark.live

READS = 500
# Whatever was seen at all is to count: no test asserts on how long it took.
ANY = {**DEFAULTS, "idle_load": 0.0}


def runs_on(line: Driven) -> str:
    """After another interrupt: the mask is in force from the next one on."""
    line.interrupt(10)
    return Path(f"/proc/irq/{line.irq}/effective_affinity_list").read_text().strip()


@pytest.fixture
def line_on_cpu_0() -> Iterator[Driven]:
    """Its mask is put back."""
    line = movable_line()
    mask = Path(f"/proc/irq/{line.irq}/smp_affinity_list")
    before = mask.read_text()
    mask.write_text("0")
    try:
        wait_for(lambda: runs_on(line) == "0", "the mask to be in force")
        yield line
    finally:
        mask.write_text(before)
        assert mask.read_text() == before


def test_a_busy_line_is_weighed_and_planned(line_on_cpu_0: Driven) -> None:
    irq = line_on_cpu_0.irq
    with LiveSource(Root(), settings_max_age_ns=0, tuning_max_age_ns=0) as source:
        before = source.sample()
        line_on_cpu_0.interrupt(READS)
        after = source.sample()
    window = Window(before, after, derive(after, before))
    assert after.tuning and after.tuning.default_affinity

    plan = make_plan([window], Wanted(cpus=frozenset({1}), thresholds=ANY))
    assert plan.weighed_by == "time"
    move = next(move for move in plan.moves if move.line.irq == irq)
    assert (move.requested, move.effective, move.to) == ({0}, {0}, {1})
    assert move.load > 0 and move.reason == Outside(frozenset({0}), "unwanted")

    stays = make_plan([window], Wanted(cpus=frozenset({0}), thresholds=ANY))
    assert irq not in {move.line.irq for move in stays.moves}
