"""bpf/thread.c: wakes, runs, and what is inside them."""

import struct

import pytest

from irqwatch.collectors.thread import ThreadTime
from irqwatch.model.snapshot import NEVER, CountAndTime, Probe
from tests.native.build import OLD_KERNEL, build, compilers
from tests.native.harness import Native
from tests.native.sequence import (
    DEAD,
    IDLE,
    IDLE_1,
    INTERRUPTIBLE,
    NET_RX,
    NIC,
    NIC_THREAD,
    NIC_THREAD_1,
    SHELL,
    UNINTERRUPTIBLE,
    WAKE_THREAD,
    Task,
    address_of,
    end,
    irq_entry,
    irq_exit,
    queue,
    soft_entry,
    soft_exit,
    soft_raise,
    start,
    switch,
)

SECOND_THREAD = Task(0, 91, "irq/34-s-eth0")
SECONDARY = 0xA8000
TASK_WAKING = 0x200  # include/linux/sched.h


@pytest.fixture(autouse=True)
def has_thread(native: Native) -> None:
    native.threads(NIC.action, address_of(NIC_THREAD), SECONDARY, address_of(SECOND_THREAD))
    native.on_cpu(address_of(NIC_THREAD), False)


def wake(at_ns: int, on: Task = IDLE) -> list:
    """The handler takes 100 ns."""
    return [irq_entry(at_ns - 100, on=on), irq_exit(at_ns, on=on, ret=WAKE_THREAD)]


@pytest.mark.skipif(not compilers(), reason="there is no C compiler here (gcc or clang)")
@pytest.mark.parametrize(
    ("state", "runs"),
    [(INTERRUPTIBLE, 1), (UNINTERRUPTIBLE, 0), (TASK_WAKING, 1), (0, 1)],
    ids=["waits", "sleeps", "is just being woken", "was woken"],
)
def test_a_kernel_that_does_not_hand_the_state_over(state: int, runs: int) -> None:
    """Before Linux 5.18: it is read from the task that leaves."""
    program = build("replay.c", compilers()[0], kernel=OLD_KERNEL)
    with Native(cpus=1, program=program) as native:
        native.threads(NIC.action, address_of(NIC_THREAD), SECONDARY, address_of(SECOND_THREAD))
        native.on_cpu(address_of(NIC_THREAD), False)
        native.feed([*wake(1000), switch(2000, IDLE, NIC_THREAD)])
        at = address_of(NIC_THREAD) + OLD_KERNEL["OFFSET_task_struct_state"]
        native.memory(at, struct.pack("=Q", state))
        native.feed([switch(5000, NIC_THREAD, IDLE, state=DEAD)])  # nobody is to look there
        thread = only(native.read())
    assert thread.run.count == runs


def only(probe: Probe) -> ThreadTime:
    (thread,) = probe.parts["irq_threads"]
    return thread


def times(probe: Probe) -> list[tuple[int, int, int, int, int]]:
    """CPU, latencies, their sum, runs, their sum."""
    return [
        (t.cpu, t.latency.count, t.latency.sum_ns, t.run.count, t.run.sum_ns)
        for t in probe.parts["irq_threads"]
    ]


def losses(probe: Probe) -> dict[str, int]:
    return {reason: count for reason, count in probe.losses["thread"].items() if count}


def test_woken_and_run(native: Native) -> None:
    native.feed([*wake(1000), switch(4000, SHELL, NIC_THREAD)])
    native.feed([switch(9000, NIC_THREAD, SHELL, INTERRUPTIBLE)])
    probe = native.read()
    thread = only(probe)
    assert (thread.irq, thread.action) == (34, "eth0")
    assert times(probe) == [(0, 1, 3000, 1, 5000)]
    assert thread.worst_latency and thread.worst_latency.comm == "bash"
    assert thread.worst_run and (thread.worst_run.ns, thread.worst_run.pid) == (5000, 90)
    assert not losses(probe)


