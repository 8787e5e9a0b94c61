"""Threads of interrupts, where the kernel forces them all into threads."""

import json
import shlex
import sys
from pathlib import Path

import pytest

from tests.vm import guest

CHECK = Path(__file__).with_name("check_threads.py")


@pytest.mark.parametrize(("kernel", "options"), [("6.12", ["threadirqs"]), ("6.1-rt", [])])
def test_waits_and_runs_are_those_of_the_trace(
    kernel: str, options: list[str], tmp_path: Path
) -> None:
    script = tmp_path / "run.sh"
    script.write_text(f"#!/bin/sh\nexec {shlex.join([sys.executable, str(CHECK)])} 2>&1\n")
    script.chmod(0o755)
    output = guest.run(kernel, script, kernel_options=options, timeout_seconds=600)
    (found,) = [line for line in output.splitlines() if line.startswith('{"kernel"')]
    result = json.loads(found)
    print(result)
    assert result["waits"] >= 200
    assert result["runs"] >= 200
