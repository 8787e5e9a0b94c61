"""Single events: what the reader tells the probe, and what it makes of what the probe reports."""

from dataclasses import replace

import pytest

from irqwatch.collectors import SLOW_KINDS
from irqwatch.collectors.trace import Decoder, LineName, macro
from irqwatch.errors import IrqwatchError, UsageError
from irqwatch.model.slow_event import SlowEvent
from irqwatch.model.snapshot import Unavailable
from irqwatch.source.slow_events import WantedEvents, filters, lines_of
from tests.unit.collectors.readings import LAYOUTS, packed

LINES = {34: LineName("eth0-rx-0", "eth0")}
ACTION = 0xFFFF888000000000
NONE = 10  # no softirq


def record(
    kind: str,
    *,
    action: int = 0,
    irq: int = 0,
    softirq: int = NONE,
    waiting: int = 0,
    name: bytes = b"",
    workqueue: bytes = b"",
) -> bytes:
    return packed(
        "slow_event",
        {
            "at_ns": 5_000,
            "ns": 1_200,
            "cause": {"action": action, "irq": irq},
            "waited_ns": 300,
            "kind": LAYOUTS.enum("slow_kind")[macro(kind)],
            "cpu": 1,
            "pid": 812,
            "softirq": softirq,
            "waiting": waiting,
            "comm": b"nginx",
            "name": name,
            "workqueue": workqueue,
        },
    )


event = Decoder(LAYOUTS).event


def test_a_hard_interrupt_has_its_own_name_and_the_softirq_it_interrupted() -> None:
    seen = event(
        record("hardirq", action=ACTION, irq=34, softirq=3, waiting=0b1010, name=b"eth0-rx-0"),
        LINES,
        1_000_000,
    )
    assert seen == SlowEvent(
        kind="hardirq",
        name="eth0-rx-0",
        cpu=1,
        ns=1_200,
        at_ns=5_000,
        wall_ns=1_005_000,
        pid=812,
        comm="nginx",
        irq=34,
        cause="eth0-rx-0",
        is_interrupt=True,
        device="eth0",
        interrupted="NET_RX",
        waiting=("TIMER", "NET_RX"),
        waited_ns=300,
    )


def test_a_vector_has_the_name_of_its_number_and_no_line() -> None:
    seen = event(record("vector", irq=0xEC), {0xEC: LineName("not this", "nor this")}, 0)
    assert (seen.name, seen.cause, seen.irq, seen.device) == ("local_timer",) * 2 + (None, "")


def test_a_softirq_follows_from_its_line_and_interrupted_nothing() -> None:
    seen = event(record("softirq", action=ACTION, irq=34, softirq=3), LINES, 0)
    assert (seen.name, seen.cause, seen.irq, seen.device) == ("NET_RX", "eth0-rx-0", 34, "eth0")
    assert seen.interrupted == ""


def test_work_that_no_interrupt_caused_has_no_cause() -> None:
    seen = event(record("work", name=b"flush\x1b[2J", workqueue=b"events"), LINES, 0)
    assert (seen.cause, seen.irq, seen.workqueue) == ("", None, "events")
    assert "\x1b" not in seen.name


def test_a_late_timer_has_the_name_of_its_function() -> None:
    seen = event(record("timer", irq=0xEC, name=b"hrtimer_wakeup"), LINES, 0)
    assert (seen.kind, seen.name, seen.cause) == ("timer", "hrtimer_wakeup", "local_timer")


def test_a_line_that_is_not_listed_is_told_as_such() -> None:
    seen = event(record("softirq wait", action=ACTION, irq=99, softirq=1), LINES, 0)
    assert (seen.irq, seen.cause) == (99, "?")


def test_the_kinds_are_those_of_the_probe() -> None:
    assert set(LAYOUTS.enum("slow_kind")) == set(map(macro, SLOW_KINDS))


