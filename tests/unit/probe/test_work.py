"""bpf/workqueue.c, by events that a recording seldom has."""

import dataclasses
import re

import pytest

from irqwatch.collectors.work import WorkTime
from irqwatch.model.histogram import bucket_of
from irqwatch.model.snapshot import CountAndTime, Probe
from irqwatch.source.probe import ABANDONED_NS, ABANDONED_WHEN_CROWDED_NS
from tests.events import Event
from tests.native.build import ABILITIES, NEEDED_OFFSETS, OFFSETS, OLD_KERNEL, build, compilers
from tests.native.harness import Native
from tests.native.sequence import (
    FLUSH,
    IDLE,
    IDLE_1,
    SCRUB,
    SHELL,
    WORKER,
    WORKER_1,
    Item,
    activate,
    address_of,
    end,
    irq_entry,
    irq_exit,
    queue,
    soft_entry,
    soft_exit,
    soft_raise,
    start,
)


def only(probe: Probe) -> WorkTime:
    (work,) = probe.parts["works"]
    return work


def by_function(probe: Probe) -> dict[str, WorkTime]:
    return {work.function: work for work in probe.parts["works"]}


def losses(probe: Probe) -> dict[str, int]:
    return {reason: count for reason, count in probe.losses["work"].items() if count}


def test_queued_started_ended(native: Native) -> None:
    native.feed([queue(1000), activate(1000), start(3000), end(7000)])
    probe = native.read()
    work = only(probe)
    assert (work.function, work.workqueue) == ("flush", "events")
    assert (work.latency.buckets, work.latency.sum_ns) == ({bucket_of(2000): 1}, 2000)
    assert (work.run.buckets, work.run.sum_ns) == ({bucket_of(4000): 1}, 4000)
    assert work.cpus == {0: CountAndTime(1, 4000)}
    assert (work.stall_count, work.stall_ns) == (0, 0)
    assert not losses(probe)
    assert native.entries("works_waiting") == native.entries("works_running") == {}


def test_start_without_queue_still_runs(native: Native) -> None:
    """So it is with the barriers of a flush."""
    native.feed([start(3000), end(7000)])
    probe = native.read()
    work = only(probe)
    assert (work.workqueue, work.latency.count, work.run.sum_ns) == ("", 0, 4000)
    assert not losses(probe)


def test_end_without_start(native: Native) -> None:
    native.feed([end(7000)])
    probe = native.read()
    assert probe.parts["works"] == ()
    assert losses(probe) == {"end_without_start": 1}


def test_end_of_another_item_on_the_same_thread(native: Native) -> None:
    native.feed([queue(1000), activate(1000), start(3000), end(4000, SCRUB), end(5000)])
    probe = native.read()
    assert only(probe).run.sum_ns == 2000
    assert losses(probe) == {"end_without_start": 1}


def test_start_twice_on_the_same_thread(native: Native) -> None:
    """Its end was not seen; the thread runs one item at a time."""
    native.feed([queue(1000), activate(1000), start(3000), queue(3100), activate(3100)])
    native.feed([start(4000), end(4500)])
    probe = native.read()
    assert only(probe).run.sum_ns == 500
    assert native.entries("works_running") == {}


def test_cancelled_then_queued_again(native: Native) -> None:
    """Nothing traces the cancelling; the new queueing takes the old one's place."""
    native.feed([queue(1000), activate(1000), queue(90_000), activate(90_000)])
    native.feed([start(91_000), end(92_000)])
    probe = native.read()
    assert (only(probe).latency.count, only(probe).latency.sum_ns) == (1, 1000)
    assert not losses(probe)
    assert native.entries("works_waiting") == {}


def test_stall_of_one_that_was_cancelled_is_forgotten(native: Native) -> None:
    native.feed([queue(1000), queue(1500, SCRUB), activate(1500, SCRUB), activate(9000)])
    native.feed([queue(10_000), activate(10_000), start(11_000), end(12_000)])
    assert (only(native.read()).stall_count) == 0


