"""``--apply`` and ``--undo`` killed before each call they make to the operating system."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from irqwatch.affinity import journal, verify
from irqwatch.cli.apply import undo_journal
from tests import affinity
from tests.affinity import FakeHost
from tests.e2e.serving import LIMIT_SECONDS

REPOSITORY = Path(__file__).resolve().parents[2]
BEFORE = dict.fromkeys(affinity.LINES, "0-3")
AFTER = {30: "2", 31: "1", 32: "3", 33: "0-3"}
MOST_CALLS = 200


@pytest.fixture(autouse=True)
def nobody_moves_these_interrupts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "SETTLE_NS", 0)


def drive(action: str, host: FakeHost, path: Path, call: int = 0) -> tuple[int, list[str]]:
    """Exit code, and what it said."""
    driver = [sys.executable, "-B", "-m", "tests.e2e.apply_driver"]
    done = subprocess.run(
        [*driver, action, str(host.folder), str(path), str(call)],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT_SECONDS,
        text=True,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode, done.stdout.splitlines()


def test_nothing_but_masks_and_the_journal_is_written(tmp_path: Path) -> None:
    host, path = FakeHost(tmp_path / "host"), tmp_path / "affinity-1.json"
    for action in ("apply", "undo"):
        status, said = drive(action, host, path)
        opened = {line.removeprefix("writes ") for line in said if line.startswith("writes ")}
        irq = host.root.procfs / "irq"
        masks = {str(irq / str(number) / "smp_affinity_list") for number in (30, 31, 32)}
        assert status == 0
        assert opened == masks | {str(path)}
        assert host.masks() == (AFTER if action == "apply" else BEFORE)


def test_killed_anywhere_while_it_applies_all_can_be_undone(tmp_path: Path) -> None:
    left = set()
    for call in range(1, MOST_CALLS):
        host, path = FakeHost(tmp_path / f"host{call}"), tmp_path / f"affinity-{call}.json"
        status, _ = drive("apply", host, path, call)
        left.add(tuple(host.masks().items()))
        if path.exists() and not journal.read(path).undone:
            host.follow()
            undo_journal(str(path), host.root)
        assert host.masks() == BEFORE, call
        if status == 0:
            break
    else:
        raise AssertionError("it never ends")
    # From nothing written to all of it, one after the other.
    assert len(left) == 4


def test_killed_anywhere_while_it_undoes_it_can_be_undone_again(tmp_path: Path) -> None:
    for call in range(1, MOST_CALLS):
        host, path = FakeHost(tmp_path / f"host{call}"), tmp_path / f"affinity-{call}.json"
        drive("apply", host, path)
        host.follow()
        status, _ = drive("undo", host, path, call)
        if status == 0:
            break
        host.follow()
        if not journal.read(path).undone:
            undo_journal(str(path), host.root)
        assert host.masks() == BEFORE, call
    else:
        raise AssertionError("it never ends")