def test_the_oldest_wake_wins(native: Native) -> None:
    native.feed([*wake(1000), *wake(2000), switch(4000, IDLE, NIC_THREAD)])
    assert times(native.read()) == [(0, 1, 3000, 0, 0)]


def test_a_handler_that_does_all_itself_wakes_nothing(native: Native) -> None:
    native.feed([irq_entry(900), irq_exit(1000, ret=1), switch(4000, IDLE, NIC_THREAD)])
    assert native.read().parts["irq_threads"] == ()


def test_preempted_and_asleep_for_something_else_it_is_one_run(native: Native) -> None:
    native.feed([*wake(1000), switch(2000, IDLE, NIC_THREAD)])
    native.feed([switch(3000, NIC_THREAD, SHELL, INTERRUPTIBLE, is_preempted=True)])
    native.feed([switch(5000, SHELL, NIC_THREAD)])
    native.feed([switch(5500, NIC_THREAD, SHELL, UNINTERRUPTIBLE)])
    native.feed([switch(7000, SHELL, NIC_THREAD), switch(7100, NIC_THREAD, IDLE, INTERRUPTIBLE)])
    probe = native.read()
    assert times(probe) == [(0, 1, 1000, 1, 1600)]
    assert not losses(probe)


def test_a_run_that_moves_ends_where_it_ends(native: Native) -> None:
    native.feed([*wake(1000), switch(2000, IDLE, NIC_THREAD)])
    native.feed([switch(3000, NIC_THREAD, IDLE), switch(5000, IDLE_1, NIC_THREAD_1)])
    native.feed([switch(5500, NIC_THREAD_1, IDLE_1, INTERRUPTIBLE)])
    assert times(native.read()) == [(0, 1, 1000, 0, 0), (1, 0, 0, 1, 1500)]


def test_a_wake_that_finds_it_running_has_no_latency(native: Native) -> None:
    native.feed([*wake(1000), switch(2000, IDLE, NIC_THREAD), *wake(2500, NIC_THREAD)])
    native.feed([switch(3000, NIC_THREAD, IDLE, INTERRUPTIBLE)])
    native.feed([*wake(9000), switch(9200, IDLE, NIC_THREAD)])
    assert times(native.read()) == [(0, 2, 1200, 1, 900)]  # without the handler inside


def test_a_first_wake_that_finds_it_running(native: Native) -> None:
    """It came on its CPU before the probe looked."""
    native.on_cpu(address_of(NIC_THREAD), True)
    native.feed([*wake(1000, NIC_THREAD), switch(2000, NIC_THREAD, IDLE, INTERRUPTIBLE)])
    native.on_cpu(address_of(NIC_THREAD), False)
    native.feed([*wake(9000), switch(9200, IDLE, NIC_THREAD)])
    assert times(native.read()) == [(0, 1, 200, 0, 0)]


def test_softirqs_inside_are_not_its_time(native: Native) -> None:
    native.feed([*wake(1000), switch(2000, IDLE, NIC_THREAD)])
    native.feed([soft_raise(2100, on=NIC_THREAD), soft_entry(2200, on=NIC_THREAD)])
    native.feed([soft_exit(2700, on=NIC_THREAD)])
    native.feed([switch(3000, NIC_THREAD, IDLE, INTERRUPTIBLE)])
    probe = native.read()
    assert times(probe) == [(0, 1, 1000, 1, 500)]
    (nic,) = probe.parts["hardirqs"]
    assert nic.softirqs == {"NET_RX": CountAndTime(1, 500)}