def test_requeued_from_itself_while_it_runs(native: Native) -> None:
    native.feed([queue(1000), activate(1000), start(2000)])
    native.feed([queue(2500, on=WORKER), activate(2500, on=WORKER), end(3000)])
    native.feed([start(3200), end(4200)])
    probe = native.read()
    assert (only(probe).latency.sum_ns, only(probe).run.sum_ns) == (1000 + 700, 2000)
    assert not losses(probe)
    assert native.entries("works_waiting") == native.entries("works_running") == {}


def test_queued_anew_just_before_its_start_is_traced(native: Native) -> None:
    """process_one_work() clears PENDING, lets interrupts in and then traces the start: one of them
    may queue the item again by then, and both runs have their own latency."""
    queueings = [queue(1000), activate(1000), queue(2900), activate(2900)]
    native.feed([*queueings, start(3000), end(4000), start(5000), end(6000)])
    work = only(native.read())
    assert (work.latency.count, work.latency.sum_ns) == (2, 2000 + 2100)
    assert native.entries("works_waiting") == {}


@pytest.mark.parametrize("call", [3, 4, 5])
def test_queued_anew_while_its_start_is_traced(native: Native, call: int) -> None:
    """Nor may the cancelled queueing before matter."""
    native.feed([queue(500), activate(500), queue(1000), activate(1000)])
    native.set_pending(FLUSH.work, True)
    native.fire(start(3000), [(call, queue(3000))])
    native.feed([end(4000), start(5000), end(6000)])
    work = only(native.read())
    assert (work.latency.count, work.latency.sum_ns) == (2, 2000 + 2000)


def test_queued_anew_where_the_first_queueing_was_not_seen(native: Native) -> None:
    native.feed([queue(2900), start(3000), end(4000), start(5000), end(6000)])
    assert [
        (work.workqueue, work.run.count, work.latency.count, work.latency.sum_ns)
        for work in native.read().parts["works"]
    ] == [("", 1, 0, 0), ("events", 1, 1, 2100)]


def test_ends_on_another_cpu_than_it_started(native: Native) -> None:
    """A worker of an unbound queue may move while its function sleeps."""
    moved = dataclasses.replace(WORKER, cpu=1)
    native.feed([queue(1000), activate(1000), start(2000), end(5000, on=moved)])
    work = only(native.read())
    assert (work.latency.count, work.run.sum_ns) == (1, 3000)
    assert work.cpus == {1: CountAndTime(1, 3000)}


def test_same_function_on_two_cpus(native: Native) -> None:
    second = dataclasses.replace(FLUSH, work=0xC9000)
    native.feed([queue(100), activate(100), queue(200, second), activate(200, second)])
    native.feed([start(1000), start(1100, second, WORKER_1)])
    native.feed([end(2000), end(3100, second, WORKER_1)])
    work = only(native.read())
    assert work.cpus == {0: CountAndTime(1, 1000), 1: CountAndTime(1, 2000)}
    assert (work.run.count, work.run.sum_ns) == (2, 3000)


def test_same_function_on_two_queues(native: Native) -> None:
    other = Item(0xC9000, FLUSH.function, 0xB9000, "kblockd")
    for item in (FLUSH, other):
        native.feed([queue(100, item), activate(100, item), start(200, item), end(300, item)])
    assert {(w.function, w.workqueue) for w in native.read().parts["works"]} == {
        ("flush", "events"),
        ("flush", "kblockd"),
    }


def test_item_that_is_freed_and_used_anew_while_it_runs(native: Native) -> None:
    """Its function frees it, and its memory becomes another's item: two runs of one address."""
    anew = dataclasses.replace(FLUSH, function="scrub")
    native.feed([queue(100), activate(100), start(200)])
    native.feed([queue(300, anew), activate(300, anew), start(400, anew, WORKER_1)])
    native.feed([end(1200), end(1500, anew, WORKER_1)])
    probe = native.read()
    assert {name: w.run.sum_ns for name, w in by_function(probe).items()} == {
        "flush": 1000,
        "scrub": 1100,
    }
    assert not losses(probe)


