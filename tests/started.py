"""A program that a test starts and that never outlives it."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def started(command: Sequence[str | Path]) -> Iterator["subprocess.Popen[bytes]"]:
    """What it writes can be read from its pipes. Killed at the end if it still runs: where the test
    fails, waiting for it would be without a limit."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe) as program:
        try:
            yield program
        finally:
            program.kill()
