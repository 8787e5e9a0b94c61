"""Timers, tasklets and polls: what an interval counted of them, and their sources."""

from dataclasses import replace
from typing import Any

import pytest

from irqwatch.collectors.napi import NapiCount
from irqwatch.collectors.tasklet import TaskletTime
from irqwatch.collectors.timer import TimerTime
from irqwatch.derive.interval import between
from irqwatch.derive.view import derive
from irqwatch.model.histogram import Histogram
from irqwatch.model.snapshot import Snapshot
from irqwatch.model.view import CpuPart, Source
from tests import hosts
from tests.probes import with_parts

CURRENT, PREVIOUS = hosts.busier(3), hosts.busier(1)
VIEW = derive(CURRENT, PREVIOUS)


def of(kind: str) -> dict[str, Source]:
    return {source.name: source for source in VIEW.sources if source.kind == kind}


def with_probe(snapshot: Snapshot, **fields: Any) -> Snapshot:
    assert snapshot.probe
    return replace(snapshot, probe=with_parts(snapshot.probe, **fields))


def test_timers_are_by_mode_and_have_a_latency_only() -> None:
    timers = of("timer")
    assert list(timers) == ["hard", "soft"]
    hard = timers["hard"]
    assert hard.count == 2 * (3 * 200 + 50 + 40)
    assert hard.early_count == 2 * 50
    assert hard.rate == hard.count / 2
    assert hard.cpus == {0: CpuPart(2 * 650, None), 1: CpuPart(2 * 40, None)}
    assert (hard.seconds, hard.share, hard.p50_s, hard.max_s) == (None,) * 4
    assert hard.latency_p50_s == pytest.approx(2_000e-9, rel=0.125)
    assert hard.latency_max_s == 41_000e-9
    assert hard.worst_latency and hard.worst_latency.comm == "nginx"
    assert hard.cpu_latency_p99_s and hard.cpu_latency_p99_s.keys() == {0, 1}
    assert hard.cpu_latency_p99_s[1] == pytest.approx(3_000e-9, rel=0.125)
    assert hard.cpu_latency_max_s == {0: 41_000e-9, 1: None}


def test_the_longest_of_a_timer_that_has_no_story_is_not_known() -> None:
    soft = of("timer")["soft"]
    assert (soft.worst_latency, soft.latency_max_s) == (None, None)
    assert soft.latency_p99_s == pytest.approx(70_000e-9, rel=0.125)


def test_tasklets_are_by_function() -> None:
    (tasklet,) = of("tasklet").values()
    assert (tasklet.name, tasklet.count) == ("ata_sff", 2 * (40 + 1))
    assert tasklet.seconds == pytest.approx(2 * (20 * 9_700 + 800) / 1e9)
    assert tasklet.share and tasklet.seconds and tasklet.share == tasklet.seconds / 2
    assert tasklet.max_s == 9_900e-9
    assert {cpu: part.count for cpu, part in tasklet.cpus.items()} == {0: 80, 1: 2}


def test_polls_are_by_device() -> None:
    polls = of("napi")
    assert list(polls) == ["backlog", "eth0"]
    eth0 = polls["eth0"]
    assert (eth0.count, eth0.packet_count, eth0.exhausted_count) == (18_020, 400_040, 5_400)
    assert {cpu: part.count for cpu, part in eth0.cpus.items()} == {0: 18_000, 1: 20}
    assert polls["backlog"].exhausted_count == 0
    assert (eth0.seconds, eth0.share) == (None, None)


@pytest.mark.parametrize(
    ("field", "now", "before"),
    [
        ("timers", TimerTime(0, "hard", early_count=3), TimerTime(0, "hard", early_count=4)),
        (
            "timers",
            TimerTime(0, "hard"),
            TimerTime(0, "hard", Histogram({13: 1}, 256)),
        ),
        ("tasklets", TaskletTime("f", 0), TaskletTime("f", 0, Histogram({13: 1}, 256))),
        ("napis", NapiCount("eth0", 0, 5, 9, 0), NapiCount("eth0", 0, 6, 9, 0)),
        ("napis", NapiCount("eth0", 0, 5, 9, 0), NapiCount("eth0", 0, 5, 10, 0)),
        ("napis", NapiCount("eth0", 0, 5, 9, 0), NapiCount("eth0", 0, 5, 9, 1)),
    ],
)
def test_what_went_backwards_is_unknown(field: str, now: object, before: object) -> None:
    interval = between(
        with_probe(CURRENT, **{field: (now,)}), with_probe(PREVIOUS, **{field: (before,)})
    )
    assert interval.probe
    assert interval.probe.parts[field] == ()


def test_what_is_new_has_counted_from_zero() -> None:
    interval = between(CURRENT, with_probe(PREVIOUS, timers=(), tasklets=(), napis=()))
    assert interval.probe and CURRENT.probe
    assert interval.probe.parts["timers"] == CURRENT.probe.parts["timers"]
    assert interval.probe.parts["tasklets"] == CURRENT.probe.parts["tasklets"]
    assert interval.probe.parts["napis"] == CURRENT.probe.parts["napis"]


def test_nothing_happened() -> None:
    view = derive(CURRENT, with_probe(CURRENT))
    assert not [one for one in view.sources if one.kind in ("timer", "tasklet", "napi")]
