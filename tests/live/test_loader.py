"""The loader child when things go wrong: one clear error, and nothing left in the kernel."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from irqwatch.errors import ProbeError
from irqwatch.source import loader
from tests.live.kernel import programs, wait_for

pytestmark = pytest.mark.live


def load_in_another_process() -> subprocess.Popen[str]:
    """Loads the probe, says so, and holds it until its stdin ends."""
    script = (
        "import sys\n"
        "from irqwatch.errors import ProbeError\n"
        "from irqwatch.source import loader\n"
        "try:\n"
        "    loader.load(['hardirq', 'softirq', 'work'], loader.sizes(64, 2))\n"
        "except ProbeError as error:\n"
        "    sys.exit(f'ProbeError: {error}')\n"
        "print('loaded', flush=True)\n"
        "sys.stdin.read()\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def child_of(agent: subprocess.Popen[str]) -> psutil.Process | None:
    children = psutil.Process(agent.pid).children()
    return children[0] if children else None


@pytest.mark.parametrize("delay_seconds", [0.0, 0.1, 0.2, 0.3, 0.5])
def test_loader_killed_midway(delay_seconds: float) -> None:
    """The delay only chooses where the blow falls; whichever it hits, the answer is clear."""
    before = programs()
    agent = load_in_another_process()
    wait_for(lambda: child_of(agent), "the loader to start")
    child = child_of(agent)
    time.sleep(delay_seconds)
    if child is not None and child.is_running():
        child.kill()
    output, errors = agent.communicate("", timeout=60)
    if output != "loaded\n":
        assert errors.startswith("ProbeError: the loader ended without an answer")
        assert len(errors.splitlines()) == 1
    wait_for(lambda: not programs() - before, "the programs to go")


def test_agent_killed_while_the_probe_runs() -> None:
    before = programs()
    agent = load_in_another_process()
    assert agent.stdout and agent.stdout.readline() == "loaded\n"
    assert programs() - before
    agent.kill()
    agent.communicate()
    wait_for(lambda: not programs() - before, "the programs to go")


def test_agent_killed_while_loading() -> None:
    before = programs()
    agent = load_in_another_process()
    wait_for(lambda: child_of(agent), "the loader to start")
    child = child_of(agent)
    agent.kill()
    agent.communicate()
    wait_for(lambda: child is None or not child.is_running(), "the loader to go with its agent")
    wait_for(lambda: not programs() - before, "the programs to go")


def test_source_that_does_not_compile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "irqwatch.bpf.c").write_text("this is not C\n")
    monkeypatch.setattr(loader, "bpf_folder", lambda: tmp_path)
    with pytest.raises(ProbeError, match="bcc cannot compile"):
        loader.load(["softirq"], loader.sizes(64, 2))


def test_interpreter_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "interpreter", lambda: "/nonexistent/python3")
    with pytest.raises(ProbeError, match="cannot start /nonexistent/python3"):
        loader.load(["softirq"], loader.sizes(64, 2))


def test_interpreter_without_bcc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "interpreter", lambda: sys.executable)
    with pytest.raises(ProbeError, match="bcc"):
        loader.load(["softirq"], loader.sizes(64, 2))
