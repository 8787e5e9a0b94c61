"""One fact, every face: what lines and devices are called, and what a counter counted between two
readings."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timezone
from itertools import pairwise

import pytest

from irqwatch.advise.facts import Window, gather
from irqwatch.advise.plan import Wanted, make_plan
from irqwatch.affinity.lines import Lines
from irqwatch.base.names import names_of_lines
from irqwatch.cells import text_of
from irqwatch.collectors.trace import Decoder, LineName
from irqwatch.derive.line_story import story
from irqwatch.derive.view import derive
from irqwatch.model.plan import PlannedLine
from irqwatch.model.snapshot import (
    SCHEMA,
    Host,
    Line,
    LineDevice,
    LineSetting,
    Snapshot,
    Unavailable,
)
from irqwatch.model.topology import Cpu, Topology
from irqwatch.sink import explain
from irqwatch.sink.advise import document, report
from irqwatch.sink.prometheus.values import Accountant
from irqwatch.sink.slow_event import to_json as slow_json
from irqwatch.sink.top import frame, table
from irqwatch.sink.top.state import State, rows
from irqwatch.sink.view_json import to_json
from irqwatch.source.slow_events import WantedEvents, line_names, lines_of
from tests.unit.collectors.readings import LAYOUTS, packed

SECOND = 10**9
HOST = Host("web-7", "6.18.1", "b007")
NIC = ("eth3", "i801_smbus")
SHARED = "eth3, i801_smbus"
CPUS = frozenset(range(70))  # more than are shown apart, so that Prometheus sums


def snapshot(
    at_s: int, lines: tuple[Line, ...], cpus: frozenset[int] = CPUS, **fields: object
) -> Snapshot:
    """sysfs says that all CPUs are online, always: in a container it need not be so."""
    return Snapshot(
        SCHEMA,
        monotonic_ns=at_s * SECOND,
        wall_ns=at_s * SECOND,
        host=HOST,
        topology=Topology({cpu: Cpu(cpu, online=True) for cpu in CPUS}),
        lines=lines,
        line_cpus=cpus,
        devices=(LineDevice(16, NIC[1], "pci"), LineDevice(16, NIC[0], "net")),
        settings=(LineSetting(16, frozenset({0, 1}), frozenset({0}), writable=True),),
        **fields,  # type: ignore[arg-type]
    )


LINES = "irqwatch_interrupts_total"
ARCHITECTURE = "irqwatch_architecture_interrupts_total"


@dataclass(frozen=True)
class Readings:
    """Of one row: what two readings say, on which CPUs, and what was counted; None: not known."""

    before: Mapping[int, int]
    after: Mapping[int, int]
    counted: Mapping[int, int] | None
    cpus_before: frozenset[int] = CPUS
    cpus_after: frozenset[int] = CPUS


TOP = 2**32
TABLE = {
    "grows": Readings({0: 100, 1: 7}, {0: 160, 1: 7}, {0: 60}),
    "wraps": Readings({0: TOP - 20, 1: 7}, {0: 40, 1: 7}, {0: 60}),
    "is reset": Readings({0: 2_500_000_000}, {0: 60}, None),
    "was nothing": Readings({}, {0: 60}, {0: 60}),
    "its CPU came": Readings({0: 100}, {0: 160, 1: 3_000_000}, {0: 60}, CPUS - {1}, CPUS),
    "its CPU went": Readings({0: 100, 1: 3_000_000}, {0: 160}, {0: 60}, CPUS, CPUS - {1}),
    "its CPU came back": Readings({0: 100}, {0: 160, 1: 9}, {0: 60}, CPUS - {1}, CPUS),
}
each = pytest.mark.parametrize("readings", TABLE.values(), ids=TABLE.keys())


def two(readings: Readings) -> tuple[Snapshot, Snapshot]:
    """A line, and a row of the architecture's own, which count alike."""
    return (
        snapshot(1, rows_of(readings.before), readings.cpus_before),
        snapshot(2, rows_of(readings.after), readings.cpus_after),
    )


def rows_of(counts: Mapping[int, int]) -> tuple[Line, ...]:
    return (
        Line("16", 16, counts, "IO-APIC", "16", "fasteoi", NIC),
        Line("LOC", None, counts, description="Local timer interrupts"),
    )


