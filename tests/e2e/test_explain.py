"""``irqwatch explain`` as it is called, on a recording."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
        (["nosuch", "--from", str(VIRTIO)], 1, "there is no interrupt 'nosuch'"),
        (["34", "--from", "/nosuch.irqw"], 1, "/nosuch.irqw: No such file or directory"),
        (["34", "--from", str(VIRTIO), "-d", "3"], 2, "is of a live host"),
        ([], 2, "Missing argument 'IRQ'"),
    ],
)
def test_what_goes_wrong_is_one_line(words: list[str], code: int, why: str) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert why in done.stderr and len(done.stderr.splitlines()) == 1
