"""bpf/ipi.c: who interrupts which CPU, what for, and how long what was asked for waits and runs."""

from typing import NamedTuple

import pytest

from irqwatch.collectors.ipi import ASKED, SENT, IpiSent
from irqwatch.model.snapshot import Worst
from tests.native import build
from tests.native.harness import Native
from tests.native.sequence import (
    CALL_FUNCTION,
    CSD,
    CSD_ASYNC,
    CSD_IRQ_WORK,
    CSD_UNLOCKED,
    CSD_WAKEUP,
    IDLE,
    IDLE_1,
    SHELL,
    csd_entry,
    csd_exit,
    csd_queue,
    ipi_send,
    ipi_send_all,
)

OTHER = CSD + 0x1000


class Ran(NamedTuple):
    """What was timed on a CPU."""

    function: str
    cpu: int
    latencies: int
    latency_ns: int
    runs: int
    run_ns: int


def sent(native: Native) -> list[IpiSent]:
    return list(SENT.of(native.read()))


def asked(native: Native) -> dict[tuple[str, str, int], int]:
    return {
        (part.purpose, part.function, part.cpu): part.asked_count
        for part in ASKED.of(native.read())
        if part.asked_count
    }


def ran(native: Native) -> list[Ran]:
    return [
        Ran(
            part.function,
            part.cpu,
            part.latency.count,
            part.latency.sum_ns,
            part.run.count,
            part.run.sum_ns,
        )
        for part in ASKED.of(native.read())
        if part.latency.count or part.run.count
    ]


def losses(native: Native) -> dict[str, int]:
    return {reason: count for reason, count in native.read().losses["ipi"].items() if count}


def test_a_call_from_queue_to_end(native: Native) -> None:
    native.feed([csd_queue(1000), ipi_send(1100), csd_entry(4000), csd_exit(4500)])
    assert sent(native) == [IpiSent("call", "flush_tlb", "on_each_cpu", 0, 1, 1)]
    assert asked(native) == {("call", "flush_tlb", 1): 1}
    assert ran(native) == [Ran("flush_tlb", 1, 1, 3000, 1, 500)]
    assert losses(native) == {}
    assert native.entries("ipi_calls") == {}


def test_a_call_without_an_interrupt(native: Native) -> None:
    """The target's queue was not empty, or it polls."""
    native.feed([csd_queue(1000), csd_entry(1500), csd_exit(1700)])
    assert sent(native) == [IpiSent("call", "flush_tlb", "on_each_cpu", 0, 1, 0)]


def test_functions_call_sites_and_senders_are_apart(native: Native) -> None:
    native.feed([csd_queue(1000), ipi_send(1001)])
    native.feed([csd_queue(2000, function="stop"), ipi_send(2001)])
    native.feed([csd_queue(3000, callsite="kick"), ipi_send(3001, callsite="kick")])
    native.feed([csd_queue(4000, to=0, on=IDLE_1), ipi_send(4001, to=0, on=IDLE_1)])
    assert sent(native) == [
        IpiSent("call", "flush_tlb", "kick", 0, 1, 1),
        IpiSent("call", "flush_tlb", "on_each_cpu", 0, 1, 1),
        IpiSent("call", "flush_tlb", "on_each_cpu", 1, 1, 1),
        IpiSent("call", "stop", "on_each_cpu", 0, 1, 1),
    ]
    assert asked(native) == {
        ("call", "flush_tlb", 0): 1,
        ("call", "flush_tlb", 1): 2,
        ("call", "stop", 1): 1,
    }


