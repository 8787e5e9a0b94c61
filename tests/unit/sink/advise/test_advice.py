"""A Plan as text and as JSON: whole outputs, and what widths, colour and encodings do to them."""

import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

import pytest

from irqwatch.advise.plan import Wanted, make_plan
from irqwatch.cells import width_of
from irqwatch.model.action import Action
from irqwatch.model.evidence import Evidence, Late
from irqwatch.model.plan import Busier, Plan, Reason, Stays, Verdict
from irqwatch.model.snapshot import Thread, Unavailable, Worst
from irqwatch.sink.advise.commands import typed
from irqwatch.sink.advise.document import to_json
from irqwatch.sink.advise.figures import figures, kind
from irqwatch.sink.advise.report import ReportLook, to_text
from tests import golden_file
from tests.advising import UPTIME, Busy, Machine, crowded, timer

DOCS = Path(__file__).resolve().parents[4] / "docs" / "json.md"

DISK = Busy(50, 1, 0.05, "nvme0q2", "nvme0", "nvme", 2, writable=False)
IRQBALANCE = (Thread(812, "irqbalance", "irqbalance", 0),)
CROWDED = replace(
    crowded(threads=IRQBALANCE, drops={0: 600}, isolated=frozenset({3})),
    lines=(*crowded().lines, DISK),
)
NOTHING = Machine((Busy(30, 0, 0.0001),))


def plan_of(machine: Machine) -> Plan:
    return make_plan(machine.measured(), Wanted())


def guessed() -> Plan:
    plan = plan_of(replace(crowded(), timed=False, windows=1))
    reason = "not root: loading the probe needs CAP_BPF and CAP_PERFMON"
    return replace(plan, unavailable=(Unavailable("probe", reason),))


def test_report() -> None:
    golden_file.check("advise.txt", to_text(plan_of(CROWDED), ReportLook(100)))


def test_report_that_changes_nothing() -> None:
    golden_file.check("advise-nothing.txt", to_text(plan_of(NOTHING), ReportLook(100)))


def test_report_of_a_guess() -> None:
    golden_file.check("advise-guess.txt", to_text(guessed(), ReportLook(100)))


def test_json() -> None:
    golden_file.check("advise.json", to_json(plan_of(CROWDED)))


@pytest.mark.parametrize("width", [60, 80, 100, 110])
def test_prose_fits_and_commands_are_whole(width: int) -> None:
    plan = plan_of(CROWDED)
    lines = to_text(plan, ReportLook(width)).splitlines()
    actions = [action for one in plan.findings for action in (*one.advice, *one.undo)]
    commands = [typed(action) for action in actions]
    for command in commands:
        assert any(line.endswith(command) for line in lines)
    rest = [line for line in lines if not any(line.endswith(command) for command in commands)]
    too_wide = [line for line in rest if width_of(line) > width]
    assert not [line for line in too_wide if "[" not in line]  # a title and its id


def test_plain_where_colour_is_not_wanted() -> None:
    assert "\033" not in to_text(plan_of(CROWDED), ReportLook(100))
    coloured = to_text(plan_of(CROWDED), ReportLook(100, colour=True))
    assert "\033[31mcritical\033[m" in coloured
    assert re.sub(r"\033\[\d*m", "", coloured) == to_text(plan_of(CROWDED), ReportLook(100))


def test_ascii_where_the_locale_takes_no_more() -> None:
    text = to_text(plan_of(CROWDED), ReportLook(100, ascii_only=True))
    assert text.isascii() and "?" not in text and "#####" in text


def test_a_large_machine_shows_the_cpus_that_matter() -> None:
    lines = tuple(Busy(30 + n, 0, 0.01, queue=n) for n in range(4))
    text = to_text(plan_of(Machine(lines, cpus=256)), ReportLook(100))
    assert "and 224 CPUs that are less busy and stay as they are" in text
    assert re.search(r"^    0     4\.0%", text, re.MULTILINE)


