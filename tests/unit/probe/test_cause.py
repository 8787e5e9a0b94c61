"""Which interrupt a softirq or a work item follows from, by events: bpf/common.c, softirq.c,
workqueue.c and their reader."""

import pytest

from irqwatch.collectors.softirq import SoftirqTime
from irqwatch.collectors.work import UNKNOWN_VIA, WorkCause
from irqwatch.derive.causes import NO_INTERRUPT, causes
from irqwatch.model.snapshot import CountAndTime, Probe
from tests.events import Event
from tests.native.harness import Native, replay
from tests.native.sequence import (
    FLUSH,
    IDLE,
    IDLE_1,
    KSOFTIRQD,
    NET_RX,
    NIC,
    RCU,
    SCRUB,
    SHELL,
    TIMER,
    USB,
    WORKER,
    Line,
    Task,
    activate,
    end,
    irq_entry,
    irq_exit,
    queue,
    soft_entry,
    soft_exit,
    soft_raise,
    start,
    vector_entry,
    vector_exit,
)


def softirq_causes(probe: Probe) -> dict[tuple[str, str], tuple[int, int]]:
    """(interrupt, softirq) → count and ns; "" is none."""
    found = {}
    for part in probe.parts.get("hardirqs", ()):
        for vector, runs in part.softirqs.items():
            found[part.action, vector] = (runs.count, runs.ns)
    for own in probe.parts.get("vectors", ()):
        for vector, runs in own.softirqs.items():
            found[own.vector, vector] = (runs.count, runs.ns)
    for softirq in probe.parts.get("softirqs", ()):
        if softirq.uncaused.count:
            found["", softirq.vector] = (softirq.uncaused.count, softirq.uncaused.ns)
    return found


def work_causes(probe: Probe) -> dict[tuple[str, str, str], tuple[int, int]]:
    """(interrupt, via, function) → count and ns."""
    return {
        (part.cause, part.via, part.function): (part.runs.count, part.runs.ns)
        for part in probe.parts["work_causes"]
    }


def losses(probe: Probe) -> dict[str, int]:
    return {
        f"{collector}.{reason}": count
        for collector, reasons in probe.losses.items()
        for reason, count in reasons.items()
        if count
    }


def raised_by(line: Line, at_ns: int, vector: int = NET_RX) -> list[Event]:
    return [irq_entry(at_ns, line), soft_raise(at_ns + 1, vector), irq_exit(at_ns + 2, line)]


def run(at_ns: int, ns: int, vector: int = NET_RX, on: Task = IDLE) -> list[Event]:
    return [soft_entry(at_ns, vector, on), soft_exit(at_ns + ns, vector, on)]


# Of softirqs.


def test_the_line_that_raised_it(native: Native) -> None:
    native.feed([*raised_by(NIC, 100), *run(200, 40), *raised_by(NIC, 300), *run(400, 5)])
    probe = native.read()
    assert softirq_causes(probe) == {("eth0", "NET_RX"): (2, 45)}
    assert not losses(probe)


def test_the_vector_that_raised_it(native: Native) -> None:
    native.feed([vector_entry(100), soft_raise(110, TIMER), vector_exit(120), *run(200, 9, TIMER)])
    assert softirq_causes(native.read()) == {("local_timer", "TIMER"): (1, 9)}


def test_a_task_that_raised_it_is_no_cause(native: Native) -> None:
    native.feed([*raised_by(NIC, 100), *run(200, 40)])
    native.feed([soft_raise(300, on=SHELL), *run(400, 5, on=SHELL)])
    assert softirq_causes(native.read()) == {("eth0", "NET_RX"): (1, 40), ("", "NET_RX"): (1, 5)}


def test_a_run_whose_raise_was_not_seen_has_none(native: Native) -> None:
    native.feed([*raised_by(NIC, 100), *run(200, 40), *run(400, 5)])
    probe = native.read()
    assert softirq_causes(probe) == {("eth0", "NET_RX"): (1, 40), ("", "NET_RX"): (1, 5)}
    assert losses(probe) == {"softirq.entry_without_raise": 1}


def test_the_oldest_raise_is_the_cause(native: Native) -> None:
    native.feed([*raised_by(NIC, 100), *raised_by(USB, 110), *run(200, 40)])
    assert softirq_causes(native.read()) == {("eth0", "NET_RX"): (1, 40)}