@each
def test_the_view_and_its_json(readings: Readings) -> None:
    before, after = two(readings)
    view = derive(after, before)
    found = {one.name: {cpu: part.count for cpu, part in one.cpus.items()} for one in view.sources}
    names = (SHARED, "LOC")
    expected = {} if readings.counted is None else dict.fromkeys(names, readings.counted)
    assert found == expected
    told = json.loads(to_json(view))["sources"]
    assert {one["name"]: one["cpus"] for one in told} == {
        name: {str(cpu): count for cpu, count in counts.items()}
        for name, counts in expected.items()
    }


@each
def test_the_screen(readings: Readings) -> None:
    before, after = two(readings)
    shown = rows(derive(after, before), State())
    rates = {row.name: row.rate for row in shown}
    total = sum((readings.counted or {}).values())
    assert rates == ({} if readings.counted is None else {SHARED: total, "LOC": total})


@each
def test_prometheus(readings: Readings) -> None:
    """Summed over CPUs, on every host."""
    before, after = two(readings)
    accountant = Accountant(before, ())
    line, row = (SHARED, ", ".join(NIC), ""), ("LOC",)
    # What counted nothing has no sample, and then all it counted is new.
    first = accountant.update(before, {}).values
    last = accountant.update(after, {}).values
    for name, label in ((LINES, line), (ARCHITECTURE, row)):
        counted = last[name].get(label, 0) - first[name].get(label, 0)
        assert counted == sum((readings.counted or {}).values())


@each
def test_explain(readings: Readings) -> None:
    before, after = two(readings)
    text = explain.to_text(story(after.lines[0], after, derive(after, before)))
    total = sum((readings.counted or {}).values())
    wanted = "now          not known" if readings.counted is None else f"{total} a second"
    assert wanted in text


@each
def test_advise(readings: Readings) -> None:
    before, after = two(readings)
    made = make_plan([Window(before, after, derive(after, before))], Wanted())
    total = sum((readings.counted or {}).values())
    assert sum(load.now for load in made.loads) == total


def test_advice_names_the_line_whose_count_is_not_known_in_one_window() -> None:
    """And weighs it by the other windows."""
    ends = [snapshot(at, rows_of({0: count})) for at, count in enumerate((100, 160, 5, 65), 1)]
    windows = [Window(one, other, derive(other, one)) for one, other in pairwise(ends)]
    made = make_plan(windows, Wanted())
    assert sum(load.now for load in made.loads) == pytest.approx(60)
    told = json.loads(document.to_json(made))["unavailable"]
    assert {"part": "counts", "reason": "not known of this interval: 16, LOC"} in told


@each
def test_the_check_after_a_move(readings: Readings) -> None:
    """A CPU that came or went while it was looked at leaves open where interrupts arrived."""
    before, after = two(readings)
    line = PlannedLine(16, NIC, "16", SHARED, "IO-APIC")
    counted = Lines(after).counted_since(Lines(before), line)
    came_or_went = readings.cpus_before != readings.cpus_after
    assert counted == (None if came_or_went else readings.counted)


def test_rows_of_one_label_stay_apart_in_each() -> None:
    """POWER prints two rows LOC."""

    def at(seconds: int, events: int, others: int) -> Snapshot:
        return snapshot(
            seconds,
            (
                Line("LOC", None, {0: events}, description="for timer event device"),
                Line("LOC", None, {0: others}, description="for others"),
            ),
        )

    before, after = at(1, 10_604, 4), at(2, 10_704, 5)
    view = derive(after, before)
    assert [(one.beside, one.count) for one in view.sources] == [
        ("for timer event device", 100),
        ("for others", 1),
    ]
    told = json.loads(to_json(view))["sources"]
    assert [(one["description"], one["count"]) for one in told] == [
        ("for timer event device", 100),
        ("for others", 1),
    ]
    shown = rows(view, State())
    assert len({row.identity for row in shown}) == 2
    accountant = Accountant(before, ())
    accountant.update(before, {})
    values = accountant.update(after, {}).values[ARCHITECTURE]
    assert values == {("LOC",): 10_704, ("LOC for others",): 5}


