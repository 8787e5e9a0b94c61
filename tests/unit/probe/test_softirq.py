"""bpf/softirq.c, by events that a recording seldom has."""

import pytest

from irqwatch.collectors.softirq import SoftirqTime
from irqwatch.model.histogram import bucket_of
from irqwatch.model.snapshot import Probe
from tests.events import Event
from tests.native.build import KERNEL, build, compilers
from tests.native.harness import Native
from tests.native.sequence import (
    IDLE_1,
    KSOFTIRQD,
    NET_RX,
    RCU,
    SHELL,
    TIMER,
    USB,
    WORKER,
    Task,
    irq_entry,
    irq_exit,
    soft_entry,
    soft_exit,
    soft_raise,
)
from tests.oracle.reference import Reference


def only(probe: Probe) -> SoftirqTime:
    (softirq,) = probe.parts["softirqs"]
    return softirq


def losses(probe: Probe) -> dict[str, int]:
    return {reason: count for reason, count in probe.losses["softirq"].items() if count}


def served(raised_ns: int, entry_ns: int, exit_ns: int) -> list[Event]:
    return [soft_raise(raised_ns), soft_entry(entry_ns), soft_exit(exit_ns)]


def test_raise_entry_exit(native: Native) -> None:
    native.feed(served(1000, 1500, 4500))
    softirq = only(native.read())
    assert (softirq.vector, softirq.cpu) == ("NET_RX", 0)
    assert (softirq.latency.buckets, softirq.latency.sum_ns) == ({bucket_of(500): 1}, 500)
    assert (softirq.run.buckets, softirq.run.sum_ns) == ({bucket_of(3000): 1}, 3000)


def test_oldest_raise_wins(native: Native) -> None:
    native.feed([soft_raise(1000), soft_raise(8000), soft_entry(9000), soft_exit(9100)])
    native.feed(served(10_000, 10_001, 10_002))
    probe = native.read()
    assert only(probe).latency.sum_ns == 8000 + 1
    assert not losses(probe)


def test_raise_while_it_runs_is_for_the_next_run(native: Native) -> None:
    """A handler that has more to do than it may raises itself again (net_rx_action())."""
    native.feed([soft_raise(1000), soft_entry(2000), soft_raise(2500), soft_exit(3000)])
    native.feed([soft_entry(3100), soft_exit(3200)])
    probe = native.read()
    assert only(probe).latency.sum_ns == 1000 + 600
    assert not losses(probe)


def test_entry_without_raise_still_runs(native: Native) -> None:
    native.feed([soft_entry(2000), soft_exit(2600)])
    probe = native.read()
    assert (only(probe).latency.count, only(probe).run.sum_ns) == (0, 600)
    assert losses(probe) == {"entry_without_raise": 1}


def test_exit_without_entry(native: Native) -> None:
    native.feed([soft_exit(2600)])
    assert losses(native.read()) == {"exit_without_entry": 1}


def test_exit_of_another_vector(native: Native) -> None:
    native.feed([soft_raise(1000), soft_entry(2000), soft_exit(2100, RCU), soft_exit(2500)])
    probe = native.read()
    assert only(probe).run.sum_ns == 500
    assert losses(probe) == {"exit_without_entry": 1}


def test_entry_twice(native: Native) -> None:
    native.feed([soft_raise(1000), soft_entry(2000), soft_raise(2500)])
    native.feed([soft_entry(3000), soft_exit(3100), soft_exit(3500)])
    probe = native.read()
    assert only(probe).run.sum_ns == 100
    assert losses(probe) == {"entry_overwritten": 1, "exit_without_entry": 1}


@pytest.mark.parametrize("vector", [10, 63, (1 << 64) - 1])
def test_unknown_vector(native: Native, vector: int) -> None:
    native.feed([soft_raise(1, vector), soft_entry(2, vector), soft_exit(3, vector)])
    probe = native.read()
    assert probe.parts["softirqs"] == ()
    assert losses(probe) == {"unknown_raise": 1, "unknown_entry": 1, "exit_without_entry": 1}