def test_what_follows_from_a_thread_follows_from_its_line(native: Native) -> None:
    """On a CPU on which the line itself never fired, too."""
    native.feed([*wake(1000), switch(2000, IDLE_1, NIC_THREAD_1)])
    native.feed([soft_raise(2100, on=NIC_THREAD_1), queue(2150, on=NIC_THREAD_1)])
    native.feed([switch(3000, NIC_THREAD_1, IDLE_1, INTERRUPTIBLE)])
    native.feed([soft_entry(3100, on=IDLE_1), soft_exit(3300, on=IDLE_1)])
    native.feed([start(4000), end(4500)])
    probe = native.read()
    there = [part for part in probe.parts["hardirqs"] if part.cpu == 1]
    assert [(p.irq, p.action, p.softirqs) for p in there] == [
        (34, "eth0", {"NET_RX": CountAndTime(1, 200)})
    ]
    (work,) = probe.parts["work_causes"]
    assert (work.irq, work.cause, work.via, work.runs) == (
        34,
        "eth0",
        "thread",
        CountAndTime(1, 500),
    )
    assert not probe.losses["softirq"]["cause_lost"]


def test_after_it_has_left_nothing_follows_from_it(native: Native) -> None:
    native.feed([*wake(1000), switch(2000, IDLE, NIC_THREAD)])
    native.feed([switch(3000, NIC_THREAD, SHELL, INTERRUPTIBLE)])
    native.feed([soft_raise(3100, on=SHELL), soft_entry(3200, on=SHELL), soft_exit(3300, on=SHELL)])
    (softirq,) = native.read().parts["softirqs"]
    assert softirq.vector == "NET_RX" and NET_RX == 3
    assert softirq.uncaused == CountAndTime(1, 100) != NEVER


def test_the_second_thread_counts_and_has_no_latency(native: Native) -> None:
    native.feed([*wake(1000), switch(2000, IDLE, NIC_THREAD)])
    native.feed([switch(3000, NIC_THREAD, SECOND_THREAD, INTERRUPTIBLE)])
    native.feed([switch(7000, SECOND_THREAD, IDLE, INTERRUPTIBLE)])
    probe = native.read()
    assert times(probe) == [(0, 1, 1000, 2, 5000)]
    assert not losses(probe)


def test_a_thread_that_ends_is_forgotten(native: Native) -> None:
    native.feed([*wake(1000), switch(2000, IDLE, NIC_THREAD)])
    assert address_of(NIC_THREAD).to_bytes(8, "little") in native.entries("irq_threads")
    native.feed([switch(3000, NIC_THREAD, IDLE, DEAD)])
    assert address_of(NIC_THREAD).to_bytes(8, "little") not in native.entries("irq_threads")
    native.feed([switch(4000, IDLE, NIC_THREAD), switch(5000, NIC_THREAD, IDLE, INTERRUPTIBLE)])
    assert times(native.read()) == [(0, 1, 1000, 0, 0)]


def test_a_run_without_a_wake_is_told(native: Native) -> None:
    """Its affinity was changed."""
    native.feed([*wake(1000), switch(2000, IDLE, NIC_THREAD)])
    native.feed([switch(3000, NIC_THREAD, IDLE, INTERRUPTIBLE), switch(4000, IDLE, NIC_THREAD)])
    native.feed([switch(4500, NIC_THREAD, IDLE, INTERRUPTIBLE)])
    probe = native.read()
    assert times(probe) == [(0, 1, 1000, 2, 1500)]
    assert losses(probe) == {"run_without_wake": 1}


@pytest.mark.parametrize(
    ("full", "lost"),
    [
        ("irq_threads", {"wake_map_full": 1}),
        ("threads", {"latency_map_full": 1, "run_map_full": 1}),
    ],
)
def test_full_maps(native: Native, full: str, lost: dict[str, int]) -> None:
    native.limit(full, 0)
    native.feed([*wake(1000), switch(2000, IDLE, NIC_THREAD)])
    native.feed([switch(3000, NIC_THREAD, IDLE, INTERRUPTIBLE)])
    probe = native.read()
    assert probe.parts["irq_threads"] == ()
    assert losses(probe) == lost


def test_a_line_that_was_freed_is_forgotten(native: Native) -> None:
    native.feed([*wake(1000), switch(2000, IDLE, NIC_THREAD)])
    native.forget_lines(lambda irq, action: (irq, action) == (34, "eth0"))
    probe = native.read()
    assert (probe.parts["irq_threads"], probe.parts["hardirqs"]) == ((), ())
