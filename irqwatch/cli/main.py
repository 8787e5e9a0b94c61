"""``irqwatch``: the group of verbs. Each verb's module is imported only when it is asked for, so
that ``top`` does not pay for Prometheus nor ``serve`` for curses."""

import contextlib
import importlib
import os
import sys

import click

from irqwatch import __version__
from irqwatch.errors import IrqwatchError

VERBS = {
    "top": "Show what interrupts this host, live.",
    "serve": "Export to Prometheus.",
    "trace": "List single events that are slow, as they happen.",
    "explain": "Say all that is known of an interrupt line.",
    "advise": "Say which CPU each interrupt should run on, and why.",
    "record": "Write a recording, to be looked at later and elsewhere.",
    "doctor": "Say what this host can give, what is missing, and what mends it.",
}


class Verbs(click.Group):
    """Finds a verb in ``irqwatch.cli.<verb>``, where it is called ``command``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Without a verb it helps, as wrong usage; click before 8.2 would take it for right."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help(), err=True)
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"irqwatch.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, also when a part could not be had; 1 failed; 2 wrong usage.",
)
@click.version_option(__version__, "-V", "--version", prog_name="irqwatch")
def irqwatch() -> None:
    """Times every interrupt on this host with eBPF and says where each should run."""


def main() -> None:
    """Run the command line; every way it can end is one of the exit codes of its help."""
    open_closed_streams()
    try:
        sys.exit(run())
    finally:  # a signal ends a verb with SystemExit
        drop_unwritable_output()


def run() -> int:
    """The exit code."""
    try:
        status: int | None = irqwatch.main(prog_name="irqwatch", standalone_mode=False)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "irqwatch"
        complain(f"{path}: {error.format_message()} See {path} --help.")
        return error.exit_code
    except IrqwatchError as error:
        complain(f"irqwatch: {error}")
        return 1
    except OSError as error:  # mostly an output that cannot be written
        where = f"{error.filename}: " if error.filename else ""
        complain(f"irqwatch: {where}{error.strerror or error}")
        return 1
    except click.Abort:
        return 130  # interrupted from the keyboard: 128 + SIGINT
    return status or 0


def open_closed_streams() -> None:
    """Where the caller closed a standard stream (``<&-``), Python has None for it, and the next
    descriptor that is made, perhaps the loader's socket, would be taken for it."""
    for fd, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gives the lowest that is free, which is fd
            os.set_inheritable(fd, True)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(fd, mode, closefd=False))


def complain(line: str) -> None:
    """A standard error that cannot be written leaves the exit code to tell of it."""
    with contextlib.suppress(OSError):
        click.echo(line, err=True)


def drop_unwritable_output() -> None:
    """Python flushes its standard streams once more at exit, and where that fails (a full disk, a
    reader that went away) would exit 120, long after the failure has been told."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
