"""``--apply`` and ``--undo``: what is asked, printed and returned, on a made-up host."""

import contextlib
import io
import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click
import pytest

from irqwatch.affinity import journal
from irqwatch.cli import apply as cli_apply
from irqwatch.cli.apply import Wishes, apply, undo_journal
from irqwatch.errors import AffinityError
from irqwatch.model.plan import NothingCounts, Plan
from tests import affinity
from tests.affinity import FakeHost

PLAN = affinity.plan()
BEFORE = dict.fromkeys(affinity.LINES, "0-3")
AFTER = BEFORE | {30: "2", 31: "1"}


@dataclass
class Bench:
    host: FakeHost
    journal: Path

    def run(
        self, measure: Callable[[], Plan] | None = None, plan: Plan = PLAN, **wishes: object
    ) -> int:
        wanted = replace(Wishes(yes=True, journal=self.journal), **wishes)  # type: ignore[arg-type]
        return apply(plan, measure or (lambda: self.measure(plan)), self.host.root, wanted)

    def measure(self, plan: Plan) -> Plan:
        self.host.interrupt()
        return affinity.as_planned(plan)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    host = FakeHost(tmp_path / "host")
    access = affinity.moving(cli_apply.host_access(host.root), host)
    monkeypatch.setattr(cli_apply, "host_access", lambda root: access)
    return Bench(host, tmp_path / "affinity-1.json")


def test_applied_verified_and_kept(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.run() == 0
    assert bench.host.masks() == AFTER
    said = capsys.readouterr().out
    assert "30 dev30-queue  ok: 100 interrupts on CPU 2" in said
    assert "65.00% before, 40.00% predicted, 40.00% measured, 0.0% off" in said
    assert f"Kept. Undo: irqwatch advise --undo {bench.journal}" in said
    assert not journal.read(bench.journal).undone


def test_undo(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.run()
    assert undo_journal(str(bench.journal), bench.host.root) == 0
    assert bench.host.masks() == BEFORE
    assert [bench.host.effective(irq) for irq in (30, 31)] == [0, 0]
    assert "31 dev31-queue  restored" in capsys.readouterr().out
    with pytest.raises(AffinityError, match="has been undone already"):
        undo_journal(str(bench.journal), bench.host.root)


def test_undo_takes_the_latest(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "latest", lambda: bench.journal)
    bench.run()
    assert undo_journal("", bench.host.root) == 0
    assert bench.host.masks() == BEFORE


def test_worse_than_before_is_put_back(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    def worse() -> Plan:
        bench.host.interrupt()
        return affinity.measured(PLAN, {0: 0.1, 1: 0.9})

    assert bench.run(worse) == 1
    assert bench.host.masks() == BEFORE
    assert "Worse than before: putting everything back." in capsys.readouterr().out
    assert journal.read(bench.journal).undone


def test_worse_by_less_than_the_noise_is_kept(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.run(lambda: affinity.measured(PLAN, {0: 0.655})) == 0
    assert bench.host.masks() == AFTER
    assert "Kept, though no gain was measured. Undo: " in capsys.readouterr().out


def test_interrupted_it_puts_back(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    def measure() -> Plan:
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("it goes on")

    with pytest.raises(click.Abort):
        bench.run(measure)
    assert bench.host.masks() == BEFORE
    assert "Interrupted: putting everything back.\n" in capsys.readouterr().out


def test_not_followed_is_put_back(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    def measure() -> Plan:
        effective = bench.host.root.procfs / "irq/31/effective_affinity_list"
        bench.host.interrupt()
        effective.write_text("0\n")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bench.host, "follow", lambda: None)
            bench.host.interrupt()
        return affinity.as_planned(PLAN)

    assert bench.run(measure) == 1
    assert bench.host.masks() == BEFORE
    said = capsys.readouterr().out
    assert "31 dev31-queue  NOT FOLLOWED: 100 interrupts elsewhere" in said
    assert "Not followed: putting everything back." in said and "Kept" not in said


@contextlib.contextmanager
def answered(text: str, *, ends: bool = True) -> Iterator[None]:
    """Standard input is a pipe that has ``text`` and then ends, or stays open in silence."""
    read, write = os.pipe()
    os.write(write, text.encode())
    if ends:
        os.close(write)
    with pytest.MonkeyPatch.context() as patch, os.fdopen(read) as stdin:
        patch.setattr("sys.stdin", stdin)
        yield
    if not ends:
        os.close(write)


@pytest.mark.parametrize(("text", "status"), [("\n", 0), ("", 1)])
def test_confirmed_or_not(bench: Bench, text: str, status: int) -> None:
    with answered(text):
        assert bench.run(confirm_s=20.0) == status
    assert bench.host.masks() == (BEFORE if status else AFTER)


def test_nobody_confirms_in_time(bench: Bench) -> None:
    with answered("", ends=False):
        assert bench.run(confirm_s=0.05) == 1
    assert bench.host.masks() == BEFORE


def refuse_early(bench: Bench, **wishes: object) -> None:
    wanted = replace(Wishes(yes=True, journal=bench.journal), **wishes)  # type: ignore[arg-type]
    now = cli_apply.host_access(bench.host.root).observe()
    cli_apply.refuse_early(now, bench.host.root, wanted)


def test_nobody_can_answer(bench: Bench) -> None:
    with answered("y\n"), pytest.raises(click.UsageError, match=r"add --yes\.$"):
        refuse_early(bench, yes=False)


def test_what_cannot_be_applied_is_known_early(bench: Bench) -> None:
    bench.journal.touch()
    with pytest.raises(AffinityError, match="exists already"):
        refuse_early(bench)


@pytest.mark.parametrize(("text", "after"), [("y\n", AFTER), ("\n", BEFORE), ("n\n", BEFORE)])
def test_it_asks(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    after: dict[int, str],
) -> None:
    terminal = io.StringIO(text)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    assert bench.run(yes=False) == 0
    assert bench.host.masks() == after
    if after == BEFORE:
        assert capsys.readouterr().out == "Nothing was written.\n"
        assert not bench.journal.exists()


def test_a_plan_without_moves(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    plan = replace(PLAN, moves=(), verdict=NothingCounts(0.001))
    assert bench.run(plan=plan) == 0
    why = "change nothing: no interrupt takes as much as 0.1%"
    assert capsys.readouterr().out == f"Nothing to apply: {why}\n"
    assert not bench.journal.exists()


def test_one_that_is_refused_changes_what_is_predicted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    access = affinity.refusing(cli_apply.host_access(bench.host.root), {31})
    monkeypatch.setattr(cli_apply, "host_access", lambda root: access)
    assert bench.run() == 0
    said = capsys.readouterr().out
    assert "31 dev31-queue  stays 0-3: immovable: the kernel manages it" in said
    assert "60.00% predicted, 40.00% measured" in said
    assert bench.host.masks() == BEFORE | {30: "2"}


def test_a_reader_that_goes_away_gets_everything_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def echo(text: str, err: bool = False) -> None:
        if "Measuring" in text:
            raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(click, "echo", echo)
    with pytest.raises(AffinityError, match="the output cannot be written: Broken pipe"):
        bench.run()
    assert bench.host.masks() == BEFORE


def test_json_has_standard_output_for_itself(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.run(as_json=True) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["kept"] is True
    assert document["busiest"] == {
        "before": 0.65,
        "predicted": 0.4,
        "measured": 0.4,
        "spread": 0.01,
    }
    assert [(one["irq"], one["verdict"]) for one in document["checked"]] == [(30, "ok"), (31, "ok")]
