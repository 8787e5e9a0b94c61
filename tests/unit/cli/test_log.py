"""Lines for people and for machines."""

import json

import pytest

from irqwatch.cli.log import Log, formatted

AT_NS = 1_700_000_000_123_456_789
NASTY = 'a "b"\n\\ \x1b[2J é'


def test_forms():
    assert formatted("plain", "info", "x", AT_NS) == "irqwatch: x"
    assert formatted("logfmt", "warn", "a b", AT_NS) == (
        'ts=2023-11-14T22:13:20.123Z level=warn msg="a b"'
    )
    assert json.loads(formatted("json", "warn", NASTY, AT_NS)) == {
        "ts": "2023-11-14T22:13:20.123Z",
        "level": "warn",
        "msg": NASTY,
    }


@pytest.mark.parametrize("form", ["logfmt", "json"])
def test_a_message_stays_one_line(form):
    line = formatted(form, "info", NASTY, AT_NS)
    assert line.isprintable()


def test_level(capsys):
    log = Log("warn", "plain")
    log.info("a")
    log.warn("b")
    assert capsys.readouterr().err == "irqwatch: b\n"