def test_one_interrupt_for_each_target_of_a_mask(
    native: Native, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets = [*range(1, 64), 64, 65, 127, 128, 129]
    monkeypatch.setitem(build.LIMITS, "CPU_IDS", 130)
    with Native(cpus=2, program=build.build("replay.c", build.compilers()[0])) as wide:
        wide.feed([csd_queue(1000 + cpu, cpu, csd=CSD + 64 * cpu) for cpu in targets])
        wide.feed([ipi_send_all(2000, targets)])
        assert sent(wide) == [
            IpiSent("call", "flush_tlb", "on_each_cpu", 0, len(targets), len(targets))
        ]
        assert asked(wide) == {("call", "flush_tlb", cpu): 1 for cpu in targets}


def test_a_mask_that_cannot_be_read(native: Native) -> None:
    native.feed([csd_queue(1000)])
    native.maps.send("event", 1001, "ipi_send_cpumask", 0x1234, 0, 1)
    assert losses(native) == {"mask_unreadable": 1}


def test_a_reschedule(native: Native) -> None:
    native.feed([ipi_send(1000, 1, "", callsite="try_to_wake_up"), ipi_send(2000, 0, "", IDLE_1)])
    assert sent(native) == [
        IpiSent("reschedule", "", "on_each_cpu", 1, 0, 1),
        IpiSent("reschedule", "", "try_to_wake_up", 0, 0, 1),
    ]
    assert asked(native) == {("reschedule", "", 0): 1, ("reschedule", "", 1): 1}


def test_an_interrupt_to_itself_is_for_an_irq_work(native: Native) -> None:
    native.feed([ipi_send(1000, 0, "perf_pending_irq", callsite="irq_work_queue")])
    assert sent(native) == [IpiSent("self", "perf_pending_irq", "irq_work_queue", 0, 0, 1)]
    assert asked(native) == {("self", "perf_pending_irq", 0): 1}


def test_the_function_is_known_for_one_interrupt_only(native: Native) -> None:
    """The second is for something that was not seen to be queued."""
    native.feed([csd_queue(1000), ipi_send(1001), ipi_send(1002)])
    assert sent(native) == [
        IpiSent("call", "flush_tlb", "on_each_cpu", 0, 1, 1),
        IpiSent("call", CALL_FUNCTION, "on_each_cpu", 0, 0, 1),
    ]


def test_an_interrupt_from_another_call_site_is_not_for_what_was_queued_last(
    native: Native,
) -> None:
    native.feed([csd_queue(1000), ipi_send(1001, callsite="kick")])
    assert sent(native) == [
        IpiSent("call", "flush_tlb", "on_each_cpu", 0, 1, 0),
        IpiSent("call", CALL_FUNCTION, "kick", 0, 0, 1),
    ]


def test_an_interrupt_that_queues_between_a_call_and_its_interrupt(native: Native) -> None:
    """The inner one is known, the outer one is not taken for it."""
    native.feed([csd_queue(1000), csd_queue(1010, 1, "wake", callsite="ttwu", csd=OTHER)])
    native.feed([ipi_send(1011, callsite="ttwu"), ipi_send(1020)])
    assert [(s.function, s.call_count, s.interrupt_count) for s in sent(native)] == [
        ("flush_tlb", 1, 0),
        (CALL_FUNCTION, 0, 1),
        ("wake", 1, 1),
    ]


@pytest.mark.parametrize("call", range(12))
def test_a_wakeup_that_interrupts_the_program_for_the_call(native: Native, call: int) -> None:
    """Of the inner call nothing can be seen where the program is busy; its interrupt is not taken
    for the outer one's."""
    inner = [
        (call, csd_queue(1000, 1, "wake", callsite="ttwu", csd=OTHER)),
        (call, ipi_send(1000, callsite="ttwu")),
    ]
    native.fire(csd_queue(1000), inner)
    native.feed([ipi_send(1100)])
    by_function = {s.function: (s.call_count, s.interrupt_count) for s in sent(native)}
    assert by_function.pop("flush_tlb", None) in ((1, 1), None)
    assert by_function in ({CALL_FUNCTION: (0, 1)}, {"wake": (1, 1), CALL_FUNCTION: (0, 1)})


def test_a_function_that_a_cpu_calls_on_itself(native: Native) -> None:
    native.feed([csd_entry(1000, csd=0), csd_exit(1100, csd=0)])
    assert ASKED.of(native.read()) == ()
    native.feed([csd_queue(2000), csd_entry(2500), csd_exit(2600)])
    assert ran(native) == [Ran("flush_tlb", 1, 1, 500, 1, 100)]
    assert losses(native) == {}


def test_an_irq_work_on_another_cpu_is_counted_and_waits_for_no_run(native: Native) -> None:
    native.feed([csd_queue(1000, flags=CSD_IRQ_WORK), ipi_send(1001)])
    assert sent(native) == [IpiSent("call", "flush_tlb", "on_each_cpu", 0, 1, 1)]
    assert native.entries("ipi_calls") == {}


def test_tasks_that_are_woken_by_one_run_have_each_waited(native: Native) -> None:
    native.feed([csd_queue(1000, function="wake", csd=CSD, flags=CSD_WAKEUP)])
    native.feed([csd_queue(1600, function="wake", csd=OTHER, flags=CSD_WAKEUP)])
    native.feed(
        [csd_entry(2000, "wake", flags=CSD_WAKEUP, following=[OTHER]), csd_exit(2100, "wake")]
    )
    assert ran(native) == [Ran("wake", 1, 2, 1000 + 400, 1, 100)]
    assert (native.entries("ipi_calls"), losses(native)) == ({}, {})


def test_more_tasks_than_are_timed(native: Native) -> None:
    csds = [CSD + 0x1000 * n for n in range(33)]
    native.feed([csd_queue(1000, function="wake", csd=csd, flags=CSD_WAKEUP) for csd in csds])
    native.feed([csd_entry(2000, "wake", flags=CSD_WAKEUP, following=csds[1:])])
    assert ran(native)[0].latencies == 32
    assert losses(native) == {"entry_batch_too_long": 1}
    assert len(native.entries("ipi_calls")) == 1


def test_a_call_that_nobody_waits_for(native: Native) -> None:
    """It is unlocked before it runs."""
    native.feed([csd_queue(1000, flags=CSD_ASYNC), csd_entry(1500, flags=CSD_UNLOCKED)])
    assert ran(native) == [Ran("flush_tlb", 1, 1, 500, 0, 0)]


def test_a_call_that_is_queued_again_before_its_run_is_traced(native: Native) -> None:
    """The first one's time is gone; the second one has its own."""
    native.feed([csd_queue(1000, flags=CSD_ASYNC), csd_queue(1490, flags=CSD_ASYNC)])
    native.feed([csd_entry(1500, flags=CSD_ASYNC), csd_exit(1550)])
    native.feed([csd_entry(1600, flags=CSD_UNLOCKED), csd_exit(1650)])
    assert ran(native) == [Ran("flush_tlb", 1, 1, 110, 2, 100)]
    assert losses(native) == {"entry_queued_again": 1}


def test_a_run_of_what_was_not_seen_to_be_queued(native: Native) -> None:
    native.feed([csd_entry(1000), csd_exit(1100)])
    assert ran(native) == [Ran("flush_tlb", 1, 0, 0, 1, 100)]
    assert losses(native) == {"entry_without_queue": 1}


def test_an_entry_twice_and_exits_without_one(native: Native) -> None:
    native.feed([csd_exit(500), csd_queue(900), csd_entry(1000), csd_queue(1900), csd_entry(2000)])
    native.feed([csd_exit(2050, "stop"), csd_exit(2100), csd_exit(2200)])
    assert ran(native) == [Ran("flush_tlb", 1, 2, 200, 1, 100)]
    assert losses(native) == {"entry_overwritten": 1, "exit_without_entry": 3}


def test_a_clock_that_goes_back(native: Native) -> None:
    native.feed([csd_queue(2000), csd_entry(1990), csd_exit(1980)])
    assert ran(native) == [Ran("flush_tlb", 1, 1, 0, 1, 0)]


@pytest.mark.parametrize(
    ("full", "expected"),
    [
        ("ipi_sends", {"queue_send_map_full": 1, "cpu_send_map_full": 2}),
        ("ipi_targets", {"queue_target_map_full": 1, "cpu_target_map_full": 1}),
        ("ipi_runs", {"entry_map_full": 1, "exit_map_full": 1}),
        ("ipi_calls", {"queue_map_full": 1, "entry_without_queue": 1}),
    ],
)
def test_full_maps(native: Native, full: str, expected: dict[str, int]) -> None:
    native.limit(full, 0)
    native.feed([csd_queue(1000), ipi_send(1001), ipi_send(1002, 1, ""), csd_entry(1500)])
    native.feed([csd_exit(1600)])
    assert losses(native) == expected
    assert native.entries(full) == {}


def test_a_mask_and_a_full_map(native: Native) -> None:
    native.limit("ipi_sends", 0)
    native.feed([ipi_send_all(1000, [1, 2, 3])])
    assert losses(native) == {"mask_send_map_full": 3}


def test_the_worst_have_their_stories_and_are_of_their_interval(native: Native) -> None:
    native.feed([csd_queue(1000, to=0, on=IDLE_1), csd_entry(5000, on=SHELL)])
    native.feed([csd_exit(5700, on=SHELL), csd_queue(6000, to=0, on=IDLE_1)])
    native.feed([csd_entry(6001, on=IDLE), csd_exit(6002, on=IDLE)])
    (part,) = ASKED.of(native.read())
    assert part.worst_latency == Worst(4000, 5000, 0, SHELL.pid, SHELL.comm)
    assert part.worst_run == Worst(700, 5700, 0, SHELL.pid, SHELL.comm)
    (part,) = ASKED.of(native.read())
    assert (part.worst_latency, part.worst_run) == (None, None)
