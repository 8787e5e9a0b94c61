"""The JSON: its shape, its order, and that docs/json.md tells of each key."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from irqwatch.collectors import BY_NAME
from irqwatch.derive.view import derive
from irqwatch.model.view import View
from irqwatch.sink.view_json import to_json
from tests import golden_file, hosts

DOCS = Path(__file__).resolve().parents[3] / "docs" / "json.md"
VIEW = derive(hosts.busy(2), hosts.busy(1))
BUSIER = derive(hosts.busier(2), hosts.busier(1))
THREADED = derive(hosts.threaded(2), hosts.threaded(1))
BARE = View(1.0, 0, 0, hosts.HOST, (), (), frozenset(), None)

HEART = {"kind", "name", "count", "seconds", "p50_s", "p99_s", "max_s", "latency_p99_s", "cpus"}


def of(view: View) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(to_json(view))
    return made


def documented() -> dict[str, list[str]]:
    """Section → the keys of its table, in order."""
    sections: dict[str, list[str]] = {}
    for line in DOCS.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            section = sections.setdefault(line.lstrip("# "), [])
        elif key := re.match(r"\| `(\w+)` \|", line):
            section.append(key[1])
    return sections


def test_is_one_line_and_the_same_each_time() -> None:
    assert "\n" not in to_json(VIEW)
    assert to_json(VIEW) == to_json(derive(hosts.busy(2), hosts.busy(1)))


def test_golden() -> None:
    golden_file.check("top.json", json.dumps(of(VIEW), indent=1) + "\n")


def test_nothing_known_is_null_or_empty() -> None:
    made = of(BARE)
    assert (made["schema"], made["coverage"], made["sources"]) == (1, None, [])
    assert made["time"] == "1970-01-01T00:00:00.000000Z"


def test_the_docs_have_each_key_of_the_object() -> None:
    docs, made = documented(), of(VIEW)
    assert docs["The object"] == list(made)
    assert docs["`host`"] == list(made["host"])
    assert docs["`cpus[]`"] == list(made["cpus"][0])
    assert docs["`unavailable[]`"] == ["part", "reason"]


@pytest.mark.parametrize("kind", ["hardirq", "softirq", "work", "vector"])
def test_the_docs_have_each_key_of_a_source(kind: str) -> None:
    docs = documented()
    sources = [source for source in of(VIEW)["sources"] if source["kind"] == kind]
    left_out = {key.name for key in BY_NAME[kind].keys if key.is_left_out}
    assert sources
    for source in sources:
        told = docs["`sources[]`"] + docs[f"of `{kind}`"]
        assert list(source) == [key for key in told if key in source]
        assert set(told) - set(source) <= left_out
        assert set(source) >= HEART
        for story in (source.get("worst"), source.get("worst_latency")):
            assert story is None or list(story) == docs["`worst` and `worst_latency`"]


def test_only_a_line_has_a_number() -> None:
    assert {source["kind"] for source in of(VIEW)["sources"] if "irq" in source} == {"hardirq"}


def test_cpus_add_up_to_the_whole() -> None:
    for source in of(VIEW)["sources"]:
        assert sum(source["cpus"].values()) == source["count"]


@pytest.mark.parametrize("kind", ["timer", "tasklet", "napi", "exception", "signal", "syscall"])
def test_the_docs_have_each_key_of_what_programs_do(kind: str) -> None:
    docs = documented()
    sources = [source for source in of(BUSIER)["sources"] if source["kind"] == kind]
    assert sources
    for source in sources:
        assert list(source) == docs["`sources[]`"] + docs[f"of `{kind}`"]
        assert all(list(part) == docs["`processes[]`"] for part in source.get("processes", ()))


@pytest.mark.parametrize("kind", ["thread", "blame"])
def test_the_docs_have_each_key_of_threads_and_of_whom_they_take_from(kind: str) -> None:
    docs = documented()
    sources = [source for source in of(THREADED)["sources"] if source["kind"] == kind]
    assert sources
    for source in sources:
        assert list(source) == docs["`sources[]`"] + docs[f"of `{kind}`"]
        assert all(list(part) == docs["`taken_by[]`"] for part in source.get("taken_by", ()))