def test_the_second_run_of_a_batch_has_the_later_raise(native: Native) -> None:
    """The kernel takes all bits off, then runs TIMER: what USB raises is for a new round."""
    native.feed([*raised_by(NIC, 100), soft_raise(150, TIMER, SHELL), soft_entry(200, TIMER)])
    native.feed([*raised_by(USB, 210), soft_exit(220, TIMER), *run(230, 40), *run(300, 7)])
    probe = native.read()
    assert softirq_causes(probe) == {
        ("eth0", "NET_RX"): (1, 40),
        ("usb3", "NET_RX"): (1, 7),
        ("", "TIMER"): (1, 18),  # without the 2 of USB
    }
    assert not losses(probe)


def test_what_a_softirq_raises_inherits_its_cause(native: Native) -> None:
    native.feed([*raised_by(NIC, 100), soft_entry(200), soft_raise(210, RCU), soft_exit(230)])
    native.feed([soft_entry(240, RCU), soft_raise(241, TIMER), soft_exit(250, RCU)])
    native.feed(run(260, 3, TIMER))
    assert softirq_causes(native.read()) == {
        ("eth0", "NET_RX"): (1, 30),
        ("eth0", "RCU"): (1, 10),
        ("eth0", "TIMER"): (1, 3),
    }


def test_what_an_uncaused_softirq_raises_is_uncaused(native: Native) -> None:
    native.feed([*raised_by(NIC, 100), *run(150, 10), soft_raise(190, on=SHELL)])
    native.feed([soft_entry(200), soft_raise(210, RCU), soft_exit(230), *run(240, 10, RCU)])
    found = softirq_causes(native.read())
    assert (found["", "NET_RX"], found["", "RCU"]) == ((1, 30), (1, 10))


def test_an_interrupt_inside_a_softirq_raises_for_itself(native: Native) -> None:
    native.feed([*raised_by(NIC, 100), soft_entry(200), *raised_by(USB, 210, RCU), soft_exit(230)])
    native.feed([soft_raise(235, TIMER, SHELL), *run(240, 10, RCU), *run(260, 1, TIMER)])
    assert softirq_causes(native.read()) == {
        ("eth0", "NET_RX"): (1, 28),
        ("usb3", "RCU"): (1, 10),
        ("", "TIMER"): (1, 1),
    }


def test_cpus_have_causes_of_their_own(native: Native) -> None:
    native.feed([irq_entry(100), soft_raise(101, on=IDLE_1), irq_exit(102)])
    native.feed(run(200, 5, on=IDLE_1))
    assert softirq_causes(native.read()) == {("", "NET_RX"): (1, 5)}


@pytest.mark.parametrize("call", range(8))
@pytest.mark.parametrize("outer", ["raise", "entry"])
def test_an_interrupt_that_comes_over_the_programs(native: Native, outer: str, call: int) -> None:
    """It may raise the same vector while the entry of the run before is being looked at."""
    inner = [irq_entry(205, USB), soft_raise(206), irq_exit(207, USB)]
    native.feed(raised_by(NIC, 100))
    for event in [soft_raise(150), soft_entry(200)]:
        interrupts = [(call, each) for each in inner]
        native.fire(event, interrupts if event.name.endswith(outer) else [])
    native.feed([soft_exit(300), *run(400, 5)])
    found = softirq_causes(native.read())
    assert found["eth0", "NET_RX"][0] == 1
    assert sum(count for count, _ in found.values()) == 2
    assert found.get(("usb3", "NET_RX"), found.get(("", "NET_RX"))) == (1, 5)


def test_where_the_map_is_full_it_is_lost_and_counted(native: Native) -> None:
    native.limit("hardirqs", 0)
    native.feed([*raised_by(NIC, 100), *run(200, 40)])
    probe = native.read()
    assert softirq_causes(probe) == {("", "NET_RX"): (1, 40)}
    assert losses(probe) == {"hardirq.map_full": 1, "softirq.cause_lost": 1}


def test_actions_of_one_name_count_together() -> None:
    again = Line(NIC.irq, USB.action, NIC.name)
    events = [*raised_by(NIC, 100), *run(200, 40), *raised_by(again, 300), *run(400, 5)]
    assert softirq_causes(replay(events, 1)) == {("eth0", "NET_RX"): (2, 45)}


