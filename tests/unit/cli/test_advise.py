"""``irqwatch advise`` as it is called: on a recording that has something to move, and on none."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from irqwatch.advise.findings import RULES
from irqwatch.advise.thresholds import THRESHOLDS
from irqwatch.cli.advise import comparable, live_windows, recorded_windows, something_to_do
from irqwatch.cli.main import run as run_main
from irqwatch.collectors.hardirq import HardirqTime
from irqwatch.errors import IrqwatchError, RecordingError
from irqwatch.model.evidence import DeepIdle
from irqwatch.model.plan import Finding
from irqwatch.model.snapshot import Line, LineDevice, LineSetting, Snapshot
from irqwatch.record.recorder import Recorder
from irqwatch.source.replay import Replay
from tests import affinity, golden_file, hosts
from tests.affinity import FakeHost
from tests.probes import with_parts

IRQWATCH = Path(sys.executable).with_name("irqwatch")
VIRTIO = Path(__file__).resolve().parents[2] / "fixtures/recordings/v1-virtio-2cpu.irqw"

EVERYWHERE = frozenset({0, 1})
QUEUES = {24: "eth0-TxRx-0", 26: "eth0-TxRx-1"}


def sample(tick: int) -> Snapshot:
    """Both queues of eth0 on CPU 0, with 10 % of its time each, beside 19 % of softirqs."""
    made = hosts.busy(tick)
    assert made.probe
    times = tuple(
        HardirqTime(irq, action, 0, hosts.histogram(8_000, times=12_500 * tick))
        for irq, action in QUEUES.items()
    )
    return replace(
        made,
        lines=tuple(
            Line(str(irq), irq, {0: 12_500 * tick}, hwirq=str(irq), actions=(action,))
            for irq, action in QUEUES.items()
        ),
        settings=tuple(
            LineSetting(irq, EVERYWHERE, frozenset({0}), writable=True) for irq in QUEUES
        ),
        devices=tuple(
            LineDevice(irq, "eth0", "net", queue=number) for number, irq in enumerate(QUEUES)
        ),
        probe=with_parts(made.probe, hardirqs=times),
    )


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "host.irqw"
    with path.open("wb") as stream:
        recorder = Recorder(stream)
        for tick in range(9):
            recorder.add(sample(tick))
    return path


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [IRQWATCH, "advise", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8", **environment},
    )


def test_report_of_a_recording(recording: Path) -> None:
    done = run("--from", recording, "--windows", 4)
    assert (done.returncode, done.stderr) == (0, "")
    golden_file.check("advise-recording.txt", done.stdout)
    assert run("--from", recording, "--windows", 4).stdout == done.stdout


def test_json_of_a_recording(recording: Path) -> None:
    made = json.loads(run("--from", recording, "--json", "--windows", 100).stdout)
    assert (made["windows"], made["window_s"]) == (8, 1.0)
    moves = [(move["irq"], move["from"], move["to"]) for move in made["moves"]]
    assert moves == [(24, [0], [1]), (26, [0], [1])]


def test_nothing_to_change() -> None:
    done = run("--from", VIRTIO)
    assert (done.returncode, done.stderr) == (0, "")
    golden_file.check("advise-virtio-2cpu.txt", done.stdout)


def test_exit_code(recording: Path) -> None:
    assert run("--from", recording, "--exit-code").returncode == 3
    assert run("--from", VIRTIO, "--exit-code").returncode == 0


SEEN = DeepIdle(frozenset({0}), 0.0002)


def finding(severity: str, confidence: str) -> Finding:
    return Finding("deep-idle", 28, "", severity, confidence, SEEN, "", (), "")


@pytest.mark.parametrize(
    ("found", "something"),
    [
        (finding("critical", "high"), True),
        (finding("warning", "high"), True),
        (finding("warning", "medium"), False),
        (finding("info", "high"), False),
    ],
)
def test_what_is_not_sure_is_nothing_to_do(found: Finding, something: bool) -> None:
    plan = replace(affinity.plan(), change=False, findings=(found,))
    assert something_to_do(plan) is something


@pytest.mark.parametrize("wanted", [("--cpus", "9"), ("--device", "eth9"), ("--apply",)])
def test_wrong_usage_is_told_before_it_measures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: tuple[str, ...]
) -> None:
    def measured(deadline_ns: int) -> None:
        raise AssertionError("it measures")

    monkeypatch.setattr("irqwatch.clock.sleep_until", measured)
    host = FakeHost(tmp_path)
    root = ["--path.procfs", str(host.root.procfs), "--path.sysfs", str(host.root.sysfs)]
    with Path(os.devnull).open() as nobody:
        monkeypatch.setattr(sys, "stdin", nobody)
        monkeypatch.setattr(sys, "argv", ["irqwatch", "advise", *root, *wanted])
        assert run_main() == 2


def test_goal_device_cpus_and_thresholds(recording: Path) -> None:
    def moves(*wanted: str) -> list[int]:
        made = json.loads(run("--from", recording, "--json", *wanted).stdout)
        return [move["irq"] for move in made["moves"]]

    assert moves() == [24, 26]
    assert moves("--cpus", "1") == [24, 26]
    assert moves("--set", "min_gain=0.5") == []
    assert moves("--device", "eth0", "--cpus", "1") == [24, 26]


def test_list_has_all() -> None:
    done = run("--list", "--set", "min_gain=0.5")
    assert done.returncode == 0
    for one in THRESHOLDS:
        assert f"  {one.name} " in done.stdout and one.why in done.stdout
    for rule in RULES:
        assert rule.id in done.stdout
    assert "min_gain         0.5 " in done.stdout


def test_in_ascii(recording: Path) -> None:
    assert run("--from", recording, LC_ALL="C").stdout.isascii()


@pytest.mark.parametrize(
    "arguments, status, error",
    [
        (["--set", "nope=1"], 2, "--set nope=1: no such threshold"),
        (["--set", "min_gain=abc"], 2, "--set min_gain=abc: give a number"),
        (["--set", "min_gain"], 2, "--set min_gain: give NAME=VALUE"),
        (["--cpus", "99"], 2, "--cpus 99: none of these is online"),
        (["--cpus", "x"], 2, "'x' is not a list of CPUs"),
        (["--device", "eth9"], 2, "--device eth9: no interrupt is of such a device"),
        (["--duration", "5"], 2, "--duration is of a live host"),
        (["--goal", "speed"], 2, "--goal"),
    ],
)
def test_wrong_usage_is_one_line(
    recording: Path, arguments: list[str], status: int, error: str
) -> None:
    done = run("--from", recording, *arguments)
    assert (done.returncode, done.stdout) == (status, "")
    assert error in done.stderr and done.stderr.count("\n") == 1


def test_a_host_that_only_counts(tmp_path: Path) -> None:
    """And one that is not there at all."""
    root = ("--path.procfs", tmp_path, "--path.sysfs", tmp_path)
    done = run("--duration", 0.05, "--windows", 1, *root)
    assert done.returncode == 1
    assert "it cannot be told what to change" in done.stdout
    assert "interrupts: " in done.stdout


def test_ctrl_c_while_it_measures_gives_no_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(deadline_ns: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("irqwatch.clock.sleep_until", interrupted)
    root = ["--path.procfs", str(tmp_path), "--path.sysfs", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["irqwatch", "advise", *root])
    assert run_main() == 130
    assert capsys.readouterr().out == ""


def test_windows_follow_each_other() -> None:
    ticks = iter(range(5))
    windows = list(live_windows(lambda: sample(next(ticks)), 4, 4))
    assert [window.view.interval_s for window in windows] == [1.0] * 4
    assert all(first.after is second.before for first, second in pairwise(windows))


def test_a_recording_of_one_sample_is_too_short(tmp_path: Path) -> None:
    path = tmp_path / "short.irqw"
    with path.open("wb") as stream:
        Recorder(stream).add(sample(0))
    with Replay(path) as replay, pytest.raises(RecordingError, match="two samples"):
        list(recorded_windows(replay, 5))


def test_windows_without_times_are_left_out_where_others_have_them() -> None:
    blind = [replace(sample(tick), probe=None) for tick in range(2)]
    samples = iter([*blind, *(sample(tick) for tick in (2, 3))])
    windows = list(live_windows(lambda: next(samples), 3, 3))
    assert len(comparable(iter(windows))) == 2
    assert len(comparable(iter(windows[:1]))) == 1
    with pytest.raises(IrqwatchError, match="no interval"):
        comparable(iter(()))
