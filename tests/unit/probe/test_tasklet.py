"""bpf/tasklet.c: how long tasklets run."""

import pytest

from irqwatch.collectors.tasklet import TaskletTime
from irqwatch.model.histogram import bucket_of
from irqwatch.model.snapshot import Probe
from tests.native.harness import Native
from tests.native.sequence import (
    IDLE_1,
    KSOFTIRQD,
    irq_entry,
    irq_exit,
    tasklet_entry,
    tasklet_exit,
)


def only(probe: Probe) -> TaskletTime:
    (tasklet,) = probe.parts["tasklets"]
    return tasklet


def losses(probe: Probe) -> dict[str, int]:
    return {reason: count for reason, count in probe.losses["tasklet"].items() if count}


def test_entry_exit(native: Native) -> None:
    native.feed([tasklet_entry(1000), tasklet_exit(4000)])
    tasklet = only(native.read())
    assert (tasklet.function, tasklet.cpu) == ("kbd_bh", 0)
    assert (tasklet.run.buckets, tasklet.run.sum_ns) == ({bucket_of(3000): 1}, 3000)


def test_functions_and_cpus_are_apart(native: Native) -> None:
    native.feed([tasklet_entry(1000), tasklet_exit(1100)])
    native.feed([tasklet_entry(2000, "ata"), tasklet_exit(2200, "ata")])
    native.feed([tasklet_entry(3000, on=IDLE_1), tasklet_exit(3300, on=IDLE_1)])
    assert [(t.function, t.cpu, t.run.sum_ns) for t in native.read().parts["tasklets"]] == [
        ("ata", 0, 200),
        ("kbd_bh", 0, 100),
        ("kbd_bh", 1, 300),
    ]


def test_functions_of_one_name_count_together(native: Native) -> None:
    native.feed([tasklet_entry(1000, "0x1000"), tasklet_exit(1100, "0x1000")])
    native.feed([tasklet_entry(2000, "0x2000"), tasklet_exit(2300, "0x2000")])
    assert len(native.read().parts["tasklets"]) == 2
    native.memory(0x3000, b"poll\0")
    native.memory(0x4000, b"poll\0")
    native.feed([tasklet_entry(3000, "0x3000"), tasklet_exit(3010, "0x3000")])
    native.feed([tasklet_entry(4000, "0x4000"), tasklet_exit(4050, "0x4000")])
    (polls,) = (t for t in native.read().parts["tasklets"] if t.function == "poll")
    assert (polls.run.count, polls.run.sum_ns) == (2, 60)
    assert polls.worst and polls.worst.ns == 50


def test_exit_without_entry(native: Native) -> None:
    native.feed([tasklet_exit(2000), tasklet_entry(3000), tasklet_exit(3100)])
    probe = native.read()
    assert only(probe).run.sum_ns == 100
    assert losses(probe) == {"exit_without_entry": 1}


def test_exit_of_another_function(native: Native) -> None:
    native.feed([tasklet_entry(1000), tasklet_exit(1500, "ata"), tasklet_exit(2000)])
    probe = native.read()
    assert only(probe).run.sum_ns == 1000
    assert losses(probe) == {"exit_without_entry": 1}


def test_entry_twice(native: Native) -> None:
    native.feed([tasklet_entry(1000), tasklet_entry(2000), tasklet_exit(2100)])
    probe = native.read()
    assert only(probe).run.sum_ns == 100
    assert losses(probe) == {"entry_overwritten": 1}


def test_full_map(native: Native) -> None:
    native.limit("tasklets", 0)
    native.feed([tasklet_entry(1000), tasklet_exit(1100)])
    probe = native.read()
    assert probe.parts["tasklets"] == ()
    assert losses(probe) == {"map_full": 1}


def test_hardirqs_inside_are_not_its_time(native: Native) -> None:
    native.feed([irq_entry(100), irq_exit(200), tasklet_entry(1000), irq_entry(1200)])
    native.feed([irq_exit(1500), tasklet_exit(3000)])
    assert only(native.read()).run.sum_ns == 2000 - 300


@pytest.mark.parametrize("call", range(8))
def test_hardirq_that_interrupts_the_program_for_the_exit(native: Native, call: int) -> None:
    """Wherever in the program it comes, its 500 ns are not the tasklet's."""
    native.feed([tasklet_entry(1000)])
    native.fire(tasklet_exit(2000), [(call, irq_entry(2000)), (call, irq_exit(2500))])
    probe = native.read()
    assert only(probe).run.sum_ns == 1000
    assert probe.parts["hardirqs"][0].handled.sum_ns == 500


@pytest.mark.parametrize("call", range(8))
def test_hardirq_that_interrupts_the_program_for_the_entry(native: Native, call: int) -> None:
    native.fire(tasklet_entry(1000), [(call, irq_entry(1000)), (call, irq_exit(1500))])
    native.fire(tasklet_exit(2500))
    assert only(native.read()).run.sum_ns == 1000


def test_worst_has_its_story_and_is_of_its_interval(native: Native) -> None:
    native.feed([tasklet_entry(1000), tasklet_exit(1100)])
    native.feed([tasklet_entry(2000, on=KSOFTIRQD), tasklet_exit(7000, on=KSOFTIRQD)])
    worst = only(native.read()).worst
    assert worst
    assert (worst.ns, worst.at_ns, worst.pid, worst.comm) == (5000, 7000, 15, "ksoftirqd/0")
    assert only(native.read()).worst is None
