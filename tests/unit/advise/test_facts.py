"""What of a measurement is known, and what is not."""

from dataclasses import replace

import pytest

from irqwatch.advise.facts import CpuFacts, Window, gather
from irqwatch.advise.plan import Wanted, make_plan
from irqwatch.advise.thresholds import DEFAULTS
from irqwatch.model.plan import CannotTell
from irqwatch.model.snapshot import LineSetting, Softnet, Unavailable
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


def with_unknown(*numbers: int, incomplete: bool = False) -> list[Window]:
    """Of those windows it is not known what line 30 counted. ``incomplete``: no end had its row."""
    measured = Machine((LINE, replace(LINE, irq=31)), timed=False).measured()
    lack = Unavailable("interrupts", "1 garbled row left out")
    for number in numbers:
        window = measured[number]
        view = replace(
            window.view,
            sources=tuple(one for one in window.view.sources if getattr(one, "irq", 0) != 30),
            unknown_lines=frozenset() if incomplete else frozenset({30}),
        )
        after = window.after
        if incomplete:
            lines = tuple(line for line in after.lines if line.irq != 30)
            after = replace(after, lines=lines, unavailable=(lack,))
        measured[number] = replace(window, view=view, after=after)
    return measured


@pytest.mark.parametrize("incomplete", [False, True])
@pytest.mark.parametrize("numbers", [(0,), (0, 1)])
def test_a_window_of_which_a_count_is_not_known_weighs_nothing(
    numbers: tuple[int, ...], incomplete: bool
) -> None:
    all_known = gather(with_unknown(), DEFAULTS)
    facts = gather(with_unknown(*numbers, incomplete=incomplete), DEFAULTS)
    for irq in (30, 31):
        assert facts.by_irq[irq].load == pytest.approx(all_known.by_irq[irq].load)
        assert facts.by_irq[irq].rate == pytest.approx(all_known.by_irq[irq].rate)
        assert facts.by_irq[irq].spread == pytest.approx(0)
    assert facts.cpus[0].load == pytest.approx(all_known.cpus[0].load)


def test_a_line_that_was_not_there_counted_nothing() -> None:
    measured = with_unknown(0, incomplete=True)
    measured[0] = replace(measured[0], after=replace(measured[0].after, unavailable=()))
    load = gather(with_unknown(), DEFAULTS).by_irq[30].load
    assert gather(measured, DEFAULTS).by_irq[30].load == pytest.approx(load * 2 / 3)


def test_where_no_count_is_known_it_cannot_be_told_what_to_change() -> None:
    measured = [
        replace(window, view=replace(window.view, sources=(), unknown_lines=frozenset({30, 31})))
        for window in with_unknown()
    ]
    plan = make_plan(measured, Wanted())
    assert plan.verdict == CannotTell("what they counted is not known of any window")
    assert (plan.busiest_now, plan.loads, plan.exact) == (None, (), False)


@pytest.mark.parametrize(("before", "after", "rise"), [(10, 40, 30), (99_000, 700, 700)])
def test_unhandled_interrupts_are_counted_over_the_kernels_new_start(
    before: int, after: int, rise: int
) -> None:
    measured = Machine((LINE,)).measured()
    first, last = measured[0], measured[-1]
    at = [LineSetting(30, unhandled=count) for count in (before, after)]
    measured[0] = replace(first, before=replace(first.before, settings=(at[0],)))
    measured[-1] = replace(last, after=replace(last.after, settings=(at[1],)))
    assert gather(measured, DEFAULTS).by_irq[30].unhandled == rise


def test_the_time_of_another_thread_with_the_same_pid_is_not_known() -> None:
    measured = Machine((LINE,), ksoftirqd={0: 0.5}).measured()
    assert gather(measured, DEFAULTS).cpus[0].ksoftirqd == pytest.approx(0.5)
    first = measured[0]
    threads = tuple(replace(one, cpu_ns=10**12) for one in first.before.threads)
    measured[0] = replace(first, before=replace(first.before, threads=threads))
    assert gather(measured, DEFAULTS).cpus[0].ksoftirqd is None