def test_a_shootdown_counts_once_in_a_sum_and_is_shown() -> None:
    """Also where the interrupt that brought it was counted after its row had been read."""

    def at(seconds: int, shootdowns: int) -> Snapshot:
        return snapshot(
            seconds,
            (
                Line("CAL", None, {0: 900}, description="Function call interrupts"),
                Line("TLB", None, {0: shootdowns}, description="TLB shootdowns"),
            ),
        )

    before, after = at(1, 604), at(2, 605)
    view = derive(after, before)
    (told,) = json.loads(to_json(view))["sources"]
    assert (told["name"], told["count"], told["counted_again"]) == ("TLB", 1, True)
    assert [row.identity for row in rows(view, State())]
    accountant = Accountant(before, ())
    accountant.update(before, {})
    values = accountant.update(after, {}).values
    assert values[ARCHITECTURE] == {("CAL",): 900}
    assert values["irqwatch_interrupts_counted_again_total"] == {("TLB",): 605}


def test_a_shared_line_has_one_name_in_each() -> None:
    before, after = two(TABLE["grows"])
    view = derive(after, before)
    line = after.lines[0]
    # top, JSON
    (row,) = (row for row in rows(view, State()) if row.irq == 16)
    assert row.device == SHARED
    lines = table.lines(rows(view, State()), State(), None, range(9))
    assert any(SHARED in text_of(one) for one in lines)
    plain = frame.plain(view, State(zone=timezone.utc), None)
    assert SHARED in plain
    (told,) = (one for one in json.loads(to_json(view))["sources"] if one.get("irq") == 16)
    assert told["device"] == SHARED
    # explain
    of_line = story(line, after, view)
    assert json.loads(explain.to_json(of_line))["device"] == SHARED
    for name in NIC:
        assert f"device       {name} " in explain.to_text(of_line)
    # advise
    facts = gather([Window(before, after, view)], Wanted().thresholds)
    assert facts.by_irq[16].device == SHARED
    assert Lines(after).setting(PlannedLine(16, NIC, "16", SHARED, "IO-APIC"))
    # Prometheus
    assert {one[0] for one in Accountant(after, ()).update(after, {}).values[LINES]} == {SHARED}
    # trace
    names = line_names(after.lines, after.devices)
    assert names == {16: LineName(SHARED, SHARED)}
    raw = packed("slow_event", {"cause": {"action": 1, "irq": 16}, "name": b"eth3"})
    event = Decoder(LAYOUTS).event(raw, names, 0)
    assert json.loads(slow_json(event))["device"] == SHARED


def test_a_shared_line_without_sysfs_is_called_by_its_actions() -> None:
    before, after = (replace(one, devices=()) for one in two(TABLE["grows"]))
    view = derive(after, before)
    (row,) = (row for row in rows(view, State()) if row.irq == 16)
    assert (row.name, row.device) == (SHARED, None)


def test_a_row_that_the_reading_before_stepped_over_is_not_known() -> None:
    """Its count since the boot is not what the interval counted."""
    before, after = two(TABLE["grows"])
    lack = Unavailable("interrupts", "2 garbled rows left out")
    view = derive(after, replace(before, lines=(), unavailable=(lack,)))
    assert view.sources == ()
    told = Unavailable("counts", "not known of this interval: 16, LOC")
    assert told in view.unavailable
    assert {"part": told.part, "reason": told.reason} in json.loads(to_json(view))["unavailable"]
    assert told.reason in frame.plain(view, State(zone=timezone.utc), None)
    assert "now          not known" in explain.to_text(story(after.lines[0], after, view))


def test_a_row_that_the_last_reading_stepped_over_is_not_known() -> None:
    before, after = two(TABLE["grows"])
    lack = Unavailable("interrupts", "2 garbled rows left out")
    view = derive(replace(after, lines=(), unavailable=(lack,)), before)
    assert Unavailable("counts", "not known of this interval: 16, LOC") in view.unavailable


@pytest.mark.parametrize("counts", [None, {}], ids=["stepped over", "all zero"])
def test_a_sum_outlives_a_reading_that_lacks_its_row(counts: Mapping[int, int] | None) -> None:
    """Prometheus takes a fall for a restart, and would count all of it again."""
    first = snapshot(1, rows_of(dict.fromkeys(CPUS, 1_000)))
    lack = Unavailable("interrupts", "2 garbled rows left out")
    without = replace(snapshot(2, ()), unavailable=(lack,))
    if counts is not None:
        without = snapshot(2, rows_of(counts))
    last = snapshot(3, rows_of({0: 1_007}), CPUS - {1})
    accountant = Accountant(first, ())
    sheets = [accountant.update(one, {}) for one in (first, without, last)]
    for name in (LINES, ARCHITECTURE):
        found = [sum(sheet.values[name].values()) or None for sheet in sheets]
        assert found[0] == 70_000
        assert found[1] in {None, 70_000}
        assert found[2] is not None and 70_000 <= found[2] <= 71_007