# Stalls.


def test_stall(native: Native) -> None:
    native.feed([queue(1000), queue(1200, SCRUB), activate(1200, SCRUB)])
    native.feed([activate(9000, on=WORKER_1), start(9500), end(9600)])
    work = by_function(native.read())["flush"]
    assert (work.stall_count, work.stall_ns) == (1, 8000)
    assert work.latency.sum_ns == 8500


def test_stall_that_another_cpu_ends(native: Native) -> None:
    native.feed([queue(1000), activate(9000, on=WORKER_1), start(9500, on=WORKER_1)])
    work = only(native.read())
    assert (work.stall_count, work.stall_ns) == (1, 8000)


def test_stall_that_the_same_cpu_ends_with_nothing_queued_between(native: Native) -> None:
    """The worker of the item that held it back ends that one, then activates this one."""
    native.feed([queue(500, SCRUB), activate(500, SCRUB), start(600, SCRUB)])
    native.feed([queue(1000), end(9000, SCRUB), activate(9000, on=WORKER)])
    native.feed([start(9500), end(9600)])
    work = by_function(native.read())["flush"]
    assert (work.stall_count, work.stall_ns) == (1, 8000)


def test_activation_of_an_item_that_is_not_known(native: Native) -> None:
    native.feed([activate(9000)])
    assert not losses(native.read())


# Work that runs in a softirq has no thread of its own (system_bh_wq, Linux 6.9).

BH = Item(0xC5000, "usb_giveback", 0xB5000, "events_bh")
BH_1 = Item(0xC6000, "usb_giveback", 0xB5000, "events_bh")


def test_work_in_a_softirq_on_top_of_a_worker(native: Native) -> None:
    native.feed([queue(1000), activate(1000), start(2000)])
    native.feed([queue(2100, BH, WORKER), activate(2100, BH, WORKER)])
    native.feed([start(2200, BH, WORKER), end(2300, BH, WORKER), end(4000)])
    probe = native.read()
    assert {name: w.run.sum_ns for name, w in by_function(probe).items()} == {
        "flush": 2000,
        "usb_giveback": 100,
    }
    assert not losses(probe)


def test_work_in_softirqs_of_two_idle_cpus(native: Native) -> None:
    """The idle task is number 0 on each CPU."""
    native.feed([queue(1000, BH), activate(1000, BH), queue(1000, BH_1), activate(1000, BH_1)])
    native.feed([start(2000, BH, IDLE), start(2100, BH_1, IDLE_1)])
    native.feed([end(2500, BH, IDLE), end(2700, BH_1, IDLE_1)])
    probe = native.read()
    assert only(probe).cpus == {0: CountAndTime(1, 500), 1: CountAndTime(1, 600)}
    assert not losses(probe)


# Limits.


def items(count: int) -> list[Item]:
    return [Item(0x100000 + 0x1000 * n, f"function_{n}") for n in range(count)]


def test_waiting_full(native: Native) -> None:
    native.limit("works_waiting", 1)
    native.feed([queue(1000), activate(1000), queue(1100, SCRUB), activate(1100, SCRUB)])
    native.feed([start(2000), end(2100), start(3000, SCRUB), end(3100, SCRUB)])
    probe = native.read()
    assert {name: w.latency.count for name, w in by_function(probe).items()} == {
        "flush": 1,
        "scrub": 0,
    }
    assert losses(probe) == {"queue_map_full": 1}


def test_waiting_full_of_the_same_item(native: Native) -> None:
    native.limit("works_waiting", 1)
    native.feed([queue(1000), activate(1000), queue(2000), activate(2000), start(2100)])
    probe = native.read()
    assert only(probe).latency.sum_ns == 100
    assert not losses(probe)


