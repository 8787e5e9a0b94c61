"""``irqwatch explain`` as it is called, on a recording."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from irqwatch.cli.main import run as run_main
from tests.e2e.serving import LIMIT_SECONDS

IRQWATCH = Path(sys.executable).with_name("irqwatch")
VIRTIO = Path(__file__).parents[1] / "fixtures" / "recordings" / "v1-virtio-2cpu.irqw"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [IRQWATCH, "explain", *words],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


def test_a_line_of_a_recording() -> None:
    done = run("34", "--from", str(VIRTIO))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("interrupt 34: ")
    assert "top half" in done.stdout and "controller" in done.stdout


def test_all_lines_of_a_part_of_a_name_as_json() -> None:
    done = run("-req", "--from", str(VIRTIO), "--json")
    assert done.returncode == 2, "an argument that looks like an option"
    done = run("req.", "--from", str(VIRTIO), "--json")
    assert done.returncode == 0
    assert all("req." in json.loads(line)["actions"][0] for line in done.stdout.splitlines())
    assert done.stdout


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (
            ["nosuch", "--from", str(VIRTIO)],
            1,
            f"there is no interrupt 'nosuch': irqwatch top --from {VIRTIO}",
        ),
        (["LOC", "--from", str(VIRTIO)], 1, "'LOC' is no interrupt line"),
        (["34", "--from", "/nosuch.irqw"], 1, "/nosuch.irqw: No such file or directory"),
        (["34", "--from", str(VIRTIO), "-d", "3"], 2, "is of a live host"),
        ([], 2, "Missing argument 'IRQ'"),
    ],
)
def test_what_goes_wrong_is_one_line(words: list[str], code: int, why: str) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert why in done.stderr and len(done.stderr.splitlines()) == 1


GARBLED = "           CPU0\n  5: 7 IO-APIC 5-edge  a\n  6: x IO-APIC 6-edge  b\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (GARBLED, "not all interrupts can be listed: 1 garbled row left out"),
        ("", "interrupts cannot be listed: {proc}/interrupts is masked"),
        (GARBLED.replace("x", "1"), ""),
        (GARBLED.replace("6: x", "7: 1"), "there is no interrupt '6': {proc}/interrupts lists"),
    ],
)
def test_why_there_is_none(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "interrupts").write_text(text)
    root = [f"--path.procfs={tmp_path}", f"--path.sysfs={tmp_path}"]
    done = run("6", "-d", "0.05", "--collector.disable-defaults", *root)
    assert done.returncode == (1 if why else 0)
    assert why.format(proc=tmp_path) in done.stderr
    assert "no interrupts" not in done.stderr


def test_what_is_there_in_part_is_not_said_to_be_missing(tmp_path: Path) -> None:
    (tmp_path / "interrupts").write_text(GARBLED)
    root = [f"--path.procfs={tmp_path}", f"--path.sysfs={tmp_path}"]
    done = run("5", "-d", "0.05", "--collector.disable-defaults", *root)
    assert done.returncode == 0
    assert "irqwatch: interrupts: 1 garbled row left out\n" in done.stderr


def test_ctrl_c_while_it_watches_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(deadline_ns: int) -> None:
        raise KeyboardInterrupt

    line = "           CPU0\n 34:          7   PCI-MSIX-0000:00:03.0   1-edge      eth0-rx-0\n"
    (tmp_path / "interrupts").write_text(line)
    monkeypatch.setattr("irqwatch.clock.sleep_until", interrupted)
    root = ["--path.procfs", str(tmp_path), "--path.sysfs", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["irqwatch", "explain", "34", *root])
    assert run_main() == 130
    assert capsys.readouterr().out == ""
