"""The manual pages and completions, against the commands that they are made from."""

import os
import re
import shutil
import subprocess

import click
import pytest

from docs.manual import COMPLETIONS, completions, pages, write
from irqwatch.cli.main import VERBS, irqwatch
from tests.e2e.serving import COMMAND, LIMIT_SECONDS

PAGES = pages("2026-01-31")
LINTS = {
    "mandoc": ("mandoc", "-Tlint", "-Wwarning"),
    "groff": ("groff", "-k", "-man", "-ww", "-z", "-Tutf8"),
}


def plain(page: str) -> str:
    """What roff makes of it, as far as the pages use roff."""
    for escaped, char in ((r"\-", "-"), (r"\(aq", "'"), (r"\(ga", "`"), (r"\(ti", "~"), (r"\&", ""),
                          (r"\(ha", "^"), (r"\e", "\\")):  # fmt: skip
        page = page.replace(escaped, char)
    return page


def names_of_options(command: click.Command) -> set[str]:
    options = [one for one in command.params if isinstance(one, click.Option)]
    return {name for one in options for name in (*one.opts, *one.secondary_opts)}


def section(page: str, title: str) -> str:
    return page.partition(f".SH {title}\n")[2].partition("\n.SH ")[0]


def test_there_is_a_page_of_the_whole_and_of_each_verb() -> None:
    assert set(PAGES) == {"irqwatch.1", *(f"irqwatch-{verb}.1" for verb in VERBS)}
    assert all(rf"irqwatch\-{verb} (1)" in PAGES["irqwatch.1"] for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_of_every_verb_is_in_its_page(verb: str) -> None:
    command = irqwatch.get_command(click.Context(irqwatch), verb)
    assert command is not None
    told = set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w.-]*", "\n".join(
        line for line in plain(section(PAGES[f"irqwatch-{verb}.1"], "OPTIONS")).splitlines()
        if line.startswith(".B ")
    )))  # fmt: skip

    assert told == names_of_options(command) | {"-h", "--help"}


@pytest.mark.parametrize("verb", VERBS)
def test_a_page_has_what_the_help_has(verb: str) -> None:
    page = PAGES[f"irqwatch-{verb}.1"]
    command = irqwatch.get_command(click.Context(irqwatch), verb)
    assert command is not None and command.epilog is not None and command.help is not None
    words = " ".join(plain(re.sub(r"^\.(SH|PP|nf|fi|TP|B|I).*$", "", page, flags=re.M)).split())

    for line in f"{command.help}\n{command.epilog}".replace("\b", "").splitlines():
        assert " ".join(line.split()).removeprefix("Examples:") in words
    assert f"irqwatch {verb}" in plain(section(page, "EXAMPLES"))


@pytest.mark.parametrize("lint", LINTS)
@pytest.mark.parametrize("name", PAGES)
def test_roff_has_nothing_to_warn_of(lint: str, name: str, tmp_path) -> None:
    if not shutil.which(lint):
        pytest.skip(f"{lint} is not installed")
    (tmp_path / name).write_text(PAGES[name], encoding="utf-8")

    done = subprocess.run(
        [*LINTS[lint], tmp_path / name],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )  # fmt: skip

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("shell", COMPLETIONS)
def test_a_shell_takes_its_completions(shell: str, tmp_path) -> None:
    write(tmp_path, None)
    path = tmp_path / COMPLETIONS[shell]
    assert path.read_text() == completions()[COMPLETIONS[shell]]
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")

    done = subprocess.run([shell, "-n", path], capture_output=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("shell", COMPLETIONS)
@pytest.mark.parametrize(
    ("words", "found"),
    [("irqwatch", "doctor"), ("irqwatch serve --web", "--web.telemetry-path")],
)
def test_what_a_shell_is_answered(shell: str, words: str, found: str) -> None:
    last = words.rsplit(maxsplit=1)[-1] if " " in words else ""
    variables = {
        "_IRQWATCH_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": last if shell == "fish" else str(max(1, words.count(" "))),
    }

    done = subprocess.run(
        [COMMAND],
        env={**os.environ, **variables},
        capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False,
    )  # fmt: skip

    assert done.returncode == 0
    assert re.search(rf"(^|[\n,]){found}\b", done.stdout)
