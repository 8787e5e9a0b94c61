"""Standard streams that the caller closed, or that cannot be written, and locales not there."""

import os
import shlex
import subprocess

import pytest

from tests.e2e.serving import COMMAND, LIMIT_SECONDS

ONE_FRAME = "top -n 1 -d 0.01"


def sh(line, **environment):
    return subprocess.run(
        ["sh", "-c", line.replace("irqwatch", shlex.quote(str(COMMAND)), 1)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        env=os.environ | environment,
        check=False,
    )


@pytest.mark.parametrize("verb", [ONE_FRAME, "--version", "doctor"])
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_as_devnull(closed, verb):
    done = sh(f"irqwatch {verb} {closed}")

    assert (done.returncode, done.stderr) == (0, "")
    assert bool(done.stdout) == (">&-" not in closed.replace("2>&-", ""))


@pytest.mark.parametrize("wrong", ["--bogus", "top --bogus"])
@pytest.mark.parametrize("stderr", ["2>&-", "2>/dev/full"])
def test_wrong_usage_has_its_exit_code_where_it_cannot_be_said(stderr, wrong):
    assert sh(f"irqwatch {wrong} {stderr}").returncode == 2


def test_locale_that_the_host_lacks_is_ascii():
    done = sh(f"irqwatch {ONE_FRAME}", LC_ALL="xx_XX.nowhere")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
