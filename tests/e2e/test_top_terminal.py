"""``irqwatch top`` on a terminal, and how it ends. The real command, which only counts here, so
that no privilege is needed."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.serving import LIMIT_SECONDS
from tests.started import started

IRQWATCH = Path(sys.executable).with_name("irqwatch")
TOP = [str(IRQWATCH), "top", "--collector.disable-defaults"]
# A source whose second sample fails, as a fault in the program would.
BROKEN = """
import contextlib, itertools
from irqwatch.cli import main, top
from tests import hosts

@contextlib.contextmanager
def source(*_):
    snapshots = iter([hosts.busy(1)])
    yield lambda: next(snapshots)

top.live_source = source
main.main()
"""
# Makes the terminal the program's controlling one, as a shell's is: Ctrl-C then is a signal.
ON_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""

A_FRAME = b"? help"
ENTER_SCREEN = b"\x1b[?1049h"
LEAVE_SCREEN = b"\x1b[?1049l"


class Terminal:
    """A terminal with a program on it."""

    def __init__(
        self, command: list[str], columns: int, lines: int, term: str, no_color: str
    ) -> None:
        self.master, self.slave = pty.openpty()
        self.resize(columns, lines)
        self.before = termios.tcgetattr(self.slave)
        self.output = b""
        environment = {**os.environ, "TERM": term, "NO_COLOR": no_color, "LC_ALL": "C.UTF-8"}
        # They would stand in for the terminal's own size.
        environment.pop("COLUMNS", None)
        environment.pop("LINES", None)
        self.program = subprocess.Popen(
            [sys.executable, "-c", ON_TERMINAL, *command],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            env=environment,
        )

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def press(self, keys: bytes) -> None:
        self.output = b""
        os.write(self.master, keys)

    def wait_for(self, text: bytes) -> None:
        """Until the program has written it since the last key."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while text not in self.output:
            assert time.monotonic() < deadline, f"no {text!r} in {self.output!r}"
            self._read()

    def wait_for_end(self) -> int:
        deadline = time.monotonic() + LIMIT_SECONDS
        while self.program.poll() is None:
            assert time.monotonic() < deadline, "still running"
            self._read()
        while self._read():
            pass
        return self.program.returncode

    def is_as_before(self) -> bool:
        """Out of the other screen, and with the line settings of before."""
        left_last = self.output.rfind(LEAVE_SCREEN) > self.output.rfind(ENTER_SCREEN)
        return left_last and termios.tcgetattr(self.slave) == self.before

    def close(self) -> None:
        if self.program.poll() is None:
            self.program.kill()
        self.program.wait()
        os.close(self.master)
        os.close(self.slave)

    def _read(self) -> bool:
        if not select.select([self.master], [], [], 0.05)[0]:
            return False
        self.output += os.read(self.master, 65536)
        return True


class Terminals:
    def __init__(self) -> None:
        self.opened: list[Terminal] = []

    def open(
        self,
        command: list[str],
        columns: int = 80,
        lines: int = 24,
        term: str = "xterm-256color",
        no_color: str = "",
    ) -> Terminal:
        self.opened.append(Terminal(command, columns, lines, term, no_color))
        return self.opened[-1]


@pytest.fixture
def terminals() -> Iterator[Terminals]:
    made = Terminals()
    yield made
    for terminal in made.opened:
        terminal.close()


def test_shows_answers_keys_and_quits(terminals: Terminals) -> None:
    terminal = terminals.open([*TOP, "-d", "0.2"])
    terminal.wait_for(A_FRAME)
    assert ENTER_SCREEN in terminal.output
    terminal.press(b"?")
    terminal.wait_for(b"any key goes back")
    terminal.press(b"x")
    terminal.wait_for(A_FRAME)
    terminal.press(b"/zzz")
    terminal.wait_for(b"nothing matches")
    terminal.press(b"\x1b")
    terminal.wait_for(A_FRAME)
    terminal.press(b"q")
    assert terminal.wait_for_end() == 0
    assert terminal.is_as_before()


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colour_is_left_out_on_request(terminals: Terminals, no_color: str, coloured: bool) -> None:
    terminal = terminals.open([*TOP, "-d", "0.1"], no_color=no_color)
    terminal.wait_for(A_FRAME)
    # SGR 30 to 37 and 40 to 47; 39 and 49 are the terminal's own.
    assert bool(re.search(rb"\x1b\[(?:[0-9;]*;)?[34][0-7][;m]", terminal.output)) == coloured


