"""Writes the manual pages and the shells' completions, all of it made from the commands themselves.

    python -m docs.manual FOLDER [SECONDS]

SECONDS is the date of the pages, since 1970; without it they have none.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from irqwatch import __version__
from irqwatch.cli.main import VERBS, irqwatch

# Where each shell looks for the completions of a command, below /usr/share.
COMPLETIONS = {
    "bash": "bash-completion/completions/irqwatch",
    "zsh": "zsh/vendor-completions/_irqwatch",
    "fish": "fish/vendor_completions.d/irqwatch.fish",
}
VARIABLE = "_IRQWATCH_COMPLETE"

# click's mark for a paragraph whose lines stay as they are.
AS_IT_STANDS = "\b\n"

ESCAPED = {
    "\\": r"\e",
    "-": r"\-",
    "'": r"\(aq",
    "`": r"\(ga",
    "^": r"\(ha",
    "~": r"\(ti",
}

FILES = (
    ("/etc/default/irqwatch", "The options of the service, where it was installed as a package."),
    ("/proc/interrupts, /proc/softirqs, /proc/irq", "What the kernel counts, and where."),
    ("/sys/kernel/btf/vmlinux", "The kernel's types, which the probe is checked against."),
)


def pages(date: str) -> dict[str, str]:
    """File name → manual page: one of the whole, and one of each verb."""
    parent = _context(irqwatch, "irqwatch", None)
    made = {"irqwatch.1": "".join(_whole(parent, date))}
    for verb in VERBS:
        command = irqwatch.get_command(parent, verb)
        assert command is not None
        made[f"irqwatch-{verb}.1"] = "".join(_verb(_context(command, verb, parent), date))
    return made


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    """With the command's own settings, such as -h, which a bare context does not take over."""
    return click.Context(command, parent, name, **command.context_settings)


def completions() -> dict[str, str]:
    """Place below /usr/share → what the shell reads. It asks irqwatch itself at each Tab."""
    made = {}
    for shell, place in COMPLETIONS.items():
        known = get_completion_class(shell)
        assert known is not None
        asked = known(irqwatch, {}, "irqwatch", VARIABLE)
        # Not source(), which for bash starts the bash that is here, to see whether it is too old.
        made[place] = asked.source_template % asked.source_vars()
    return made


def _whole(context: click.Context, date: str) -> Iterator[str]:
    yield from _head(context, date, _first_sentence(context.command))
    yield ".SH VERBS\n"
    for verb, what in VERBS.items():
        yield f".TP\n.BR irqwatch\\-{verb} (1)\n{_text(what)}\n"
    yield from _options(context)
    yield from _paragraphs(context.command.epilog or "", "NOTES")
    yield ".SH FILES\n"
    for path, what in FILES:
        yield f".TP\n.I {_text(path)}\n{_text(what)}\n"
    yield from _see_also(f"irqwatch-{verb}" for verb in VERBS)


def _verb(context: click.Context, date: str) -> Iterator[str]:
    yield from _head(context, date, VERBS[context.info_name or ""])
    yield from _options(context)
    yield from _paragraphs(context.command.epilog or "", "NOTES")
    yield from _see_also(["irqwatch"])


def _head(context: click.Context, date: str, what: str) -> Iterator[str]:
    name = context.command_path.replace(" ", "-")
    yield f'.TH {_text(name.upper())} 1 "{date}" "irqwatch {__version__}" "User Commands"\n.ad l\n'
    yield f".SH NAME\n{_text(name)} \\- {_text(what.rstrip('.'))}\n"
    usage = " ".join(context.command.collect_usage_pieces(context))
    yield f".SH SYNOPSIS\n.B {_text(context.command_path)}\n{_text(usage)}\n"
    yield from _paragraphs(context.command.help or "", "DESCRIPTION")


def _options(context: click.Context) -> Iterator[str]:
    yield ".SH OPTIONS\n"
    for parameter in context.command.get_params(context):
        if record := parameter.get_help_record(context):
            names, said = record
            yield f".TP\n.B {_text(names)}\n{_text(said)}\n"


def _paragraphs(text: str, title: str) -> Iterator[str]:
    """A paragraph that begins with "Examples:" or "Exit codes:" gets a heading of its own."""
    place = ""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        is_kept = paragraph.startswith(AS_IT_STANDS)
        lines = paragraph.removeprefix(AS_IT_STANDS).splitlines()
        heading = title
        if lines[0].startswith("Examples:"):
            heading, lines = "EXAMPLES", lines[1:]
        elif place == "EXAMPLES":
            heading = "NOTES"
        yield f".SH {heading}\n" if heading != place else ".PP\n"
        place = heading
        if is_kept and heading == "EXAMPLES":
            yield "".join((".nf\n", *(f"{_text(line)}\n" for line in lines), ".fi\n"))
        else:
            yield "".join(f"{_text(line.strip())}\n" for line in lines)


def _see_also(names: Iterable[str]) -> Iterator[str]:
    yield ".SH SEE ALSO\n" + ",\n".join(f".BR {_text(name)} (1)" for name in names) + "\n"


def _first_sentence(command: click.Command) -> str:
    return (command.help or "").partition("\n\n")[0].partition(". ")[0]


def _text(text: str) -> str:
    """As roff takes it for plain text: groff_char(7) and "Escape sequences" in groff(7)."""
    text = re.sub(r"[\\\-'`^~]", lambda at: ESCAPED[at[0]], text)
    return rf"\&{text}" if text.startswith(".") else text


def write(folder: Path, seconds: int | None) -> None:
    """Below ``folder``, as below /usr/share."""
    date = (
        f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d}" if seconds is not None else ""
    )
    files = {f"man/man1/{name}": page for name, page in pages(date).items()} | completions()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None)
