"""What of a measurement is known, and what is not."""

from dataclasses import replace

import pytest

from irqwatch.advise.facts import CpuFacts, Window, gather
from irqwatch.advise.plan import Wanted, make_plan
from irqwatch.advise.thresholds import DEFAULTS
from irqwatch.model.snapshot import Softnet
from tests.advising import Busy, Machine

TOP = 1 << 32
SECONDS = 3
LINE = Busy(30, 0, 0.1, "eth0-TxRx-0", queue=0)


def windows(before: tuple[Softnet, ...], after: tuple[Softnet, ...]) -> list[Window]:
    """``SECONDS`` of CPU 0, with the first and the last reading of softnet_stat."""
    measured = Machine((LINE,), windows=SECONDS).measured()
    first, last = measured[0], measured[-1]
    measured[0] = replace(first, before=replace(first.before, softnet=before))
    measured[-1] = replace(last, after=replace(last.after, softnet=after))
    return measured


def row(count: int) -> Softnet:
    """With as many drops as squeezes."""
    return Softnet(0, 0, count, count)


def cpu_0(before: tuple[Softnet, ...], after: tuple[Softnet, ...]) -> CpuFacts:
    return gather(windows(before, after), DEFAULTS).cpus[0]


@pytest.mark.parametrize(
    ("before", "after", "rise"),
    [(7, 607, 600), (7, 7, 0), (TOP - 100, 500, 600), (TOP - 100, TOP - 1, 99)],
    ids=["rose", "rose by nothing", "wrapped", "near the wrap"],
)
def test_drops_and_squeezes_rose(before: int, after: int, rise: int) -> None:
    one = cpu_0((row(before),), (row(after),))
    assert (one.squeezes, one.drops) == (rise / SECONDS, rise / SECONDS)


@pytest.mark.parametrize(
    ("before", "after"),
    [((row(500),), (row(7),)), ((), (row(7),)), ((row(7),), ()), ((), ())],
    ids=["reset", "not read before", "not read after", "never read"],
)
def test_drops_and_squeezes_are_not_known(
    before: tuple[Softnet, ...], after: tuple[Softnet, ...]
) -> None:
    one = cpu_0(before, after)
    assert (one.squeezes, one.drops) == (None, None)
    found = {finding.id for finding in make_plan(windows(before, after), Wanted()).findings}
    assert found.isdisjoint({"time-squeeze", "backlog-drops"})


def test_a_wrapped_counter_is_found_all_the_same() -> None:
    measured = windows((row(TOP - 100),), (row(500),))
    found = {finding.id for finding in make_plan(measured, Wanted()).findings}
    assert {"time-squeeze", "backlog-drops"} <= found
