"""``irqwatch explain``: what finds a line, and what is said of it."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from irqwatch.collectors.hardirq import HardirqTime
from irqwatch.collectors.work import WorkCause, WorkTime
from irqwatch.derive.line_story import lines_called, story
from irqwatch.derive.view import derive
from irqwatch.model.line_story import LineStory
from irqwatch.model.snapshot import (
    SCHEMA,
    CountAndTime,
    Host,
    Line,
    LineDevice,
    LineSetting,
    Snapshot,
    Thread,
)
from irqwatch.model.topology import Cpu, Topology
from irqwatch.sink.explain import to_json, to_text
from tests import golden_file
from tests.hosts import SECOND, histogram
from tests.probes import a_probe

BOTH = frozenset({0, 1})


def at(tick: int) -> Snapshot:
    probe = a_probe(
        frozenset({"hardirq", "softirq", "work"}),
        attached_ns=1,
        hardirqs=(
            HardirqTime(
                34,
                "eth0-rx-0",
                1,
                histogram(2_000, 9_000, times=500 * tick),
                not_mine_count=100 * tick,
                not_mine_ns=50_000 * tick,
                softirqs={"NET_RX": CountAndTime(900 * tick, 40_000_000 * tick)},
            ),
        ),
        works=(WorkTime("flush", "events", run=histogram(5_000, times=10 * tick)),),
        work_causes=(
            WorkCause(34, "eth0-rx-0", "NET_RX", "flush", "events", 0, CountAndTime(10, 50_000)),
        )
        * min(tick, 1),
    )
    return Snapshot(
        SCHEMA,
        monotonic_ns=tick * SECOND,
        wall_ns=tick * SECOND,
        host=Host("db1", "6.12.0", "9c1f"),
        topology=Topology({n: Cpu(n, True, node=n) for n in (0, 1)}),
        lines=(
            Line("34", 34, {1: 1000 * tick}, "PCI-MSIX-0000:00:03.0", "1", "edge", ("eth0-rx-0",)),
            Line("36", 36, {}, "PCI-MSIX-0000:00:02.0", "0", "edge", ("virtio1-req.0",)),
            Line("9", 9, {}, "IO-APIC", "9", "fasteoi", ("acpi",)),
        ),
        settings=(
            LineSetting(34, BOTH, frozenset({1}), frozenset({0}), 0, True, 7),
            LineSetting(36, BOTH, frozenset({0}), writable=False),
        ),
        devices=(
            LineDevice(34, "eth0", "net", "0000:00:03.0", 0, 0),
            LineDevice(36, "vda", "block", "0000:00:02.0", 0, -1),
        ),
        threads=(Thread(77, "irq/9-acpi", "irq_thread", 3 * SECOND, irq=9),),
        probe=probe,
    )


def told(irq: int, before: Snapshot, after: Snapshot) -> LineStory:
    line = next(line for line in after.lines if line.irq == irq)
    return story(line, after, derive(after, before))


@pytest.mark.parametrize(
    ("word", "irqs"),
    [
        ("34", [34]),
        ("eth0-rx-0", [34]),
        ("eth0", [34]),
        ("0000:00:02.0", [36]),
        ("vda", [36]),
        ("req", [36]),
        ("3", []),  # a number is not a part of one
        ("nosuch", []),
        ("", []),
    ],
)
def test_a_line_is_found_by_what_people_call_it(word: str, irqs: list[int]) -> None:
    assert [line.irq for line in lines_called(word, at(1))] == irqs


def test_everything_that_is_known_is_said() -> None:
    texts = [to_text(told(irq, at(1), at(2))) for irq in (34, 36, 9)]
    golden_file.check("explain.txt", "\n".join(texts))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hint": BOTH}, "CPUs 0-1\n"),  # it runs on one of them
        ({"hint": frozenset({0})}, "CPU 0 (not followed)\n"),
        (
            {"hint": frozenset({0}), "effective": None, "affinity": BOTH},
            "CPU 0 (not known whether it runs there)\n",
        ),
    ],
)
def test_whether_the_drivers_wish_is_followed(change: dict[str, Any], words: str) -> None:
    known = told(34, at(1), at(2))
    assert known.setting
    made = replace(known, setting=replace(known.setting, **change), sources=())
    assert f"  driver wants {words}" in to_text(made)


def test_json_says_the_same() -> None:
    made = json.loads(to_json(told(34, at(1), at(2))))
    assert (made["irq"], made["device"], made["queue"], made["node"]) == (34, "eth0", 0, 0)
    assert (made["affinity"], made["effective"], made["hint"]) == ([0, 1], [1], [0])
    (source,) = made["sources"]
    assert (source["count"], source["cpus"]) == (1100, {"1": 1100})
    assert source["whole_share"] == pytest.approx(0.0055 + 0.00005 + 0.04, rel=1e-3)
    assert [(part["kind"], part["name"]) for part in source["caused"]] == [("softirq", "NET_RX")]
    assert json.loads(to_json(told(9, at(1), at(2)))).keys() == made.keys()


@pytest.mark.parametrize(
    ("of_device", "of_line", "node", "text"),
    [
        (0, 1, 0, "0: CPU 0 is near"),
        (None, 1, 1, "1"),  # as of a virtio device
        (-1, 1, -1, "none"),
        (None, None, None, "not known"),
    ],
)
def test_text_and_json_have_the_same_node(
    of_device: int | None, of_line: int | None, node: int | None, text: str
) -> None:
    story = told(34, at(1), at(2))
    (device,) = story.devices
    assert story.setting
    story = replace(
        story,
        devices=(replace(device, node=of_device),),
        setting=replace(story.setting, node=of_line),
    )
    assert json.loads(to_json(story))["node"] == node
    assert f"  node         {text}\n" in to_text(story)


def test_without_the_probe_it_counts_and_names_no_time() -> None:
    before, after = (replace(at(tick), probe=None) for tick in (1, 2))
    text = to_text(told(34, before, after))
    assert "1.0k a second" in text and "top half" not in text


def test_what_cannot_be_read_is_not_known() -> None:
    bare = [replace(at(tick), settings=(), devices=()) for tick in (1, 2)]
    text = to_text(told(34, *bare))
    assert "not known (/proc/irq cannot be read)" in text and "node         not known" in text


def test_the_docs_have_each_key() -> None:
    docs = Path(__file__).resolve().parents[3] / "docs" / "json.md"
    part = docs.read_text(encoding="utf-8").split("\n# The JSON of `irqwatch explain --json`\n")[1]
    own, of_sources = part.split("\n# ")[0].split("\n## `explain`: `sources[]`\n")
    made = json.loads(to_json(told(34, at(1), at(2))))
    assert re.findall(r"^\| `(\w+)` \|", own, re.MULTILINE) == list(made)
    assert re.findall(r"^\| `(\w+)` \|", of_sources, re.MULTILINE) == list(made["sources"][0])