def test_only_what_is_collected_is_a_cause() -> None:
    events = [*raised_by(NIC, 100), *run(200, 40)]
    events += [vector_entry(300), soft_raise(310), vector_exit(320), *run(400, 5)]
    by_collectors = {
        collectors: softirq_causes(replay(events, 1, collectors))
        for collectors in [("softirq",), ("softirq", "vector"), ("hardirq", "softirq")]
    }
    assert by_collectors == {
        ("softirq",): {("", "NET_RX"): (2, 45)},
        ("softirq", "vector"): {("local_timer", "NET_RX"): (1, 5), ("", "NET_RX"): (1, 40)},
        ("hardirq", "softirq"): {("eth0", "NET_RX"): (1, 40), ("", "NET_RX"): (1, 5)},
    }


# Of work.


def work(at_ns: int, ns: int) -> list[Event]:
    return [start(at_ns), end(at_ns + ns)]


def test_work_that_the_top_half_queued(native: Native) -> None:
    native.feed([irq_entry(100), queue(110, on=IDLE), activate(110, on=IDLE), irq_exit(120)])
    native.feed(work(200, 50))
    probe = native.read()
    assert probe.parts["work_causes"] == (
        WorkCause(34, "eth0", "", "flush", "events", 0, CountAndTime(1, 50)),
    )


def test_work_that_a_vector_queued(native: Native) -> None:
    native.feed([vector_entry(100), queue(110, on=IDLE), vector_exit(120), *work(200, 50)])
    assert native.read().parts["work_causes"] == (
        WorkCause(None, "local_timer", "", "flush", "events", 0, CountAndTime(1, 50)),
    )


def test_work_that_a_softirq_queued(native: Native) -> None:
    native.feed([*raised_by(NIC, 100), soft_entry(200), queue(210, on=IDLE), soft_exit(230)])
    native.feed([*work(300, 50), soft_raise(400, RCU, SHELL), soft_entry(410, RCU)])
    native.feed([queue(420, SCRUB, IDLE), soft_exit(430, RCU), start(500, SCRUB), end(507, SCRUB)])
    assert work_causes(native.read()) == {
        ("eth0", "NET_RX", "flush"): (1, 50),
        ("", "RCU", "scrub"): (1, 7),
    }


def test_work_that_a_task_queued(native: Native) -> None:
    native.feed([*raised_by(NIC, 10), *run(20, 5), queue(100), *work(200, 50)])
    assert work_causes(native.read()) == {("", "task", "flush"): (1, 50)}


def test_work_whose_queueing_was_not_seen(native: Native) -> None:
    native.feed(work(200, 50))
    (part,) = native.read().parts["work_causes"]
    assert (part.cause, part.workqueue, part.runs) == ("", "", CountAndTime(1, 50))


def test_queued_anew_while_it_is_pending(native: Native) -> None:
    """Of two queueings before two starts the first start has the first one's cause."""
    native.feed([irq_entry(100), queue(110, on=IDLE), irq_exit(120), queue(190)])
    native.feed([*work(200, 50), *work(300, 7)])
    assert work_causes(native.read()) == {
        ("eth0", "", "flush"): (1, 50),
        ("", "task", "flush"): (1, 7),
    }


def test_queued_anew_where_the_first_queueing_was_not_seen(native: Native) -> None:
    native.feed([queue(190), *work(200, 50), *work(300, 7)])
    probe = native.read()
    assert {(part.via, part.workqueue, part.runs.ns) for part in probe.parts["work_causes"]} == {
        ("task", "", 50),
        ("task", "events", 7),
    }
    assert {caused.via: caused.seconds for caused in causes(probe).of(*NO_INTERRUPT)} == {
        UNKNOWN_VIA: 50e-9,
        "task": 7e-9,
    }
    assert sum(part.run.sum_ns for part in probe.parts["works"]) == 57


def test_work_runs_where_it_runs(native: Native) -> None:
    there = Task(1, 801, "kworker/1:1")
    native.feed([irq_entry(100), queue(110, on=IDLE), irq_exit(120)])
    native.feed([start(200, on=there), end(250, on=there)])
    (part,) = native.read().parts["work_causes"]
    assert (part.irq, part.cpu) == (34, 1)


@pytest.mark.parametrize("limit", [0, 1])
def test_more_causes_than_there_is_room_for(native: Native, limit: int) -> None:
    native.limit("work_causes", limit)
    native.feed([queue(100), *work(200, 50), irq_entry(300), queue(310, on=IDLE), irq_exit(320)])
    native.feed(work(400, 7))
    probe = native.read()
    assert sum(part.runs.count for part in probe.parts["work_causes"]) == limit
    assert losses(probe) == {"work.cause_map_full": 2 - limit}
    assert [part.run.count for part in probe.parts["works"]] == [2]


