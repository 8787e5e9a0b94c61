"""``irqwatch``: the group of verbs. Each verb's module is imported only when it is asked for, so
that ``top`` does not pay for Prometheus nor ``serve`` for curses."""

import importlib
import os
import sys

import click

from irqwatch import __version__
from irqwatch.errors import IrqwatchError

VERBS = {
    "top": "Show what interrupts this host, live.",
    "serve": "Export to Prometheus.",
    "record": "Write a recording, to be looked at later and elsewhere.",
    "doctor": "Say what this host can give, what is missing, and what mends it.",
}


class Verbs(click.Group):
    """Finds a verb in ``irqwatch.cli.<verb>``, where it is called ``command``."""

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
    try:
        status = irqwatch.main(prog_name="irqwatch", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        status = error.exit_code
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "irqwatch"
        click.echo(f"{path}: {error.format_message()} See {path} --help.", err=True)
        status = error.exit_code
    except IrqwatchError as error:
        click.echo(f"irqwatch: {error}", err=True)
        status = 1
    except OSError as error:  # mostly an output that cannot be written
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"irqwatch: {where}{error.strerror or error}", err=True)
        status = 1
    except click.Abort:
        status = 130  # interrupted from the keyboard: 128 + SIGINT
    drop_unwritable_output()
    sys.exit(status)


def drop_unwritable_output() -> None:
    """Python flushes standard output once more at exit, and where that fails (a full disk, a reader
    that went away) would exit 120 with a traceback, long after the failure has been told."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