def test_all_known_vectors_are_apart(native: Native) -> None:
    for vector in range(10):
        native.feed([soft_raise(100, vector), soft_entry(200, vector)])
        native.feed([soft_exit(201 + vector, vector)])
    assert [softirq.run.sum_ns for softirq in native.read().parts["softirqs"]] == list(range(1, 11))


def test_cpus_are_apart(native: Native) -> None:
    native.feed([soft_raise(1000), soft_entry(1300, on=IDLE_1)])
    native.feed([soft_entry(2000), soft_exit(2200), soft_exit(2300, on=IDLE_1)])
    probe = native.read()
    assert {s.cpu: (s.latency.sum_ns, s.run.sum_ns) for s in probe.parts["softirqs"]} == {
        0: (1000, 200),
        1: (0, 1000),
    }
    assert losses(probe) == {"entry_without_raise": 1}


def test_cpu_beyond_the_map(native: Native) -> None:
    native.reset(cpus=1)
    native.feed([soft_raise(1, on=IDLE_1), soft_entry(2, on=IDLE_1), soft_exit(3, on=IDLE_1)])
    native.feed(served(10, 20, 30))
    probe = native.read()
    assert only(probe).cpu == 0
    assert not losses(probe)


def test_clock_that_goes_back(native: Native) -> None:
    native.feed(served(3000, 2000, 1000))
    softirq = only(native.read())
    assert (softirq.latency.buckets, softirq.latency.sum_ns) == ({0: 1}, 0)
    assert (softirq.run.buckets, softirq.run.sum_ns) == ({0: 1}, 0)


# Exclusive time.


def test_hardirqs_inside_are_not_its_time(native: Native) -> None:
    native.feed([soft_raise(900), soft_entry(1000)])
    native.feed([irq_entry(2000), irq_exit(2300), irq_entry(3000, USB), irq_exit(3050, USB, ret=0)])
    native.feed([soft_exit(5000)])
    assert only(native.read()).run.sum_ns == 4000 - 300 - 50


def test_hardirqs_before_and_after_are_no_matter(native: Native) -> None:
    native.feed([irq_entry(100), soft_raise(150), irq_exit(200), soft_entry(1000)])
    native.feed([soft_exit(1500), irq_entry(1600), irq_exit(1900)])
    native.feed(served(2000, 2100, 2200))
    assert only(native.read()).run.sum_ns == 500 + 100


def test_hardirqs_on_another_cpu_are_no_matter(native: Native) -> None:
    native.feed([soft_raise(900), soft_entry(1000), irq_entry(1100, on=IDLE_1)])
    native.feed([irq_exit(1900, on=IDLE_1), soft_exit(2000)])
    assert only(native.read()).run.sum_ns == 1000


def test_hardirq_that_no_map_could_hold_is_taken_off_all_the_same(native: Native) -> None:
    native.limit("hardirqs", 0)
    native.feed([soft_raise(900), soft_entry(1000), irq_entry(1200), irq_exit(1900)])
    native.feed([soft_exit(2000)])
    assert only(native.read()).run.sum_ns == 300


def test_exclusive_time_is_never_below_zero(native: Native) -> None:
    native.feed([soft_raise(900), soft_entry(1000), irq_entry(1200), irq_exit(1900)])
    native.feed([soft_exit(1100)])
    assert only(native.read()).run.sum_ns == 0


@pytest.mark.parametrize("call", range(6))
def test_hardirq_that_interrupts_the_program_for_the_exit(native: Native, call: int) -> None:
    """Wherever in the program it comes, its 500 ns are not the softirq's."""
    native.feed([soft_raise(900), soft_entry(1000)])
    native.fire(soft_exit(2000), [(call, irq_entry(2000)), (call, irq_exit(2500))])
    probe = native.read()
    assert only(probe).run.sum_ns == 1000
    assert probe.parts["hardirqs"][0].handled.sum_ns == 500


@pytest.mark.parametrize("call", range(6))
def test_hardirq_that_interrupts_the_program_for_the_entry(native: Native, call: int) -> None:
    native.fire(soft_raise(900))
    native.fire(soft_entry(1000), [(call, irq_entry(1000)), (call, irq_exit(1500))])
    native.fire(soft_exit(2500))
    run_ns = only(native.read()).run.sum_ns
    assert run_ns == 1000


