"""bpf/hardirq.c, by events that a recording seldom has."""

import struct

import pytest

from irqwatch.base.text import clean
from irqwatch.collectors.hardirq import HardirqTime
from irqwatch.model.histogram import EMPTY, bucket_of
from irqwatch.model.snapshot import Probe
from tests.native.build import OFFSETS
from tests.native.harness import Native
from tests.native.sequence import (
    IDLE,
    IDLE_1,
    NIC,
    SHELL,
    USB,
    Line,
    irq_entry,
    irq_exit,
)


def only(probe: Probe) -> HardirqTime:
    (hardirq,) = probe.parts["hardirqs"]
    return hardirq


def losses(probe: Probe) -> dict[str, int]:
    return {reason: count for reason, count in probe.losses["hardirq"].items() if count}


def test_pair(native: Native) -> None:
    native.feed([irq_entry(1000), irq_exit(1700)])
    hardirq = only(native.read())
    assert (hardirq.irq, hardirq.action, hardirq.cpu) == (34, "eth0", 0)
    assert hardirq.handled.buckets == {bucket_of(700): 1}
    assert hardirq.handled.sum_ns == 700


def test_exit_without_entry(native: Native) -> None:
    native.feed([irq_exit(1000)])
    probe = native.read()
    assert probe.parts["hardirqs"] == ()
    assert losses(probe) == {"exit_without_entry": 1}


@pytest.mark.parametrize("other", [Line(35, NIC.action, "eth0"), Line(34, USB.action, "usb3")])
def test_exit_of_another(native: Native, other: Line) -> None:
    native.feed([irq_entry(1000), irq_exit(2000, other), irq_exit(2500)])
    probe = native.read()
    assert only(probe).handled.sum_ns == 1500
    assert losses(probe) == {"exit_without_entry": 1}


def test_entry_twice(native: Native) -> None:
    native.feed([irq_entry(1000), irq_entry(5000), irq_exit(5300), irq_exit(6000)])
    probe = native.read()
    assert only(probe).handled.sum_ns == 300
    assert losses(probe) == {"entry_overwritten": 1, "exit_without_entry": 1}


@pytest.mark.parametrize("ret", [0, 1 << 32])
def test_not_mine_is_apart(native: Native, ret: int) -> None:
    """IRQ_NONE is 0; irqreturn_t is an enum, so the upper half of its argument means nothing."""
    native.feed([irq_entry(1000), irq_exit(3000, ret=ret), irq_entry(4000), irq_exit(4100)])
    hardirq = only(native.read())
    assert (hardirq.not_mine_count, hardirq.not_mine_ns) == (1, 2000)
    assert (hardirq.handled.count, hardirq.handled.sum_ns) == (1, 100)
    assert hardirq.worst and hardirq.worst.ns == 2000


def test_woken_thread_is_handled(native: Native) -> None:
    native.feed([irq_entry(1000), irq_exit(3000, ret=2)])
    assert only(native.read()).handled.count == 1


def test_shared_line(native: Native) -> None:
    """Each action on the line is asked in turn, and is timed apart."""
    second = Line(NIC.irq, 0xA3000, "i801_smbus")
    native.feed([irq_entry(100), irq_exit(150, ret=0)])
    native.feed([irq_entry(160, second), irq_exit(960, second)])
    found = {hardirq.action: hardirq for hardirq in native.read().parts["hardirqs"]}
    assert found["eth0"].not_mine_ns == 50 and found["eth0"].handled == EMPTY
    assert found["i801_smbus"].handled.sum_ns == 800
    assert {hardirq.irq for hardirq in found.values()} == {34}


def test_same_action_on_another_line(native: Native) -> None:
    native.feed([irq_entry(100), irq_exit(150)])
    again = Line(99, NIC.action, NIC.name)
    native.feed([irq_entry(200, again), irq_exit(290, again)])
    sums = {hardirq.irq: hardirq.handled.sum_ns for hardirq in native.read().parts["hardirqs"]}
    assert sums == {34: 50, 99: 90}


