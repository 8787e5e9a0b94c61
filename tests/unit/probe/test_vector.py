"""bpf/vector.c, by events: how long the architecture's own interrupts take, and from whom."""

import pytest

from irqwatch.collectors import interrupt
from irqwatch.collectors.vector import X86, VectorTime
from irqwatch.model.histogram import bucket_of
from irqwatch.model.snapshot import Probe
from tests.events import X86_VECTORS as RECORDED
from tests.events import Event
from tests.native.harness import Native, replay
from tests.native.sequence import (
    IDLE_1,
    SHELL,
    VECTORS,
    ipi_entry,
    ipi_exit,
    irq_entry,
    irq_exit,
    soft_entry,
    soft_exit,
    soft_raise,
    vector_entry,
    vector_exit,
)


def only(probe: Probe) -> VectorTime:
    (vector,) = probe.parts["vectors"]
    return vector


def losses(probe: Probe) -> dict[str, int]:
    return {
        f"{collector}.{reason}": count
        for collector, reasons in probe.losses.items()
        for reason, count in reasons.items()
        if count
    }


def ran_ns(probe: Probe) -> int:
    (softirq,) = probe.parts["softirqs"]
    return softirq.run.sum_ns


def test_pair(native: Native) -> None:
    native.feed([vector_entry(1000), vector_exit(1700)])
    vector = only(native.read())
    assert (vector.vector, vector.cpu, vector.nested) == ("local_timer", 0, False)
    assert (vector.run.buckets, vector.run.sum_ns) == ({bucket_of(700): 1}, 700)


def test_vectors_and_cpus_are_apart(native: Native) -> None:
    native.feed([vector_entry(1000), vector_exit(1700)])
    native.feed([vector_entry(2000, "reschedule"), vector_exit(2020, "reschedule")])
    native.feed([vector_entry(2000, on=IDLE_1), vector_exit(2003, on=IDLE_1)])
    found = {(part.vector, part.cpu): part.run.sum_ns for part in native.read().parts["vectors"]}
    assert found == {("local_timer", 0): 700, ("reschedule", 0): 20, ("local_timer", 1): 3}


def test_a_vector_is_no_line_and_a_line_no_vector(native: Native) -> None:
    native.feed([vector_entry(1000), vector_exit(1700), irq_entry(2000), irq_exit(2500)])
    probe = native.read()
    assert [part.irq for part in probe.parts["hardirqs"]] == [34]
    assert only(probe).run.sum_ns == 700


def test_the_worst_has_its_story(native: Native) -> None:
    for start_ns, end_ns in ((1000, 1100), (2000, 2900)):
        native.feed([vector_entry(start_ns, on=SHELL), vector_exit(end_ns, on=SHELL)])
    worst = only(native.read()).worst
    assert worst and (worst.ns, worst.at_ns, worst.pid, worst.comm) == (900, 2900, 700, "bash")


def test_its_time_is_not_the_softirqs(native: Native) -> None:
    native.feed([soft_raise(90), soft_entry(100), vector_entry(120), vector_exit(150)])
    native.feed([irq_entry(160), irq_exit(170), soft_exit(200)])
    assert ran_ns(native.read()) == 60


@pytest.mark.parametrize("call", range(6))
def test_one_that_interrupts_the_program_for_the_entry(native: Native, call: int) -> None:
    native.fire(soft_raise(900))
    native.fire(soft_entry(1000), [(call, vector_entry(1000)), (call, vector_exit(1500))])
    native.fire(soft_exit(2500))
    assert ran_ns(native.read()) == 1000


def test_without_the_collector_a_softirq_has_the_time_that_it_had() -> None:
    events = [soft_raise(90), soft_entry(100), vector_entry(120), vector_exit(150), soft_exit(200)]
    assert ran_ns(replay(events, 1, ["hardirq", "softirq"])) == 100


@pytest.mark.parametrize(
    ("events", "lost"),
    [
        ([vector_exit(5)], "vector.exit_without_entry"),
        ([vector_entry(1), vector_exit(5, "reschedule")], "vector.exit_without_entry"),
        ([vector_entry(1), vector_entry(2), vector_exit(5)], "vector.entry_overwritten"),
        ([irq_entry(1), vector_entry(2), vector_exit(5)], "vector.entry_overwritten"),
        ([vector_entry(1), irq_entry(2), irq_exit(5)], "hardirq.entry_overwritten"),
        ([ipi_exit(5)], "vector.exit_without_entry"),
        ([ipi_entry(1), ipi_entry(2), ipi_exit(5)], "vector.entry_overwritten"),
    ],
)
def test_what_does_not_fit_is_counted(native: Native, events: list[Event], lost: str) -> None:
    native.feed(events)
    assert losses(native.read()) == {lost: 1}


def test_map_full(native: Native) -> None:
    native.limit("hardirqs", 1)
    native.feed([irq_entry(1), irq_exit(2), vector_entry(3), vector_exit(5)])
    probe = native.read()
    assert (probe.parts["vectors"], losses(probe)) == ((), {"vector.map_full": 1})


def test_an_ipi_is_inside_its_line_and_has_its_reason(native: Native) -> None:
    reason = "Function call interrupts"
    inner = ipi_entry(150, reason), ipi_exit(180, reason)
    native.feed([irq_entry(100), *inner, irq_exit(200)])
    probe = native.read()
    ipi = only(probe)
    assert (ipi.vector, ipi.run.sum_ns, ipi.nested) == (reason, 30, True)
    assert [part.handled.sum_ns for part in probe.parts["hardirqs"]] == [100]
    assert not losses(probe)


def test_an_ipi_takes_time_from_a_softirq_once(native: Native) -> None:
    native.feed([soft_raise(90), soft_entry(100), irq_entry(110), ipi_entry(120)])
    native.feed([ipi_exit(140), irq_exit(160), soft_exit(200)])
    assert ran_ns(native.read()) == 50


def test_a_line_that_is_gone_takes_no_vector_along(native: Native) -> None:
    native.feed([irq_entry(1), irq_exit(2), vector_entry(3), vector_exit(5)])
    native.feed([ipi_entry(7), ipi_exit(8)])
    native.forget_lines(lambda irq, action: True)
    probe = native.read()
    assert not probe.parts["hardirqs"]
    assert len(probe.parts["vectors"]) == 2


def test_numbers_are_those_of_the_tracepoints() -> None:
    assert {interrupt.X86_VECTORS[number]: number for number in VECTORS.values()} == VECTORS
    assert set(interrupt.X86_VECTORS.values()) == set(X86) == set(RECORDED)


def test_a_number_without_a_name_is_shown() -> None:
    assert interrupt.vector_of(0, 0x20, "") == "vector_0x20"
    assert interrupt.vector_of(0xA1000, 0x20, "eth0") is None