def test_no_filter_lets_all_pass() -> None:
    assert filters(WantedEvents(200), (), (0, 1)) == {
        "TRACE_SLOWER_NS": 200,
        "TRACE_PAGES": 64,
        "PAGE_SIZE": filters(WantedEvents(200), (), (0,))["PAGE_SIZE"],
        "TRACE_KIND(kind)": "1",
        "TRACE_CPU(cpu)": "1",
        "TRACE_IRQ(irq,action)": "1",
        "TRACE_SOFTIRQ(softirq)": "1",
    }


def test_filters_are_expressions_over_numbers() -> None:
    wanted = WantedEvents(1, softirqs=frozenset({"NET_RX", "TIMER"}), cpus=frozenset({1, 0}))
    wanted = replace(wanted, kinds=frozenset({"softirq wait", "hardirq"}))
    made = filters(wanted, (36, 34), (0, 1))
    assert made["TRACE_KIND(kind)"] == "((kind)==SLOW_HARDIRQ||(kind)==SLOW_SOFTIRQ_WAIT)"
    assert made["TRACE_CPU(cpu)"] == "((cpu)==0||(cpu)==1)"
    assert made["TRACE_SOFTIRQ(softirq)"] == "((softirq)==1||(softirq)==3)"
    # A vector's number is not a line's.
    assert made["TRACE_IRQ(irq,action)"] == "((action)&&((irq)==34||(irq)==36))"


def test_a_cpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no CPU 7"):
        filters(WantedEvents(1, cpus=frozenset({0, 7})), (), (0, 1))


SHARED = {
    9: {"acpi"},
    16: {"ehci_hcd", "snd", "usb1", "card0"},
    34: {"eth0-rx-0", "eth0"},
    35: {"eth0-rx-1", "eth0"},
}


@pytest.mark.parametrize(
    ("irqs", "devices", "lines"),
    [
        ([], [], []),
        ([9], [], [9]),
        ([], ["eth0"], [34, 35]),
        ([], ["eth0", "card0"], [16, 34, 35]),
        ([], ["snd"], [16]),  # one of two actions
        ([34, 9], ["eth0"], [34]),
        ([34, 16], ["eth0", "usb1"], [16, 34]),
    ],
)
def test_a_line_has_to_be_one_of_the_lines_and_of_a_device(
    irqs: list[int], devices: list[str], lines: list[int]
) -> None:
    wanted = WantedEvents(1, irqs=frozenset(irqs), devices=frozenset(devices))
    assert lines_of(wanted, SHARED) == set(lines)


@pytest.mark.parametrize(
    ("irqs", "devices", "why"),
    [
        ([9], ["eth0"], "no interrupt passes both"),  # none, and not all
        ([8], [], "there is no interrupt 8"),
        ([], ["eth1"], "no interrupt belongs to a device eth1"),
    ],
)
def test_filters_that_nothing_can_pass_are_refused(
    irqs: list[int], devices: list[str], why: str
) -> None:
    wanted = WantedEvents(1, irqs=frozenset(irqs), devices=frozenset(devices))
    with pytest.raises(UsageError, match=why):
        lines_of(wanted, SHARED)


LEFT_OUT = (Unavailable("interrupts", "1 garbled row left out"),)


def test_a_line_that_cannot_be_seen_is_traced_all_the_same() -> None:
    assert lines_of(WantedEvents(1, irqs=frozenset({8, 9})), SHARED, LEFT_OUT) == {8, 9}
    assert lines_of(WantedEvents(1, irqs=frozenset({8})), {}, LEFT_OUT) == {8}


@pytest.mark.parametrize(("irqs", "devices"), [([], ["eth1"]), ([8], ["eth0"])])
def test_a_device_of_which_lines_may_be_hidden_is_not_said_to_have_none(
    irqs: list[int], devices: list[str]
) -> None:
    wanted = WantedEvents(1, irqs=frozenset(irqs), devices=frozenset(devices))
    with pytest.raises(IrqwatchError, match="not all interrupts can be listed: 1 garbled") as error:
        lines_of(wanted, SHARED, LEFT_OUT)
    assert not isinstance(error.value, UsageError)