def test_why_is_said_once_of_a_rule() -> None:
    """A timer and a handler are late, for the same reason and with the same exception."""
    slow = Busy(30, 0, 0.1, worst=Worst(2_000_000, UPTIME, 0, 812, "nginx"))
    plan = plan_of(Machine((slow,), extra=(timer(1, 3_000_000),)))
    late = [one for one in plan.findings if one.id == "late"]
    text = to_text(plan, ReportLook(110))
    assert len(late) == 2 and all(typed(one.advice[0]) in text for one in late)
    assert text.count(late[0].why) == 1 and text.count(late[0].not_when) == 1


def test_a_count_is_no_share_that_a_bar_could_show() -> None:
    assert not set("█▏▎▍▌▋▊▉") & set(to_text(guessed(), ReportLook(100)))


def test_one_window_does_not_know_the_spread() -> None:
    text = to_text(plan_of(crowded(windows=1)), ReportLook(100))
    assert "One window: how much the load varies is not known." in text


def documented(section: str) -> list[str]:
    """The keys of a table of docs/json.md, in order."""
    text = DOCS.read_text(encoding="utf-8")
    part = text.split(f"\n{section}\n")[1].split("\n#")[0]
    return re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)


def test_each_key_is_documented() -> None:
    made: dict[str, Any] = json.loads(to_json(plan_of(CROWDED)))
    assert documented("# The JSON of `irqwatch advise --json`") == list(made)
    for key in ("cpus", "moves", "immovable", "findings"):
        assert documented(f"## `advise`: `{key}[]`") == list(made[key][0])


KINDS: dict[str, dict[str, list[str]]] = {
    of: {kind(one): [field.name for field in fields(one)] for one in get_args(union)}
    for of, union in {
        "`verdict_figures`": Verdict,
        "`reason_figures` of `moves[]`": Reason,
        "`evidence_figures`": Evidence,
        "`advice_figures` and `undo_figures`": Action,
    }.items()
}
KINDS["`reason_figures` of `immovable[]` and `left_out[]`"] = {one.value: [] for one in Stays}


@pytest.mark.parametrize("section", KINDS)
def test_each_kind_of_figures_is_documented(section: str) -> None:
    text = DOCS.read_text(encoding="utf-8")
    part = text.split(f"\n### {section}\n")[1].split("\n#")[0]
    rows = re.findall(r"^\| `([\w-]+)` \| (.*) \|$", part, re.MULTILINE)
    told = {
        name: [] if said.startswith("none") else re.findall(r"`(\w+)`", said) for name, said in rows
    }
    assert told == KINDS[section] and list(told) == list(KINDS[section])


def test_each_command_has_its_figures() -> None:
    for one in json.loads(to_json(plan_of(CROWDED)))["findings"]:
        assert len(one["advice"]) == len(one["advice_figures"])
        assert len(one["undo"]) == len(one["undo_figures"])


def test_figures_are_what_the_sentence_says() -> None:
    made = json.loads(to_json(plan_of(CROWDED)))
    assert made["verdict_figures"] == {"kind": "improves"}
    assert made["moves"][0]["reason_figures"] == {"kind": "busier", "load": 0.8, "to_load": 0.05}
    assert made["immovable"][0]["reason_figures"] == {"kind": "managed"}
    found = {one["id"]: one for one in made["findings"]}
    assert found["immovable"]["evidence_figures"] == {
        "kind": "read-only-lines",
        "lines": [{"irq": 50, "name": "nvme0q2"}],
        "load": 0.05,
    }
    assert found["one-cpu-device"]["advice_figures"][0] == {
        "kind": "set-affinity",
        "irq": 32,
        "cpus": [1],
    }


def test_figures_have_as_many_digits_as_the_rest() -> None:
    late = Late("timer", "hard", 0, 0.0001234567891, 812, "nginx", frozenset({0}))
    assert figures(late)["late_s"] == 0.000123457
    assert figures(Busier(0.1234567891, 1 / 3)) == {
        "kind": "busier",
        "load": 0.123457,
        "to_load": 0.333333,
    }


def test_the_heart_of_it() -> None:
    made = json.loads(to_json(plan_of(CROWDED)))
    assert made["schema"] == 1 and made["change"] is True
    move = made["moves"][0]
    assert (move["device"], move["from"]) == ("eth0", [0]) and len(move["to"]) == 1
    assert made["lower_bound"] <= made["busiest_planned"] <= made["busiest_now"]
    assert made["immovable"][0]["irq"] == 50
