"""What of the benchmark against irqbalance needs no irqbalance."""

import os
import subprocess
from pathlib import Path

import pytest

from bench import irqbalance, loads
from bench.fake_host import Host, Interrupt
from bench.optimum import optimum

HOST = Host("4 of 10 ms", 2, tuple(Interrupt(irq, 10, 1e6, 0) for irq in range(24, 28)))


def test_the_busiest_cpu() -> None:
    assert irqbalance.busiest(HOST, {24: 0, 25: 0, 26: 0, 27: 1}) == pytest.approx(0.03)
    assert irqbalance.best(HOST) == pytest.approx(0.02)


def test_irqwatch_balances_and_is_content() -> None:
    outcome = irqbalance.by_irqwatch(HOST)
    assert outcome.ratio == pytest.approx(1)
    assert (outcome.moves, outcome.late_moves) == (2, 0)


def test_a_row_each_of_who_and_what() -> None:
    theirs = [irqbalance.Outcome(1.5, 10, 4), irqbalance.Outcome(2.5, 20, 0)]
    ours = [irqbalance.Outcome(1.0, 3, 0)]
    rows = list(irqbalance.compared("set", theirs, ours))
    assert [(row.measured, row.note) for row in rows] == [
        (2.0, "worst 2.50, hosts: 2"),
        (1.0, "worst 1.00, hosts: 1"),
        (15, "2 in the last 20 s"),
        (3, "0 in a second run"),
    ]


def test_without_irqbalance_there_is_nothing_but_a_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert list(irqbalance.rows()) == []
    hint = "irqbalance is not installed: apt-get install irqbalance\n"
    assert capsys.readouterr().err == hint


@pytest.mark.parametrize("mount", ["true", "false"], ids=["does nothing", "fails"])
def test_nothing_is_started_where_a_mount_does_not_hold(mount: str, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "mount").symlink_to(f"/bin/{mount}")
    over, own = tmp_path / "over", tmp_path / "own"
    over.touch()
    own.touch()
    ran = subprocess.run(
        [*irqbalance.MOUNTED, over, own, "--", "echo", "started"],
        env={"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"},
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (1, b"")


def test_made_up_hosts_are_the_same_each_time() -> None:
    assert dict(loads.made_up(2)) == dict(loads.made_up(2))


@pytest.mark.parametrize("cpus", [2, 64])
def test_loads_are_in_proportion_to_the_cpus(cpus: int) -> None:
    lines = [loads.Line(5, 100, 0), loads.Line(1, 1_500, 1)]
    made = loads.host("made", cpus, lines)
    assert [of.load for of in made.interrupts] == pytest.approx(
        [max(1, cpus / 8) / 4, max(1, cpus / 8) * 3 / 4]
    )
    assert optimum([of.load for of in made.interrupts], cpus) < cpus
