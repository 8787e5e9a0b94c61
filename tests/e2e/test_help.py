"""What the command says of itself, and how it takes wrong usage."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from irqwatch import __version__
from irqwatch.cli.main import VERBS
from tests.e2e.serving import COMMAND, LIMIT_SECONDS


def run(*arguments, stdout=subprocess.PIPE):
    return subprocess.run(
        [COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_version(flag):
    done = run(flag)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"irqwatch, version {__version__}\n"


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_names_every_verb_and_the_exit_codes(flag):
    done = run(flag)

    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"^  ([a-z]+) +[A-Z]", done.stdout, re.MULTILINE) == list(VERBS)
    assert "Exit codes: 0 " in done.stdout


def test_without_a_verb_it_helps():
    done = run()

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == run("--help").stdout


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb_has_examples_and_exit_codes(verb):
    done = run(verb, "--help")

    assert (done.returncode, done.stderr) == (0, "")
    assert "Examples:\n" in done.stdout
    assert re.search(rf"^ +(sudo )?irqwatch {verb}\b", done.stdout, re.MULTILINE)
    assert "Exit codes: 0 " in done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_help_says_something_of_every_option(verb):
    options = run(verb, "--help").stdout.partition("Options:\n")[2].partition("\n\n")[0]

    bare = [line for line in options.splitlines() if re.fullmatch(r"  -\S+(, -\S+)*", line)]
    assert options
    assert bare == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["--bogus"],
        *[[verb, "--bogus"] for verb in VERBS],
        *[[verb, "-", "superfluous"] for verb in VERBS],
        ["top", "-n", "many"],
        ["top", "-d"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments):
    done = run(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("irqwatch")
    assert done.stderr.count("\n") == 1
    assert "--help" in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["top", "--help"], ["doctor", "--json"]])
def test_a_reader_that_has_gone_away_is_met_with_silence(arguments):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run(*arguments, stdout=writer)
    finally:
        os.close(writer)

    assert done.stderr == ""


@pytest.mark.parametrize("words", [["--help"], ["doctor", "--json"], ["top", "--help"]])
def test_an_output_that_cannot_be_written_is_one_line(words):
    with Path("/dev/full").open("w") as full:
        done = run(*words, stdout=full)

    assert (done.returncode, done.stderr) == (1, "irqwatch: No space left on device\n")