def test_running_full(native: Native) -> None:
    native.limit("works_running", 1)
    native.feed([queue(1, FLUSH), activate(1, FLUSH), queue(1, SCRUB), activate(1, SCRUB)])
    native.feed([start(1000), start(1100, SCRUB, WORKER_1)])
    native.feed([end(2000), end(2100, SCRUB, WORKER_1)])
    probe = native.read()
    found = by_function(probe)
    assert (found["flush"].run.count, found["scrub"].run.count) == (1, 0)
    assert found["scrub"].latency.count == 1
    assert losses(probe) == {"start_map_full": 1, "end_without_start": 1}


@pytest.mark.parametrize("name", ["works", "work_cpus"])
def test_functions_full(native: Native, name: str) -> None:
    native.limit(name, 1)
    native.feed([queue(1, FLUSH), activate(1, FLUSH), queue(1, SCRUB), activate(1, SCRUB)])
    native.feed([start(1000), end(2000), start(3000, SCRUB), end(4000, SCRUB)])
    native.feed([queue(5000), activate(5000), start(5100), end(5200)])
    probe = native.read()
    counted = {f: w.run.count for f, w in by_function(probe).items() if w.run.count}
    assert counted == {"flush": 2}
    assert losses(probe) == {"latency_map_full": 1, "end_map_full": 1}


def test_start_that_finds_every_map_full_loses_latency_and_run(native: Native) -> None:
    native.limit("works", 0)
    native.limit("works_running", 0)
    native.feed([queue(1), activate(1), start(1000)])
    assert losses(native.read()) == {"latency_map_full": 1, "start_map_full": 1}


def test_cpu_beyond_the_map(native: Native) -> None:
    native.reset(cpus=1)
    on = WORKER_1
    native.feed([queue(1, on=on), activate(1, on=on), start(2, on=on), end(3, on=on)])
    probe = native.read()
    assert probe.parts["works"] == ()
    assert not losses(probe)


def test_clock_that_goes_back(native: Native) -> None:
    native.feed([queue(3000), activate(3000), start(2000), end(1000)])
    work = only(native.read())
    assert (work.latency.buckets, work.run.buckets) == ({0: 1}, {0: 1})
    assert (work.latency.sum_ns, work.run.sum_ns) == (0, 0)


# Names, worst, and what the reader cleans up.


def test_queue_name_longer_than_its_field(native: Native) -> None:
    """WQ_NAME_LEN is 32 since Linux 6.9, and names are cut to it."""
    item = dataclasses.replace(FLUSH, queue_name="writeback_of_a_very_long_device_name")
    native.feed([queue(1, item), activate(1, item), start(2, item), end(3, item)])
    assert only(native.read()).workqueue == item.queue_name[:31]


def test_queue_that_is_gone_when_the_item_ends(native: Native) -> None:
    """Its name was copied when the item was queued; its address may be another queue's by now."""
    native.feed([queue(1), activate(1), start(2)])
    native.memory(FLUSH.queue + OFFSETS["OFFSET_workqueue_struct_name"], b"loop7\0")
    native.fire(end(3))
    assert (only(native.read()).workqueue, only(native.read()).run.count) == ("events", 1)


def test_queues_of_two_names_at_one_address(native: Native) -> None:
    later = dataclasses.replace(FLUSH, queue_name="loop404")
    for item in (FLUSH, later):
        native.feed([queue(100, item), activate(100, item), start(200, item), end(300, item)])
    assert {work.workqueue for work in native.read().parts["works"]} == {"events", "loop404"}


def test_function_is_that_of_the_start(native: Native) -> None:
    """The item may be freed while it runs; the kernel's own end event keeps the function apart."""
    native.feed([queue(1), activate(1), start(2)])
    native.memory(FLUSH.work + OFFSETS["OFFSET_work_struct_func"], b"")
    native.fire(end(3))
    assert only(native.read()).function == "flush"


def test_worst_of_both_kinds(native: Native) -> None:
    native.feed([queue(1000), activate(1000), start(9000), end(9100)])
    native.feed([queue(10_000), activate(10_000), start(10_100, on=WORKER_1)])
    native.feed([end(14_100, on=WORKER_1)])
    work = only(native.read())
    assert work.worst_latency and work.worst_run
    latency, run = work.worst_latency, work.worst_run
    assert (latency.ns, latency.at_ns, latency.cpu, latency.pid) == (8000, 9000, 0, WORKER.pid)
    assert (run.ns, run.at_ns, run.cpu, run.comm) == (4000, 14_100, 1, WORKER_1.comm)


