"""The whole of a plan applied, and undone, on a made-up host; what it measures is made up too."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from irqwatch.affinity import files, journal, signals, transaction
from irqwatch.affinity.access import Access
from irqwatch.affinity.transaction import Caller
from irqwatch.cli.apply import host_access
from irqwatch.errors import AffinityError, ProbeError
from irqwatch.model.applied import (
    Applied,
    Begun,
    Kept,
    Outcome,
    PutBack,
    Remeasuring,
    Step,
    Wrote,
)
from irqwatch.model.plan import Plan
from tests import affinity
from tests.affinity import FakeHost

PLAN = affinity.plan()
BEFORE = dict.fromkeys(affinity.LINES, "0-3")
AFTER = BEFORE | {30: "2", 31: "1"}


@dataclass
class Bench:
    host: FakeHost
    access: Access
    journal: Path
    told: list[Step] = field(default_factory=list)

    def apply(self, measure: Callable[[], Plan] | None = None, **answers: object) -> Outcome | None:
        caller = Caller(
            is_wanted=lambda: True,
            measure=measure or self.measure,
            is_confirmed=lambda: True,
            tell=self.told.append,
        )
        caller = replace(caller, **answers)  # type: ignore[arg-type]
        return transaction.apply(PLAN, self.access, caller, self.journal)

    def measure(self) -> Plan:
        self.host.interrupt()
        return affinity.as_planned(PLAN)

    def steps(self) -> list[type]:
        return [type(step) for step in self.told]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    host = FakeHost(tmp_path / "host")
    access = affinity.moving(host_access(host.root), host)
    return Bench(host, access, tmp_path / "affinity-1.json")


def test_each_step_is_told_and_it_is_kept(bench: Bench) -> None:
    outcome = bench.apply()
    assert outcome and outcome.put_back is None
    assert bench.steps() == [Begun, Wrote, Remeasuring, Applied, Kept]
    assert bench.told[-2:] == [outcome.applied, Kept(bench.journal, is_without_gain=False)]
    assert [one.verdict for one in outcome.applied.checked] == ["ok", "ok"]
    assert bench.host.masks() == AFTER
    assert not journal.read(bench.journal).undone


def test_the_journal_is_there_before_anything_is_written(bench: Bench) -> None:
    def tell(step: Step) -> None:
        if isinstance(step, Begun):
            assert len(journal.read(step.journal).entries) == 2
            assert bench.host.masks() == BEFORE

    bench.apply(tell=tell)
    assert bench.host.masks() == AFTER


def test_interrupts_from_before_the_move_are_not_held_against_it(bench: Bench) -> None:
    def tell(step: Step) -> None:
        if isinstance(step, Begun):
            bench.host.interrupt()  # where they were

    outcome = bench.apply(tell=tell)
    assert outcome and [one.elsewhere for one in outcome.applied.checked] == [0, 0]


def test_undo(bench: Bench) -> None:
    bench.apply()
    undone = transaction.undo(bench.journal, bench.access)
    assert {one.line.irq: one.verdict for one in undone.restored} == {
        30: "restored",
        31: "restored",
    }
    assert bench.host.masks() == BEFORE
    assert [bench.host.effective(irq) for irq in (30, 31)] == [0, 0]
    with pytest.raises(AffinityError, match="has been undone already"):
        transaction.undo(bench.journal, bench.access)


def test_undo_while_another_run_holds_the_lock(bench: Bench) -> None:
    bench.apply()
    with (
        files.locked(bench.host.root.procfs),
        pytest.raises(AffinityError, match="by another irqw"),
    ):
        transaction.undo(bench.journal, bench.access)
    assert bench.host.masks() == AFTER


def test_worse_than_before_is_put_back(bench: Bench) -> None:
    def worse() -> Plan:
        bench.host.interrupt()
        return affinity.measured(PLAN, {0: 0.1, 1: 0.9})

    outcome = bench.apply(worse)
    assert outcome and outcome.put_back and outcome.put_back.why == "worse"
    assert bench.told[-1] == outcome.put_back
    assert Kept not in bench.steps()
    assert bench.host.masks() == BEFORE
    assert journal.read(bench.journal).undone


def test_worse_is_put_back_before_anybody_is_asked_to_confirm(bench: Bench) -> None:
    asked: list[bool] = []

    def is_confirmed() -> bool:
        asked.append(True)
        return True

    bench.apply(lambda: affinity.measured(PLAN, {1: 0.9}), is_confirmed=is_confirmed)
    assert not asked and bench.host.masks() == BEFORE


def test_not_confirmed_is_put_back(bench: Bench) -> None:
    outcome = bench.apply(is_confirmed=lambda: False)
    assert outcome and outcome.put_back and outcome.put_back.why == "not confirmed"
    assert bench.host.masks() == BEFORE


def test_not_wanted_nothing_is_written(bench: Bench) -> None:
    assert bench.apply(is_wanted=lambda: False) is None
    assert bench.told == []
    assert bench.host.masks() == BEFORE
    assert not bench.journal.exists()


@pytest.mark.parametrize("ending", [ProbeError("no map"), OSError(5, "EIO"), SystemExit(0)])
def test_whatever_ends_it_puts_back(bench: Bench, ending: BaseException) -> None:
    def measure() -> Plan:
        assert bench.host.masks() == AFTER
        raise ending

    with pytest.raises(type(ending)):
        bench.apply(measure)
    assert bench.host.masks() == BEFORE
    assert isinstance(bench.told[-1], PutBack) and bench.told[-1].why == "failed"


@pytest.mark.parametrize("number", signals.ENDS)
def test_a_signal_puts_back(bench: Bench, number: signal.Signals) -> None:
    def measure() -> Plan:
        os.kill(os.getpid(), number)
        raise AssertionError("it goes on")

    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        bench.apply(measure)
    assert bench.host.masks() == BEFORE
    assert isinstance(bench.told[-1], PutBack) and bench.told[-1].why == "interrupted"
    assert signal.getsignal(number) == before


def test_a_second_signal_does_not_cut_the_first_ones_way_out_short(bench: Bench) -> None:
    done: list[bool] = []

    def measure() -> Plan:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGTERM)
            done.append(True)
        raise AssertionError("it goes on")

    with pytest.raises(KeyboardInterrupt):
        bench.apply(measure)
    assert done and bench.host.masks() == BEFORE


@pytest.mark.parametrize("measured", [{0: 0.1, 1: 0.9}, {0: 0.4}])
def test_a_signal_just_when_it_was_decided(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, measured: dict[int, float]
) -> None:
    real = signals.deafen
    sent: list[bool] = []

    def deafen() -> None:
        if not sent:
            sent.append(True)
            os.kill(os.getpid(), signal.SIGTERM)
        real()

    def measure() -> Plan:
        bench.host.interrupt()
        return affinity.measured(PLAN, measured)

    monkeypatch.setattr(signals, "deafen", deafen)
    with pytest.raises(KeyboardInterrupt):
        bench.apply(measure)
    assert sent and bench.host.masks() == BEFORE


def test_a_signal_while_it_is_put_back_is_nothing(bench: Bench) -> None:
    def tell(step: Step) -> None:
        if isinstance(step, PutBack):
            os.kill(os.getpid(), signal.SIGTERM)

    outcome = bench.apply(is_confirmed=lambda: False, tell=tell)
    assert outcome and outcome.put_back and bench.host.masks() == BEFORE


def test_a_terminal_that_is_gone_does_not_keep_it(bench: Bench) -> None:
    def tell(step: Step) -> None:
        if isinstance(step, PutBack):
            raise AffinityError("the output cannot be written")

    outcome = bench.apply(is_confirmed=lambda: False, tell=tell)
    assert outcome and outcome.put_back and bench.host.masks() == BEFORE


def test_a_host_that_has_changed_is_told_before_it_asks(bench: Bench) -> None:
    def is_wanted() -> bool:
        raise AssertionError("it asks")

    bench.host.set_mask(31, "2")
    with pytest.raises(AffinityError, match="the host has changed since"):
        bench.apply(is_wanted=is_wanted)


def test_the_host_changes_while_it_asks(bench: Bench) -> None:
    def is_wanted() -> bool:
        bench.host.set_mask(31, "2")
        return True

    with pytest.raises(AffinityError, match="the host has changed since"):
        bench.apply(is_wanted=is_wanted)
    assert bench.host.masks() == BEFORE | {31: "2"}
    assert not bench.journal.exists()


def test_irqbalance_that_was_not_told(bench: Bench) -> None:
    bench.host.start_irqbalance("--banirq=30")
    with pytest.raises(AffinityError, match=r"irqbalance \(pid 812\).*--banirq=31"):
        bench.apply()
    assert bench.host.masks() == BEFORE


def test_irqbalance_that_was_told(bench: Bench) -> None:
    bench.host.start_irqbalance("--banirq=30", "--banirq=31")
    bench.apply()
    assert bench.host.masks() == AFTER


def test_two_at_once(bench: Bench) -> None:
    with (
        files.locked(bench.host.root.procfs),
        pytest.raises(AffinityError, match="by another irqw"),
    ):
        bench.apply()
    assert bench.host.masks() == BEFORE


def test_no_journal_no_write(bench: Bench) -> None:
    bench.journal = Path("/proc/none/affinity-1.json")
    with pytest.raises(AffinityError, match="cannot be written"):
        bench.apply()
    assert bench.host.masks() == BEFORE


def test_all_refused(bench: Bench) -> None:
    bench.access = affinity.refusing(bench.access, (30, 31))
    with pytest.raises(AffinityError, match="no mask could be written"):
        bench.apply()
    assert bench.steps() == [Begun, Wrote]
    assert journal.read(bench.journal).undone


def refuse_early(bench: Bench) -> None:
    transaction.refuse_early(bench.access.observe(), bench.access, bench.journal)


def test_what_is_fit_to_be_applied_is_not_refused(bench: Bench) -> None:
    bench.host.start_irqbalance("--banirq=30")
    refuse_early(bench)


def test_a_journal_that_cannot_be_made_is_known_early(bench: Bench) -> None:
    bench.journal.touch()
    with pytest.raises(AffinityError, match="exists already"):
        refuse_early(bench)
    bench.journal = bench.journal / "x" / "y.json"
    with pytest.raises(AffinityError, match="cannot be written: No such file"):
        refuse_early(bench)


def test_masks_that_may_not_be_written_are_known_early(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(AffinityError, match="may not be written: run as root"):
        refuse_early(bench)


def test_irqbalance_that_was_told_nothing_is_known_early(bench: Bench) -> None:
    bench.host.start_irqbalance()
    with pytest.raises(AffinityError, match=r"irqbalance \(pid 812\) would move them again"):
        refuse_early(bench)