ADAPTER = "0000:00:17.0"
DISKS = tuple(f"sd{letter}" for letter in "abcdefgh")


def with_disks(snapshot: Snapshot, disks: tuple[str, ...] = DISKS) -> Snapshot:
    return replace(
        snapshot, devices=(LineDevice(16, ADAPTER, "ata", ADAPTER),), behind={ADAPTER: disks}
    )


def test_what_hangs_behind_an_adapter_is_told_alike_in_each() -> None:
    """Short where there is little room; the label of a series is the adapter's own."""
    before, after = map(with_disks, two(TABLE["grows"]))
    view = derive(after, before)
    # top: the table, a filter
    (row,) = (row for row in rows(view, State()) if row.irq == 16)
    assert row.device == f"sda +7 ({ADAPTER})"
    assert row.device in frame.plain(view, State(zone=timezone.utc), None)
    assert [one.irq for one in rows(view, State(filter="sda +7"))] == [16]
    # JSON
    told = json.loads(to_json(view))
    assert told["behind"] == {ADAPTER: "sda +7"}
    assert {one.get("device") for one in told["sources"] if one.get("irq") == 16} == {ADAPTER}
    # explain: all of them
    of_line = story(after.lines[0], after, view)
    assert json.loads(explain.to_json(of_line))["behind"] == list(DISKS)
    assert f"behind it    {', '.join(DISKS)}\n" in explain.to_text(of_line)
    # advise: the plan's key is the adapter
    fixed = replace(after, settings=tuple(replace(s, writable=False) for s in after.settings))
    made = make_plan([Window(before, fixed, view)], Wanted(devices=frozenset({"sdh"})))
    told = json.loads(document.to_json(made))
    assert told["behind"] == {ADAPTER: "sda +7"}
    assert [one["device"] for one in told["immovable"]] == [ADAPTER]
    assert ": sda +7" in report.to_text(made, report.ReportLook())
    facts = gather([Window(before, after, view)], Wanted().thresholds)
    assert facts.by_irq[16].device == ADAPTER
    # Prometheus
    values = Accountant(after, ()).update(after, {}).values
    assert {one[0] for one in values[LINES]} == {ADAPTER}
    assert values["irqwatch_behind_info"] == {(ADAPTER, "sda +7"): 1}
    # trace
    called = names_of_lines(after.lines, after.devices, after.behind)
    assert lines_of(WantedEvents(1, devices=frozenset({"sdc"})), called) == {16}


def test_what_hangs_behind_joins_with_the_series_of_a_shared_line() -> None:
    """By ``device``, as the example of the metric does."""
    now = with_disks(two(TABLE["grows"])[1])
    shared = (*now.devices, LineDevice(16, "i801_smbus", "pci"), LineDevice(17, "eth9", "net"))
    line = replace(now.lines[0], label="17", irq=17)
    now = replace(now, devices=shared, lines=(*now.lines, line))
    values = Accountant(now, ()).update(now, {}).values
    device = f"{ADAPTER}, i801_smbus"
    assert {one[0] for one in values[LINES]} == {device, "eth9"}
    assert values["irqwatch_behind_info"] == {(device, "sda +7"): 1}


def test_a_stick_that_is_plugged_in_changes_no_label_and_no_plan() -> None:
    before, after = two(TABLE["grows"])
    one, other = with_disks(before, ("sda",)), with_disks(after)
    accountant = Accountant(one, ())
    label = {
        key for snapshot in (one, other) for key in accountant.update(snapshot, {}).values[LINES]
    }
    assert label == {(ADAPTER, ", ".join(NIC), "")}
    line = PlannedLine(16, NIC, "16", ADAPTER, "IO-APIC")
    assert Lines(one).setting(line) and Lines(other).setting(line)


def test_three_hundred_disks_make_no_long_label() -> None:
    many = with_disks(two(TABLE["grows"])[1], tuple(f"sd{number:03}" for number in range(300)))
    values = Accountant(many, ()).update(many, {}).values["irqwatch_behind_info"]
    assert list(values) == [(ADAPTER, "sd000 +299")]