def test_pairs_interleaved_on_two_cpus(native: Native) -> None:
    native.feed([irq_entry(100), irq_entry(200, on=IDLE_1)])
    native.feed([irq_exit(1000), irq_exit(5000, on=IDLE_1)])
    probe = native.read()
    assert {h.cpu: h.handled.sum_ns for h in probe.parts["hardirqs"]} == {0: 900, 1: 4800}
    assert not losses(probe)


@pytest.mark.parametrize("exit_ns", [1000, 999, 1])
def test_clock_that_stands_still_or_goes_back(native: Native, exit_ns: int) -> None:
    native.feed([irq_entry(1000), irq_exit(exit_ns)])
    hardirq = only(native.read())
    assert hardirq.handled.buckets == {0: 1}
    assert hardirq.handled.sum_ns == 0
    assert hardirq.worst is None


def test_full(native: Native) -> None:
    native.limit("hardirqs", 1)
    native.feed([irq_entry(100), irq_exit(200), irq_entry(300, USB), irq_exit(400, USB)])
    native.feed([irq_entry(500), irq_exit(700)])
    probe = native.read()
    assert only(probe).handled.sum_ns == 300
    assert losses(probe) == {"map_full": 1}


def test_cpu_beyond_the_map(native: Native) -> None:
    native.reset(cpus=1)
    native.feed([irq_entry(100, on=IDLE_1), irq_exit(200, on=IDLE_1)])
    native.feed([irq_entry(300), irq_exit(400)])
    probe = native.read()
    assert only(probe).cpu == 0
    assert not losses(probe)


def test_name_longer_than_its_field(native: Native) -> None:
    long = Line(40, 0xA4000, "mlx5_comp" * 20)
    native.feed([irq_entry(100, long), irq_exit(200, long)])
    assert only(native.read()).action == long.name[:47]


def test_name_that_is_hostile(native: Native) -> None:
    hostile = Line(40, 0xA4000, "\x1b[2J\udcff ü")
    native.feed([irq_entry(100, hostile), irq_exit(200, hostile)])
    assert only(native.read()).action == clean(b"\x1b[2J\xff \xc3\xbc")


@pytest.mark.parametrize("where", ["pointer", "name"])
def test_name_that_cannot_be_read(native: Native, where: str) -> None:
    native.fire(irq_entry(100))
    if where == "pointer":
        native.memory(NIC.action + OFFSETS["OFFSET_irqaction_name"], b"")
    else:
        pointer = struct.pack("=Q", 0xDEAD)
        native.memory(NIC.action + OFFSETS["OFFSET_irqaction_name"], pointer)
    native.fire(irq_exit(200))
    hardirq = only(native.read())
    assert (hardirq.action, hardirq.handled.count) == ("", 1)


def test_name_is_that_of_the_first_time(native: Native) -> None:
    """The driver may be gone by the time the reader looks, and its text with it."""
    native.feed([irq_entry(100), irq_exit(200)])
    native.memory(NIC.action + OFFSETS["OFFSET_irqaction_name"], b"")
    assert only(native.read()).action == "eth0"


def test_line_that_is_forgotten_starts_anew(native: Native) -> None:
    native.feed([irq_entry(100), irq_exit(200), irq_entry(300, USB), irq_exit(400, USB)])
    native.forget_lines(lambda irq, name: (irq, name) == (34, "eth0"))
    native.feed([irq_entry(500), irq_exit(507)])
    sums = {hardirq.action: hardirq.handled.sum_ns for hardirq in native.read().parts["hardirqs"]}
    assert sums == {"usb3": 100, "eth0": 7}


def test_worst_and_its_story(native: Native) -> None:
    native.feed([irq_entry(100, on=SHELL), irq_exit(900, on=SHELL)])
    native.feed([irq_entry(1000, on=IDLE), irq_exit(1100, on=IDLE)])
    worst = only(native.read()).worst
    assert worst and (worst.ns, worst.at_ns, worst.cpu) == (800, 900, 0)
    assert (worst.pid, worst.comm) == (SHELL.pid, "bash")