@pytest.mark.parametrize("call", range(6))
def test_raise_that_interrupts_any_program_is_not_lost(native: Native, call: int) -> None:
    for event in served(1000, 2000, 3000):
        native.fire(event, [(call, soft_raise(event.time_ns, RCU)), (call, irq_entry(5, USB))])
    native.feed([soft_entry(4000, RCU), soft_exit(4100, RCU)])
    probe = native.read()
    assert {s.vector: s.run.count for s in probe.parts["softirqs"]} == {"NET_RX": 1, "RCU": 1}
    assert not losses(probe)


# Where it ran, and the worst.


@pytest.mark.parametrize(
    ("task", "counted"),
    [
        (KSOFTIRQD, 1),
        (SHELL, 0),
        (WORKER, 0),
        (Task(0, 900, "ksoftirqd/0", is_kthread=False), 0),
        (Task(0, 901, "ksoftirq", is_kthread=True), 0),
    ],
    ids=lambda value: value.comm if isinstance(value, Task) else "",
)
def test_ksoftirqd_is_told_from_who_calls_itself_so(
    native: Native, task: Task, counted: int
) -> None:
    native.feed([soft_raise(100), soft_entry(200, on=task), soft_exit(500, on=task)])
    softirq = only(native.read())
    assert (softirq.ksoftirqd_count, softirq.ksoftirqd_ns) == (counted, 300 * counted)


def test_ksoftirqd_in_turn_with_others(native: Native) -> None:
    for at_ns, task in enumerate([KSOFTIRQD, SHELL, KSOFTIRQD, KSOFTIRQD, SHELL], 1):
        native.feed([soft_entry(at_ns * 100, on=task), soft_exit(at_ns * 100 + 10, on=task)])
    softirq = only(native.read())
    assert (softirq.run.count, softirq.ksoftirqd_count, softirq.ksoftirqd_ns) == (5, 3, 30)


def test_ksoftirqd_time_is_exclusive_too(native: Native) -> None:
    native.feed([soft_raise(100), soft_entry(200, on=KSOFTIRQD), irq_entry(250, on=KSOFTIRQD)])
    native.feed([irq_exit(290, on=KSOFTIRQD), soft_exit(500, on=KSOFTIRQD)])
    assert only(native.read()).ksoftirqd_ns == 260


def test_worst_latency_and_worst_run_have_their_own_story(native: Native) -> None:
    native.feed([soft_raise(100), soft_entry(5100, on=SHELL), soft_exit(5200, on=SHELL)])
    native.feed([soft_raise(6000), soft_entry(6001), soft_exit(9001)])
    softirq = only(native.read())
    assert softirq.worst_latency and softirq.worst_run
    latency, run = softirq.worst_latency, softirq.worst_run
    assert (latency.ns, latency.at_ns, latency.pid, latency.comm) == (5000, 5100, 700, "bash")
    assert (run.ns, run.at_ns, run.pid, run.comm) == (3000, 9001, 0, "swapper/0")


def test_worst_run_excludes_hardirqs(native: Native) -> None:
    native.feed([soft_raise(1), soft_entry(1000), irq_entry(1100), irq_exit(1900), soft_exit(2000)])
    worst = only(native.read()).worst_run
    assert worst and worst.ns == 200


def test_raise_between_the_start_of_a_round_and_the_entry(native: Native) -> None:
    """The kernel clears all pending bits and then runs one vector after the other: a raise in
    between is for the next round."""
    native.feed([soft_raise(100, TIMER), soft_raise(100, NET_RX), soft_entry(200, TIMER)])
    native.feed([soft_raise(300, NET_RX), soft_exit(400, TIMER), soft_entry(400, NET_RX)])
    native.feed([soft_exit(500, NET_RX), soft_entry(510, NET_RX), soft_exit(520, NET_RX)])
    probe = native.read()
    assert {s.vector: (s.latency.count, s.latency.sum_ns) for s in probe.parts["softirqs"]} == {
        "TIMER": (1, 100),
        "NET_RX": (2, 300 + 210),
    }
    assert not losses(probe)