def test_reader_forgets_items_that_were_cancelled(native: Native) -> None:
    native.feed([queue(1000), activate(1000), queue(ABANDONED_NS, SCRUB)])
    native.read()
    assert len(native.entries("works_waiting")) == 2
    native.fire(queue(1001 + ABANDONED_NS, SCRUB, SHELL))
    native.read()
    assert len(native.entries("works_waiting")) == 1


def test_reader_forgets_sooner_where_it_is_crowded(native: Native) -> None:
    crowd = items(1025)  # of 2,048
    native.feed([queue(1000, item) for item in crowd])
    native.fire(activate(1001 + ABANDONED_WHEN_CROWDED_NS))
    native.read()
    assert native.entries("works_waiting") == {}


# Time on a CPU. The scheduler brings its account of a thread up to date now and then.

AT = address_of(WORKER)


def on_cpu(native: Native) -> CountAndTime:
    """Of the only work, over all CPUs."""
    parts = only(native.read()).on_cpu.values()
    return CountAndTime(sum(part.count for part in parts), sum(part.ns for part in parts))


def test_a_run_that_was_never_off_its_cpu(native: Native) -> None:
    native.account(AT, 900, 500)
    native.fire(start(3000))
    native.account(AT, 4000, 3600)  # a tick
    native.fire(end(7000))
    assert on_cpu(native) == CountAndTime(1, 4000)


def test_interrupts_take_their_time_from_it(native: Native) -> None:
    """The second comes inside the softirq."""
    on = WORKER
    native.feed([start(3000), irq_entry(3100, on=on), irq_exit(3150, on=on)])
    native.feed([soft_raise(3150, on=on), soft_entry(3200, on=on)])
    native.feed([irq_entry(3300, on=on), irq_exit(3400, on=on), soft_exit(3600, on=on)])
    native.fire(end(7000))
    assert on_cpu(native) == CountAndTime(1, 4000 - 50 - 400)


def interrupted(at_ns: int) -> list[Event]:
    """100 ns of a hard interrupt, and as long of a softirq right behind it."""
    on = WORKER
    return [
        irq_entry(at_ns, on=on),
        soft_raise(at_ns, on=on),
        irq_exit(at_ns + 100, on=on),
        soft_entry(at_ns + 100, on=on),
        soft_exit(at_ns + 200, on=on),
    ]


@pytest.mark.parametrize("call", range(8))
def test_interrupts_while_the_probe_looks_at_the_start(native: Native, call: int) -> None:
    """They are before the run, or inside and not its time."""
    native.fire(start(3000), [(call, event) for event in interrupted(3000)])
    native.fire(end(7000))
    assert on_cpu(native).ns in (3800, 4000)
    assert only(native.read()).run.sum_ns in (3800, 4000)


@pytest.mark.parametrize("call", range(8))
def test_interrupts_while_the_probe_looks_at_the_end(native: Native, call: int) -> None:
    native.fire(start(3000))
    native.fire(end(7000), [(call, event) for event in interrupted(7000)])
    assert on_cpu(native).ns == 4000


def test_a_run_that_slept(native: Native) -> None:
    """It was last brought up to date long before it started, and then when it came back."""
    native.account(AT, 100_000, 5000)
    native.fire(start(103_000))
    native.account(AT, 900_000, 5000 + 4000)  # off at 104,000
    native.fire(end(902_000))
    assert on_cpu(native) == CountAndTime(1, 1000 + 2000)


def test_a_run_that_slept_while_interrupts_came(native: Native) -> None:
    """The clock of the tasks stopped for them, 300 ns of which were over the run."""
    native.account(AT, 100_000, 5000)
    native.clocks(0, 170_000, 100_000)
    native.feed([start(173_000), irq_entry(400_000), irq_exit(460_000)])
    native.account(AT, 840_000, 5000 + 3700)
    native.clocks(0, 970_300, 840_000)
    native.fire(end(972_300))
    assert on_cpu(native) == CountAndTime(1, 1000 - 300 + 2000)


