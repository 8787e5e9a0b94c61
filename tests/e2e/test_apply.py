"""``irqwatch advise --script``, ``--apply`` and ``--undo`` by their command line."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.serving import LIMIT_SECONDS
from tests.live.kernel import wait_for
from tests.started import started

IRQWATCH = Path(sys.executable).with_name("irqwatch")
RECORDINGS = Path(__file__).resolve().parents[1] / "fixtures" / "recordings"
A_FILE = str(Path(__file__))  # whoever runs the tests may read it
FROM = ("--from", str(RECORDINGS / "v1-virtio-2cpu.irqw"))


def advise(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(IRQWATCH), "advise", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ((*FROM, "--apply"), 2, "--apply is of a live host, --from of a recording"),
        ((*FROM, "--undo"), 2, "--undo is of a live host"),
        (("--script", "--apply"), 2, "--script prints a script and nothing else"),
        (("--script", "--json"), 2, "--script prints a script and nothing else"),
        (("--undo", "--apply"), 2, "--undo puts back and ends: it does not go with --apply"),
        (("--undo", "--script"), 2, "--undo puts back and ends: it does not go with --script"),
        (("--undo", "/none/affinity-1.json"), 1, "/none/affinity-1.json: No such file"),
        (("--undo", A_FILE), 1, f"{A_FILE}: not a journal of irqwatch"),
        (("--apply", "--confirm", "nan"), 2, "--confirm"),
        (("--yes",), 2, "--yes is for --apply"),
        (("--apply",), 2, "--apply asks before it writes: without a terminal add --yes"),
        (("--apply", "--yes", "--journal", A_FILE), 1, f"{A_FILE} exists already"),
        (("--cpus", "8000"), 2, "--cpus 8000: none of these is online"),
        (("--device", "nosuch"), 2, "--device nosuch: no interrupt is of such a device"),
        (("--confirm", "9"), 2, "--confirm is for --apply"),
    ],
)
def test_wrong_use(words: tuple[str, ...], status: int, message: str) -> None:
    done = advise(*words)
    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_script_of_a_recording(tmp_path: Path) -> None:
    """Of one that moves nothing it is a script still."""
    done = advise(*FROM, "--script")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("#!/bin/sh\n# Interrupt affinities for ")
    assert "\n# change nothing: " in done.stdout
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed")
    script = tmp_path / "plan.sh"
    script.write_text(done.stdout)
    checked = subprocess.run(["shellcheck", str(script)], capture_output=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, b"")


def test_interrupted_before_anything_is_known() -> None:
    command = [str(IRQWATCH), "advise", "--duration", "60", "--collector.disable-defaults"]
    with started(command) as process:
        wait_for(lambda: is_measuring(process.pid), "the measurement")
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=LIMIT_SECONDS)
    assert (process.returncode, out, errors.strip()) == (130, b"", b"")


def is_measuring(pid: int) -> bool:
    """Whether it sleeps until a window ends."""
    return Path(f"/proc/{pid}/wchan").read_text() == "hrtimer_nanosleep"