def test_one_more_raise_of_a_vector_that_waits_leaves_nothing_behind(native: Native) -> None:
    """Both raises are for the same run: the second must not be taken for a later run's."""
    native.feed([soft_raise(100, TIMER), soft_entry(200, TIMER), soft_raise(250), soft_raise(300)])
    native.feed([soft_exit(400, TIMER), soft_entry(450), soft_exit(500)])
    native.feed(served(9000, 9100, 9200))
    probe = native.read()
    assert (
        sum(s.latency.sum_ns for s in probe.parts["softirqs"] if s.vector == "NET_RX") == 200 + 100
    )
    assert not losses(probe)


def test_a_raise_that_went_with_an_earlier_run_is_not_taken_for_one_that_was_not_seen(
    native: Native,
) -> None:
    """NET_RX raised twice and run once; batches later it runs without a raise that was seen."""
    native.feed([soft_raise(100), soft_raise(110), soft_entry(200), soft_exit(300)])
    for at in (1_000, 2_000, 3_000):
        native.feed([soft_raise(at, TIMER), soft_entry(at + 10, TIMER), soft_exit(at + 20, TIMER)])
    native.feed([soft_entry(1_000_000_000), soft_exit(1_000_000_100)])

    probe = native.read()
    (net_rx,) = [part for part in probe.parts["softirqs"] if part.vector == "NET_RX"]
    assert (net_rx.latency.count, net_rx.latency.sum_ns) == (1, 100)
    assert probe.losses["softirq"]["entry_without_raise"] == 1


# On PREEMPT_RT without a lock for it, softirqs of several tasks are open on a CPU.

A, B, C = Task(0, 41, "irq/41-a"), Task(0, 42, "irq/42-b"), Task(0, 43, "irq/43-c")

TWO_TASKS = [
    soft_raise(900, TIMER),
    soft_entry(1000, TIMER, on=A),
    soft_raise(1100, NET_RX),
    soft_entry(1200, NET_RX, on=B),
    irq_entry(1300, on=B),
    irq_exit(1400, on=B),
    soft_exit(1500, NET_RX, on=B),
    soft_exit(2000, TIMER, on=A),
]
SAME_VECTOR_AND_CROSSED = [
    soft_raise(900, TIMER),
    soft_entry(1000, TIMER, on=A),
    soft_raise(1100, TIMER),
    soft_entry(1200, TIMER, on=B),
    soft_raise(1250, RCU),
    soft_entry(1300, RCU, on=C),
    soft_exit(1400, TIMER, on=A),
    soft_exit(1600, RCU, on=C),
    soft_exit(2000, TIMER, on=B),
]


@pytest.mark.skipif(not compilers(), reason="there is no C compiler here (gcc or clang)")
@pytest.mark.parametrize("events", [TWO_TASKS, SAME_VECTOR_AND_CROSSED], ids=["nested", "crossed"])
def test_softirqs_of_several_tasks_at_once(events: list[Event]) -> None:
    program = build("replay.c", compilers()[0], kernel={**KERNEL, "KERNEL_IS_RT": 1})
    with Native(cpus=1, program=program) as native:
        native.feed(events)
        probe = native.read()
    reference = Reference(is_rt=True).feed(events)
    expected = {
        (what[1], what[3]): sum(span.ns for span in spans)
        for what, spans in reference.series.items()
        if what[0] == "softirq"
    }
    found = {}
    for part in probe.parts["softirqs"]:
        found[part.vector, "latency"] = part.latency.sum_ns
        found[part.vector, "run"] = part.run.sum_ns
    assert found == {key: ns for key, ns in expected.items() if key in found}
    assert expected.keys() >= found.keys()
    assert losses(probe) == {} == dict(reference.losses)


@pytest.mark.skipif(not compilers(), reason="there is no C compiler here (gcc or clang)")
def test_what_one_task_leaves_open_there_too() -> None:
    program = build("replay.c", compilers()[0], kernel={**KERNEL, "KERNEL_IS_RT": 1})
    with Native(cpus=1, program=program) as native:
        native.feed([soft_raise(900), soft_entry(1000, on=A), soft_raise(1100)])
        native.feed([soft_entry(1200, on=A), soft_exit(1300, on=B), soft_exit(1500, on=A)])
        probe = native.read()
    assert losses(probe) == {"entry_overwritten": 1, "exit_without_entry": 1}
    assert only(probe).run.sum_ns == 300