def test_a_run_that_came_back_on_another_cpu(native: Native) -> None:
    """There the clock of the tasks has stopped for much longer."""
    native.account(AT, 100_000, 5000)
    native.clocks(0, 100_000, 100_000)
    native.clocks(1, 900_000, 400_000)
    native.fire(start(103_000))
    native.account(AT, 400_000, 5000 + 4000)
    native.fire(end(902_000, on=dataclasses.replace(WORKER, cpu=1)))
    assert only(native.read()).on_cpu == {1: CountAndTime(1, 1000 + 2000)}


def test_what_the_account_says_is_no_more_than_all_the_time(native: Native) -> None:
    """A reading in the middle of an update can be off by what it adds."""
    native.account(AT, 100_000, 5000)
    native.fire(start(103_000))
    native.account(AT, 100_000, 9000)
    native.fire(end(104_000))
    assert on_cpu(native) == CountAndTime(1, 1000)


def test_what_the_account_says_is_no_less_than_nothing(native: Native) -> None:
    native.account(AT, 100_000, 5000)
    native.fire(start(103_000))
    native.account(AT, 200_000, 5000)
    native.fire(end(104_000))
    assert on_cpu(native) == CountAndTime(1, 0)


def test_work_over_the_idle_task_is_never_off(native: Native) -> None:
    """Whose exec_start Linux moves without its sum_exec_runtime since 6.19."""
    native.account(address_of(IDLE), 1000, 0)
    native.fire(start(2000, BH, IDLE))
    native.account(address_of(IDLE), 2100, 0)
    native.fire(end(2500, BH, IDLE))
    assert on_cpu(native) == CountAndTime(1, 500)


def test_what_an_interrupt_caused_is_time_on_a_cpu(native: Native) -> None:
    native.feed([irq_entry(1000), queue(1010, on=IDLE), activate(1010, on=IDLE), irq_exit(1100)])
    native.account(AT, 100_000, 5000)
    native.fire(start(103_000))
    native.account(AT, 900_000, 5000 + 4000)
    native.fire(end(902_000))
    (cause,) = native.read().parts["work_causes"]
    assert (cause.cause, cause.runs) == ("eth0", CountAndTime(1, 3000))


@pytest.mark.skipif(not compilers(), reason="there is no C compiler here (gcc or clang)")
def test_a_kernel_without_the_fields() -> None:
    """Runs are timed as ever, and for how long they were on a CPU is not known."""
    program = build("replay.c", compilers()[0], kernel={**ABILITIES, **NEEDED_OFFSETS})
    with Native(cpus=1, program=program) as native:
        native.feed([queue(1000), activate(1000), start(3000), end(7000)])
        work = only(native.read())
    assert work.cpus == {0: CountAndTime(1, 4000)}
    assert (work.on_cpu, work.is_on_cpu_known) == ({}, False)


@pytest.mark.skipif(not compilers(), reason="there is no C compiler here (gcc or clang)")
def test_a_kernel_that_cannot_write_names() -> None:
    """The address is there for the reader, who has no symbol at it here."""
    program = build("replay.c", compilers()[0], kernel=OLD_KERNEL)
    with Native(cpus=1, program=program) as native:
        native.feed([queue(1000), activate(1000), start(3000), end(7000)])
        work = only(native.read())
    assert re.fullmatch(r"0xf1[0-9a-f]{14}", work.function)


def test_a_cpu_whose_runqueue_is_not_found(native: Native) -> None:
    native.fire(queue(1000, on=WORKER))
    native.memory(AT + OFFSETS["OFFSET_task_struct_se_cfs_rq"], b"")
    native.feed([start(3000), end(7000)])
    work = only(native.read())
    assert work.cpus == {0: CountAndTime(1, 4000)}
    assert (work.on_cpu, work.is_on_cpu_known) == ({}, False)
