"""The loader child when things go wrong: one clear error, and nothing left in the kernel."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from irqwatch.errors import ProbeError
from irqwatch.source import loader
from tests.live.kernel import LIMIT_SECONDS, programs, wait_for

pytestmark = pytest.mark.live


@contextlib.contextmanager
def loading_in_another_process() -> Iterator[subprocess.Popen[str]]:
    """Loads the probe, says so, and holds it until its stdin ends. Killed at the end if it still
    runs."""
    script = (
        "import sys\n"
        "from irqwatch.errors import ProbeError\n"
        "from irqwatch.source import loader\n"
        "try:\n"
        "    loader.load(['hardirq', 'softirq', 'work'], loader.sizes(64, range(2)))\n"
        "except ProbeError as error:\n"
        "    sys.exit(f'ProbeError: {error}')\n"
        "print('loaded', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as agent:
        try:
            yield agent
        finally:
            agent.kill()


def child_of(agent: subprocess.Popen[str]) -> psutil.Process | None:
    children = psutil.Process(agent.pid).children()
    return children[0] if children else None


def has_ended(process: psutil.Process) -> bool:
    """Whoever has inherited it may leave it a zombie for a while."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize("delay_seconds", [0.0, 0.1, 0.2, 0.3, 0.5])
def test_loader_killed_midway(delay_seconds: float) -> None:
    """The delay only chooses where the blow falls; whichever it hits, the answer is clear."""
    before = programs()
    with loading_in_another_process() as agent:
        wait_for(lambda: child_of(agent), "the loader to start")
        child = child_of(agent)
        time.sleep(delay_seconds)
        if child is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        output, errors = agent.communicate("", timeout=LIMIT_SECONDS)
    if output != "loaded\n":
        assert errors.startswith("ProbeError: the loader ended without an answer")
        assert len(errors.splitlines()) == 1
    wait_for(lambda: not programs() - before, "the programs to go")


def test_agent_killed_while_the_probe_runs() -> None:
    before = programs()
    with loading_in_another_process() as agent:
        assert agent.stdout and agent.stdout.readline() == "loaded\n"
        assert programs() - before
    wait_for(lambda: not programs() - before, "the programs to go")


def test_agent_killed_while_loading() -> None:
    before = programs()
    with loading_in_another_process() as agent:
        wait_for(lambda: child_of(agent), "the loader to start")
        child = child_of(agent)
    wait_for(lambda: child is None or has_ended(child), "the loader to go with its agent")
    wait_for(lambda: not programs() - before, "the programs to go")


def test_source_that_does_not_compile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "irqwatch.bpf.c").write_text("this is not C\n")
    monkeypatch.setattr(loader, "bpf_folder", lambda: tmp_path)
    with pytest.raises(ProbeError, match="bcc cannot compile"):
        loader.load(["softirq"], loader.sizes(64, range(2)))


def test_interpreter_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "interpreter", lambda: "/nonexistent/python3")
    with pytest.raises(ProbeError, match="cannot start /nonexistent/python3"):
        loader.load(["softirq"], loader.sizes(64, range(2)))


def test_interpreter_without_bcc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "interpreter", lambda: sys.executable)
    with pytest.raises(ProbeError, match="bcc"):
        loader.load(["softirq"], loader.sizes(64, range(2)))
