"""Whether a collector can read what it sees, and that all faces say it the same way."""

import json
from dataclasses import replace

import pytest

from irqwatch.base.blind import counted, lost, why_blind
from irqwatch.collectors import BY_NAME, without_blind
from irqwatch.collectors.hardirq import HardirqTime
from irqwatch.collectors.signal import SignalTime
from irqwatch.collectors.timer import TimerTime
from irqwatch.derive.view import derive
from irqwatch.model.histogram import Histogram
from irqwatch.model.snapshot import SCHEMA, CountAndTime, Host, Probe, Snapshot, Unavailable
from irqwatch.model.topology import Cpu, Topology
from irqwatch.sink import view_json
from irqwatch.sink.prometheus import Exporter
from irqwatch.sink.top import header

TIMER = BY_NAME["timer"]
CPUS = 2
REASON = "sees events and reads none of them: unreadable"


def a_probe(losses, parts=None):
    return Probe(frozenset({"timer", "softirq"}), 1, parts or {}, losses)


def test_each_field_that_counts_events_is_counted_and_times_are_not():
    part = HardirqTime(
        5,
        "eth0",
        1,
        handled=Histogram({7: 3, 9: 1}, 800),
        not_mine_count=2,
        not_mine_ns=700,
        softirqs={"NET_RX": CountAndTime(2, 90), "BLOCK": CountAndTime(1, 5)},
    )
    probe = a_probe({}, {"hardirqs": (part, replace(part, cpu=0))})

    assert counted(BY_NAME["hardirq"], probe) == {"handled": 8, "not_mine_count": 4, "softirqs": 6}


def test_losses_come_with_the_most_first():
    probe = a_probe({"timer": {"a": 1, "b": 3, "c": 0}, "softirq": {"d": 9}})

    assert list(lost(TIMER, probe).items()) == [("b", 3), ("a", 1)]


def test_one_that_lost_all_and_counted_nothing_is_blind():
    assert why_blind(TIMER, a_probe({"timer": {"unreadable": 652}}), CPUS) == REASON


@pytest.mark.parametrize(
    "losses",
    [{}, {"timer": {}}, {"timer": {"unreadable": 0}}, {"softirq": {"unknown_raise": 652}}],
)
def test_one_that_lost_nothing_is_not_blind(losses):
    assert why_blind(TIMER, a_probe(losses), CPUS) == ""


def test_what_was_under_way_at_the_start_makes_nothing_blind():
    assert why_blind(TIMER, a_probe({"timer": {"unreadable": CPUS}}), CPUS) == ""
    assert why_blind(TIMER, a_probe({"timer": {"unreadable": CPUS + 1}}), CPUS) == REASON


@pytest.mark.parametrize(
    "part", [TimerTime(0, "hard", early_count=1), TimerTime(0, "hard", Histogram({4: 1}, 5))]
)
def test_one_that_ever_counted_anything_is_not_blind(part):
    probe = a_probe({"timer": {"unreadable": 652}}, {"timers": (part,)})

    assert why_blind(TIMER, probe, CPUS) == ""


def test_one_of_several_counters_is_enough():
    parts = {"signals": (SignalTime("SIGCHLD", "kernel", 0, generated_count=1),)}
    probe = a_probe({"signal": {"deliver_map_full": 652}}, parts)

    assert why_blind(BY_NAME["signal"], probe, CPUS) == ""


def a_snapshot(seconds, probe, **changes):
    return Snapshot(
        SCHEMA,
        seconds * 10**9,
        seconds * 10**9,
        Host("here", "7.3.0", "boot"),
        topology=Topology({cpu: Cpu(cpu, True) for cpu in range(CPUS)}),
        probe=probe,
        **changes,
    )


BEFORE = a_snapshot(1, a_probe({"timer": {"unreadable": 600}}))
AFTER = a_snapshot(2, a_probe({"timer": {"unreadable": 652}}))


def test_a_snapshot_without_blind_collectors_stays_as_it_is():
    well = a_snapshot(1, a_probe({}))

    assert without_blind(well) is well
    assert without_blind(a_snapshot(1, None)).probe is None


def test_a_blind_collector_is_unavailable_beside_what_else_is():
    refused = Unavailable("tasklet", "refused")
    seen = without_blind(replace(AFTER, unavailable=(refused,)))

    assert seen.probe.collectors == {"softirq"}
    assert seen.unavailable == (refused, Unavailable("timer", REASON))
    assert seen.probe.losses == AFTER.probe.losses


def test_top_and_its_json_do_not_call_it_timed():
    view = derive(AFTER, BEFORE)
    frame = json.loads(view_json.to_json(view))
    text = ["".join(span.text for span in line) for line in header.lines(view, None)]

    assert frame["collectors"] == ["softirq"]
    assert {"part": "timer", "reason": REASON} in frame["unavailable"]
    assert frame["losses"] == {"timer.unreadable": 52}
    assert f"timer: {REASON}" in text
    assert "timed softirq" in text[1]


def test_prometheus_has_it_as_no_success():
    exporter = Exporter(BEFORE, ["timer", "softirq"], "1", own_process=False)

    exporter.update(AFTER, {})
    text = exporter.render()[0].decode()

    assert 'irqwatch_collector_success{collector="timer"} 0.0' in text
    assert 'irqwatch_collector_success{collector="softirq"} 1.0' in text
    assert f'irqwatch_unavailable_info{{part="timer",reason="{REASON}"}} 1.0' in text
    assert 'irqwatch_lost_events_total{collector="timer",reason="unreadable"} 652.0' in text


def test_what_was_under_way_is_no_blindness_where_sysfs_lists_no_cpu():
    probe = a_probe({"timer": {"unreadable": 2}})
    hidden = replace(a_snapshot(1, probe), topology=Topology(), line_cpus=frozenset({0, 1}))

    assert without_blind(hidden) == hidden
