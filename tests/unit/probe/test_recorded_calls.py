"""bpf/ipi.c over events that a kernel made: what is computed here of them, one by one."""

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from irqwatch.collectors.ipi import ASKED, SENT
from irqwatch.model.histogram import bucket_of
from irqwatch.model.snapshot import Probe
from tests import events
from tests.events import Event
from tests.native.build import NotBuilt
from tests.native.harness import replay

RECORDED = Path(__file__).parents[2] / "fixtures" / "events" / "host-6.18-calls.events.gz"
TIMES = defaultdict[tuple[str, int], list[int]]


@pytest.fixture(scope="module")
def recorded() -> list[Event]:
    return list(events.read(RECORDED))


@pytest.fixture(scope="module")
def probe(recorded: list[Event]) -> Probe:
    try:
        return replay(recorded, cpus=2)
    except NotBuilt as error:
        pytest.skip(str(error))


def of(recorded: list[Event], name: str) -> list[Event]:
    return [event for event in recorded if event.name == name]


def test_calls_are_counted_where_they_come_from_and_go_to(
    probe: Probe, recorded: list[Event]
) -> None:
    queued = of(recorded, "csd_queue_cpu")
    by_place = Counter((event.args[2], event.args[1], event.cpu) for event in queued)
    by_target = Counter((event.args[2], event.args[0]) for event in queued)
    assert {
        (one.function, one.call_site, one.cpu): one.call_count
        for one in SENT.of(probe)
        if one.call_count
    } == by_place
    assert {
        (one.function, one.cpu): one.asked_count
        for one in ASKED.of(probe)
        if one.purpose == "call" and one.asked_count
    } == by_target
    assert {event.args[2] for event in queued} == {"flush_tlb_func", "ipi_mb", "sched_ttwu_pending"}


def test_each_interrupt_has_its_function(probe: Probe, recorded: list[Event]) -> None:
    last: dict[tuple[int, int | str], int | str] = {}
    expected: Counter[tuple[str, int | str, int]] = Counter()
    for event in recorded:
        if event.name == "csd_queue_cpu":
            last[event.cpu, event.args[1]] = event.args[2]
        elif event.name == "ipi_send_cpu":
            target, callsite, callback = event.args
            purpose = "self" if target == event.cpu else "call" if callback else "reschedule"
            function = last[event.cpu, callsite] if purpose == "call" else callback
            expected[purpose, function, event.cpu] += 1
    found: Counter[tuple[str, int | str, int]] = Counter()
    for one in SENT.of(probe):
        found[one.purpose, one.function, one.cpu] += one.interrupt_count
    assert +found == expected
    assert expected["reschedule", "", 0] and expected["call", "sched_ttwu_pending", 0]


def test_waits_and_runs_are_the_events(probe: Probe, recorded: list[Event]) -> None:
    waits, runs = TIMES(list), TIMES(list)
    queued_ns: dict[int | str, int] = {}
    started_ns: dict[int, int] = {}
    together = 0
    for event in recorded:
        if event.name == "csd_queue_cpu":
            queued_ns[event.args[3]] = event.time_ns
        elif event.name == "csd_function_entry" and event.args[1]:
            function, csd, _, following = event.args
            others = [int(other, 16) for other in str(following).split()]
            together += len(others)
            for one in filter(queued_ns.get, (csd, *others)):
                waits[str(function), event.cpu].append(event.time_ns - queued_ns.pop(one))
            started_ns[event.cpu] = event.time_ns
        elif event.name == "csd_function_exit" and event.args[1]:
            taken_ns = event.time_ns - started_ns.pop(event.cpu)
            runs[str(event.args[0]), event.cpu].append(taken_ns)
    times = [one for one in ASKED.of(probe) if one.run.count]
    for part in times:
        for histogram, expected in ((part.latency, waits), (part.run, runs)):
            all_ns = expected[part.function, part.cpu]
            assert histogram.sum_ns == sum(all_ns)
            assert histogram.buckets == Counter(map(bucket_of, all_ns))
    assert {(one.function, one.cpu) for one in times} == runs.keys() >= waits.keys()
    assert together, "some runs are for several wakeups"


def test_nothing_is_lost_but_what_was_queued_before_the_recording(probe: Probe) -> None:
    losses = {reason: count for reason, count in probe.losses["ipi"].items() if count}
    assert losses.keys() <= {"entry_without_queue", "exit_without_entry"}
    assert sum(losses.values()) <= 2