@pytest.mark.parametrize("name", ["works", "work_cpus"])
def test_runs_that_are_lost_have_no_cause(native: Native, name: str) -> None:
    native.limit(name, 0)
    native.feed([*work(200, 50)])
    probe = native.read()
    assert native.entries("work_causes") == {}
    assert losses(probe) == {"work.end_map_full": 1}


def test_waiting_full_loses_the_cause(native: Native) -> None:
    native.limit("works_waiting", 0)
    native.feed([irq_entry(100), queue(110, FLUSH, IDLE), irq_exit(120), *work(200, 50)])
    probe = native.read()
    assert work_causes(probe) == {("", "task", "flush"): (1, 50)}
    assert losses(probe) == {"work.queue_map_full": 1}


# Where a softirq ran.


def only(probe: Probe) -> SoftirqTime:
    (softirq,) = probe.parts["softirqs"]
    return softirq


def test_right_after_an_interrupt(native: Native) -> None:
    native.feed([*raised_by(NIC, 10_000), *run(10_100, 50)])
    softirq = only(native.read())
    assert (softirq.interrupt_count, softirq.interrupt_ns) == (1, 50)


def test_in_a_task(native: Native) -> None:
    native.feed([*raised_by(NIC, 10_000), *run(10_100, 50)])
    native.feed([soft_raise(90_000, on=SHELL), *run(90_100, 7, on=SHELL)])
    softirq = only(native.read())
    assert (softirq.run.count, softirq.interrupt_count, softirq.interrupt_ns) == (2, 1, 50)


def test_in_ksoftirqd_whatever_came_before(native: Native) -> None:
    native.feed([*raised_by(NIC, 10_000), *run(10_100, 50, on=KSOFTIRQD)])
    softirq = only(native.read())
    assert (softirq.interrupt_count, softirq.ksoftirqd_count) == (0, 1)


def test_the_batch_of_an_interrupt_goes_on_long_after_it(native: Native) -> None:
    native.feed(
        [irq_entry(10_000), soft_raise(10_001, TIMER), soft_raise(10_002), irq_exit(10_003)]
    )
    native.feed([*run(10_100, 90_000, TIMER), *run(100_200, 5)])
    parts = {part.vector: part for part in native.read().parts["softirqs"]}
    assert (parts["TIMER"].interrupt_count, parts["NET_RX"].interrupt_ns) == (1, 5)
    assert not any(part.restarts for part in parts.values())


def test_an_interrupt_inside_the_batch_of_a_task_does_not_make_it_its_own(native: Native) -> None:
    native.feed([soft_raise(99_000, TIMER, SHELL), soft_raise(99_001, RCU, SHELL)])
    native.feed([soft_entry(99_100, TIMER), *raised_by(NIC, 99_200), soft_exit(99_300, TIMER)])
    native.feed(run(99_400, 10, RCU))
    assert not any(part.interrupt_count for part in native.read().parts["softirqs"])


def test_restarts(native: Native) -> None:
    """A vector that comes again, or one that is lower, begins another round of the batch."""
    native.feed([*raised_by(NIC, 10_000), soft_entry(10_100), soft_raise(10_110)])
    native.feed([soft_raise(10_120, RCU), soft_raise(10_130, TIMER), soft_exit(10_140)])
    native.feed([*run(10_150, 5, TIMER), *run(10_160, 5), *run(10_170, 5, RCU)])
    parts = {part.vector: part.restarts for part in native.read().parts["softirqs"]}
    assert parts == {"TIMER": 1, "NET_RX": 0, "RCU": 0}


def test_a_batch_of_its_own_is_no_restart(native: Native) -> None:
    native.feed([*raised_by(NIC, 10_000), *run(10_100, 5), *raised_by(NIC, 20_000)])
    native.feed([*run(20_100, 5), soft_raise(30_000, on=WORKER), *run(30_100, 5, on=WORKER)])
    assert only(native.read()).restarts == 0


def test_rounds_of_ksoftirqd_are_no_restarts(native: Native) -> None:
    native.feed([soft_raise(100), soft_entry(200, on=KSOFTIRQD), soft_raise(210, on=KSOFTIRQD)])
    native.feed([soft_exit(220, on=KSOFTIRQD), *run(230, 5, on=KSOFTIRQD)])
    assert only(native.read()).restarts == 0