def test_follows_the_size_of_the_terminal(terminals: Terminals) -> None:
    terminal = terminals.open([*TOP, "-d", "0.2"])
    terminal.wait_for(A_FRAME)
    terminal.resize(30, 8)
    terminal.wait_for(b"too small: 30x8")
    terminal.output = b""
    terminal.resize(120, 40)
    terminal.wait_for(A_FRAME)
    terminal.press(b"q")
    assert terminal.wait_for_end() == 0
    assert terminal.is_as_before()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_clean(terminals: Terminals, signum: int) -> None:
    terminal = terminals.open([*TOP, "-d", "60"])
    terminal.wait_for(b"measuring")
    terminal.program.send_signal(signum)
    assert terminal.wait_for_end() == 0
    assert terminal.is_as_before()
    assert b"Traceback" not in terminal.output


def test_ctrl_c_ends_it_clean(terminals: Terminals) -> None:
    terminal = terminals.open([*TOP, "-d", "60"])
    terminal.wait_for(b"measuring")
    os.write(terminal.master, b"\x03")
    assert terminal.wait_for_end() == 0
    assert terminal.is_as_before()


def test_it_ends_by_itself_after_so_many_frames(terminals: Terminals) -> None:
    terminal = terminals.open([*TOP, "-n", "2", "-d", "0.1"])
    assert terminal.wait_for_end() == 0
    assert terminal.is_as_before()


def test_a_fault_gives_the_terminal_back(terminals: Terminals) -> None:
    terminal = terminals.open([sys.executable, "-c", BROKEN, "top", "-d", "0.1"])
    assert terminal.wait_for_end() == 1
    assert b"StopIteration" in terminal.output
    assert terminal.is_as_before()


@pytest.mark.parametrize(
    ("columns", "lines", "term", "reason"),
    [
        (80, 24, "dumb", b"the terminal cannot move its cursor: plain frames"),
        (80, 24, "no-such-terminal", b"the terminal is not known"),
        (30, 24, "xterm", b"the terminal is 30x24, smaller than 40x10: plain frames"),
    ],
)
def test_a_terminal_that_cannot_have_the_screen_gets_plain_frames(
    terminals: Terminals, columns: int, lines: int, term: str, reason: bytes
) -> None:
    terminal = terminals.open([*TOP, "-n", "1", "-d", "0.1"], columns, lines, term)
    assert terminal.wait_for_end() == 0
    assert reason in terminal.output
    assert b"nothing is timed" in terminal.output
    assert b"\x1b" not in terminal.output


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    command = [*TOP, "-b", "-d", "0.05"]
    with started(command) as program:
        assert program.stdout
        assert program.stderr
        assert program.stdout.readline().startswith(b"irqwatch")
        program.stdout.close()
        assert program.wait(LIMIT_SECONDS) == 0
        assert program.stderr.read() == b""


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_plain_frames_at_once(signum: int) -> None:
    command = [*TOP, "-b", "-d", "0.2"]
    with started(command) as program:
        assert program.stdout
        assert program.stderr
        assert program.stdout.readline().startswith(b"irqwatch")
        program.send_signal(signum)
        assert program.wait(LIMIT_SECONDS) == 0
        assert program.stderr.read() == b""


def test_an_output_that_cannot_be_written_is_said_in_a_line() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*TOP, "-b", "-n", "1", "-d", "0.05"],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == b"irqwatch: the output cannot be written: No space left on device\n"
