"""How verbs that print to a terminal or a pipe write, and how they end."""

import contextlib
import locale
import signal
from collections.abc import Iterator
from types import FrameType

import click

from irqwatch.errors import IrqwatchError


def write(text: str) -> None:
    """To standard output, at once. Raises IrqwatchError; BrokenPipeError where nobody reads."""
    try:
        click.echo(text, nl=False)  # flushes
    except BrokenPipeError:
        raise
    except OSError as error:
        raise IrqwatchError(f"the output cannot be written: {error.strerror}") from error


def ascii_only() -> bool:
    """Whether the locale's encoding lacks what frames hold beside ASCII."""
    try:
        locale.setlocale(locale.LC_CTYPE, "")
    except locale.Error:  # the environment names one that this host lacks, as after ssh
        return True
    return locale.nl_langinfo(locale.CODESET).upper() not in ("UTF-8", "UTF8")


@contextlib.contextmanager
def ends_quietly() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a reader that went away are ways to end, not errors."""

    def on_term(signum: int, at: FrameType | None) -> None:
        raise SystemExit(0)

    before = signal.signal(signal.SIGTERM, on_term)
    try:
        yield
    except (KeyboardInterrupt, BrokenPipeError):
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
