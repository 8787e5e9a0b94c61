"""Whose the time of a run of NET_RX is that polls the queues of several lines, by events:
bpf/net_rx.c."""

import struct
from collections.abc import Iterator

import pytest

from irqwatch.model.snapshot import Probe
from tests.events import Event
from tests.native.build import OFFSETS
from tests.native.harness import Native, replay
from tests.native.sequence import (
    IDLE,
    IDLE_1,
    NET_RX,
    NIC,
    RCU,
    SHELL,
    USB,
    Line,
    Task,
    irq_entry,
    irq_exit,
    napi_poll,
    soft_entry,
    soft_exit,
    soft_raise,
    vector_entry,
    vector_exit,
)
from tests.unit.probe.sums import check_softirqs

INSTANCES = {NIC: 0xF1000, USB: 0xF2000}
BUDGET = 64
IRQF_PERCPU = 0x400  # include/linux/interrupt.h


def raised_by(line: Line, at_ns: int, on: Task = IDLE) -> list[Event]:
    return [irq_entry(at_ns, line, on), soft_raise(at_ns + 1, on=on), irq_exit(at_ns + 2, line, on)]


def poll(at_ns: int, line: Line, work: int = 1, on: Task = IDLE) -> Event:
    """``at_ns`` is its end."""
    return napi_poll(line.name, work, BUDGET, on, at_ns=at_ns, napi=INSTANCES[line])


def backlog(at_ns: int) -> Event:
    return napi_poll("", at_ns=at_ns, napi=0xF3000)


def quiet(at_ns: int = 10, on: Task = IDLE) -> list[Event]:
    """A run that ends with nothing raised, so that the list is known to be empty."""
    shell = Task(on.cpu, SHELL.pid, SHELL.comm, is_kthread=False)
    return [
        soft_raise(at_ns, on=shell),
        soft_entry(at_ns + 1, NET_RX, on),
        soft_exit(at_ns + 1, NET_RX, on),
    ]


def both_known(at_ns: int = 100) -> list[Event]:
    """A run of 10 ns for each line."""
    events = quiet(at_ns)
    for line, start_ns in ((NIC, at_ns + 10), (USB, at_ns + 50)):
        run = [soft_entry(start_ns + 5), poll(start_ns + 12, line), soft_exit(start_ns + 15)]
        events += [*raised_by(line, start_ns), *run]
    return events


def net_rx(probe: Probe) -> dict[str, tuple[int, int]]:
    """Runs and ns by interrupt; "" is none. Sums over causes are the whole."""
    check_softirqs(probe)
    return dict(caused(probe))


def caused(probe: Probe) -> Iterator[tuple[str, tuple[int, int]]]:
    for part in probe.parts.get("hardirqs", ()):
        if runs := part.softirqs.get("NET_RX"):
            yield part.action, (runs.count, runs.ns)
    for own in probe.parts.get("vectors", ()):
        if runs := own.softirqs.get("NET_RX"):
            yield own.vector, (runs.count, runs.ns)
    for softirq in probe.parts.get("softirqs", ()):
        if softirq.vector == "NET_RX" and softirq.uncaused.ns:
            yield "", (softirq.uncaused.count, softirq.uncaused.ns)


def test_each_poll_is_for_the_line_of_its_raise(native: Native) -> None:
    native.feed([*quiet(), *raised_by(NIC, 300), *raised_by(USB, 310), soft_entry(320)])
    native.feed([poll(350, NIC), poll(420, USB), soft_exit(425)])
    assert net_rx(native.read()) == {"eth0": (1, 35), "usb3": (0, 70)}


def test_the_order_is_that_of_the_raises(native: Native) -> None:
    native.feed([*quiet(), *raised_by(USB, 300), *raised_by(NIC, 310), soft_entry(320)])
    native.feed([poll(350, USB), poll(420, NIC), soft_exit(425)])
    assert net_rx(native.read()) == {"usb3": (1, 35), "eth0": (0, 70)}


def test_a_line_that_interrupts_when_the_softirq_lets_it(native: Native) -> None:
    """As the second line of a virtio card does: its own run then polls nothing."""
    native.feed([*quiet(), *raised_by(NIC, 300), soft_entry(320), *raised_by(USB, 322)])
    native.feed([poll(350, NIC), poll(420, USB), soft_exit(425), soft_entry(430), soft_exit(433)])
    assert net_rx(native.read()) == {"eth0": (1, 33), "usb3": (1, 70 + 3)}


def test_an_interrupt_inside_a_poll_is_no_part_of_it(native: Native) -> None:
    native.feed([*quiet(), *raised_by(NIC, 300), *raised_by(USB, 310), soft_entry(320)])
    native.feed([irq_entry(330), irq_exit(333), poll(350, NIC), irq_entry(360), irq_exit(366)])
    native.feed([poll(420, USB), irq_entry(421), irq_exit(422), soft_exit(425)])
    assert net_rx(native.read()) == {"eth0": (1, 27 + 4), "usb3": (0, 64)}


def test_the_backlog_takes_its_own_raise(native: Native) -> None:
    """A task has sent over loopback; then a line interrupts."""
    native.feed([*quiet(), soft_raise(300, on=SHELL), *raised_by(USB, 310), soft_entry(320)])
    native.feed([backlog(350), poll(420, USB), soft_exit(425)])
    assert net_rx(native.read()) == {"usb3": (0, 70), "": (2, 35)}


def test_the_backlog_is_no_lines(native: Native) -> None:
    """A handler that hands a packet in itself (netif_rx()) schedules the backlog of all."""
    native.feed([*quiet(), *raised_by(NIC, 300), soft_entry(320), backlog(350), soft_exit(425)])
    native.feed([soft_raise(500, on=SHELL), soft_entry(520), backlog(550), soft_exit(555)])
    assert net_rx(native.read()) == {"eth0": (1, 105), "": (2, 35)}


def test_the_backlog_of_a_handler_is_its_lines(native: Native) -> None:
    native.feed([*quiet(), *raised_by(NIC, 300), *raised_by(USB, 310), soft_entry(320)])
    native.feed([poll(350, NIC), backlog(420), soft_exit(425)])
    assert net_rx(native.read()) == {"eth0": (1, 35), "usb3": (0, 70)}


def test_what_is_scheduled_without_a_raise_is_known_from_before(native: Native) -> None:
    """While polls go on: it comes last."""
    native.feed([*both_known(), *raised_by(NIC, 300), soft_entry(320), poll(350, NIC)])
    native.feed([irq_entry(360, USB), irq_exit(366, USB), poll(420, USB), soft_exit(425)])
    assert net_rx(native.read()) == {"eth0": (2, 10 + 35), "usb3": (1, 10 + 64)}


def test_what_was_never_known_stays_with_the_cause(native: Native) -> None:
    native.feed([*quiet(), *raised_by(NIC, 300), soft_entry(320), poll(350, NIC)])
    native.feed([irq_entry(360, USB), irq_exit(366, USB), poll(420, USB), soft_exit(425)])
    assert net_rx(native.read()) == {"eth0": (1, 105 - 6)}


def test_before_the_list_was_seen_empty_nothing_is_known(native: Native) -> None:
    """The probe was attached while USB's was on it."""
    native.feed([*raised_by(NIC, 300), soft_entry(320), poll(350, USB), poll(420, NIC)])
    native.feed([soft_exit(425)])
    assert net_rx(native.read()) == {"eth0": (1, 105)}


def test_a_budget_that_is_used_up_puts_it_at_the_end(native: Native) -> None:
    """NIC's goes behind USB's; what is polled then is known from before."""
    native.feed([*both_known(), *raised_by(NIC, 300), *raised_by(USB, 310), soft_entry(320)])
    native.feed([poll(350, NIC, BUDGET), *raised_by(USB, 352), poll(400, USB), poll(420, NIC)])
    native.feed([soft_exit(425)])
    assert net_rx(native.read()) == {"eth0": (2, 10 + 30 + 25), "usb3": (1, 10 + 48)}


def test_a_run_that_leaves_something_loses_the_order(native: Native) -> None:
    """It raises NET_RX itself: USB's is left, and NIC's raise comes behind it."""
    native.feed([*both_known(), *raised_by(USB, 300), soft_entry(320), soft_raise(330)])
    native.feed([soft_exit(340), *raised_by(NIC, 350), soft_entry(360), poll(390, USB)])
    native.feed([poll(395, NIC), soft_exit(400), soft_entry(410), soft_exit(411)])
    assert net_rx(native.read()) == {"usb3": (2 + 1, 10 + 20 + 35), "eth0": (2, 10 + 5 + 1)}


def test_the_raise_of_a_run_schedules_nothing(native: Native) -> None:
    """Whatever was remembered eight raises ago."""
    native.feed(quiet())
    for start_ns in range(20, 180, 20):
        run = [soft_entry(start_ns + 5), poll(start_ns + 10, USB), soft_exit(start_ns + 10)]
        native.feed([*raised_by(USB, start_ns), *run])
    native.feed([*raised_by(NIC, 300), soft_entry(320), soft_raise(330), soft_exit(340)])
    native.feed([*raised_by(NIC, 350), soft_entry(360), poll(390, NIC), poll(395, NIC)])
    native.feed([soft_exit(400)])
    assert net_rx(native.read()) == {"usb3": (8, 8 * 5), "eth0": (2, 20 + 40)}


def test_what_a_run_leaves_is_not_of_the_next_raises(native: Native) -> None:
    """The backlog and USB's were scheduled while polls went on."""
    native.feed([*both_known(), soft_raise(300, on=SHELL), soft_entry(320), backlog(325)])
    native.feed([soft_raise(330), soft_exit(330), *raised_by(NIC, 350), soft_entry(360)])
    native.feed([backlog(365), poll(395, USB), poll(400, NIC), soft_exit(400)])
    assert net_rx(native.read()) == {"": (2 + 1, 10 + 5), "usb3": (1, 10 + 30), "eth0": (1, 10 + 5)}


def test_the_order_is_known_again_after_a_run_that_leaves_nothing(native: Native) -> None:
    native.feed([*quiet(), *raised_by(USB, 300), soft_entry(320), soft_raise(330), soft_exit(340)])
    native.feed([soft_entry(345), soft_exit(350), *raised_by(NIC, 360), *raised_by(USB, 365)])
    native.feed([soft_entry(370), poll(380, NIC), poll(400, USB), soft_exit(400)])
    assert net_rx(native.read()) == {"usb3": (2, 20 + 5 + 20), "eth0": (1, 10)}


def test_a_raise_of_another_softirq_is_no_lines(native: Native) -> None:
    """RCU, which NIC has caused, lets a packet go over loopback."""
    native.feed([*quiet(), irq_entry(200, NIC), soft_raise(201, RCU), irq_exit(202, NIC)])
    native.feed([soft_entry(210, RCU), soft_raise(215), soft_exit(220, RCU), soft_entry(230)])
    native.feed([poll(240, USB), soft_exit(250), soft_raise(300, on=SHELL), soft_entry(310)])
    native.feed([poll(350, USB), soft_exit(360)])
    assert net_rx(native.read()) == {"eth0": (1, 20), "": (2, 50)}


def test_a_timer_that_schedules_a_lines_queue(native: Native) -> None:
    """napi_defer_hard_irqs: the queue stays the line's."""
    native.feed([*both_known(), vector_entry(300), soft_raise(310), vector_exit(320)])
    native.feed([soft_entry(330), poll(350, NIC), soft_exit(355)])
    found = net_rx(native.read())
    assert (found["eth0"], found["local_timer"]) == ((1, 10 + 20), (1, 5))


def test_an_ipi_that_raises_loses_the_order(native: Native) -> None:
    """It may have scheduled nothing: freed packets wait for this CPU (trigger_rx_softirq())."""
    native.feed([*both_known(), vector_entry(300), soft_raise(305), vector_exit(305)])
    native.feed([*raised_by(NIC, 310), *raised_by(USB, 315), soft_entry(320), poll(350, NIC)])
    native.feed([poll(420, USB), soft_exit(425)])
    found = net_rx(native.read())
    assert (found["eth0"], found["usb3"]) == ((1, 10 + 30), (1, 10 + 70))


def test_a_line_that_each_cpu_has_for_itself_is_as_an_ipi(native: Native) -> None:
    """Timers and IPIs of arm64 and of Xen."""
    ipi = Line(3, 0xA3000, "IPI")
    native.feed([*both_known(), irq_entry(290, ipi), irq_exit(290, ipi)])
    flags = struct.pack("=I", IRQF_PERCPU | 0x4000)
    native.memory(ipi.action + OFFSETS["OFFSET_irqaction_flags"], flags)
    native.feed([*raised_by(ipi, 300), *raised_by(NIC, 310), *raised_by(USB, 315)])
    native.feed([soft_entry(320), poll(350, NIC), poll(420, USB), soft_exit(425)])
    assert net_rx(native.read()) == {"IPI": (1, 5), "eth0": (1, 10 + 30), "usb3": (1, 10 + 70)}


def test_a_tasks_raise_that_was_for_another_cpu_loses_the_order(native: Native) -> None:
    """RPS: nothing is scheduled here."""
    native.feed([*both_known(), soft_raise(300, on=SHELL)])
    native.feed([*raised_by(NIC, 310), *raised_by(USB, 315), soft_entry(320), poll(350, NIC)])
    native.feed([poll(420, USB), soft_exit(425)])
    assert net_rx(native.read()) == {"": (2, 5), "eth0": (1, 10 + 30), "usb3": (1, 10 + 70)}


def test_a_queue_that_another_line_took_over(native: Native) -> None:
    native.feed([*both_known(), *raised_by(USB, 300), soft_entry(310), poll(320, NIC)])
    native.feed([soft_exit(325), soft_raise(400, on=SHELL), soft_entry(410), backlog(420)])
    native.feed([poll(450, NIC), soft_exit(455)])
    assert net_rx(native.read()) == {"eth0": (1, 10), "usb3": (2, 10 + 15 + 30), "": (2, 15)}


def test_a_task_that_polls_is_not_a_run(native: Native) -> None:
    native.feed([*quiet(), *raised_by(NIC, 300), poll(310, USB, on=SHELL), soft_entry(320)])
    native.feed([poll(330, NIC), soft_exit(340), poll(350, USB, on=SHELL)])
    assert net_rx(native.read()) == {"eth0": (1, 20)}


def test_a_poll_without_a_budget_is_part_of_another(native: Native) -> None:
    """netpoll: the console sends from inside a poll."""
    native.feed([*both_known(), *raised_by(NIC, 300), soft_entry(320)])
    native.feed([napi_poll("usb3", 0, 0, at_ns=330, napi=INSTANCES[USB]), poll(350, NIC)])
    native.feed([soft_exit(360)])
    assert net_rx(native.read()) == {"eth0": (2, 10 + 40), "usb3": (1, 10)}


@pytest.mark.parametrize(("raises", "usb_ns"), [(7, 20), (8, 0)])
def test_more_on_the_list_than_is_remembered(native: Native, raises: int, usb_ns: int) -> None:
    native.feed(quiet())
    for number in range(raises):
        native.feed(raised_by(NIC, 300 + 10 * number))
    native.feed([*raised_by(USB, 400), soft_entry(500)])
    native.feed(poll(510 + number, NIC) for number in range(raises))
    native.feed([poll(509 + raises + 20, USB), soft_exit(600)])
    assert net_rx(native.read()).get("usb3", (0, 0)) == (0, usb_ns)


def test_more_polls_for_others_than_are_moved(native: Native) -> None:
    native.feed([*both_known(), *raised_by(NIC, 300), soft_entry(320), poll(325, NIC)])
    native.feed(poll(330 + 10 * number, USB) for number in range(10))
    native.feed([soft_exit(430)])
    moved_ns = 5 + 7 * 10
    assert net_rx(native.read()) == {"eth0": (2, 10 + 110 - moved_ns), "usb3": (1, 10 + moved_ns)}


def test_a_run_that_is_not_seen_to_end_moves_nothing(native: Native) -> None:
    native.feed([*both_known(), *raised_by(NIC, 300), soft_entry(320), poll(350, NIC)])
    native.feed([poll(420, USB), *raised_by(NIC, 430), soft_entry(440), soft_exit(450)])
    assert net_rx(native.read()) == {"eth0": (2, 10 + 10), "usb3": (1, 10)}


def test_cpus_have_lists_of_their_own(native: Native) -> None:
    native.feed([*quiet(), *quiet(20, IDLE_1), *raised_by(NIC, 300), *raised_by(USB, 310, IDLE_1)])
    native.feed([soft_entry(320), soft_entry(320, on=IDLE_1), poll(350, NIC)])
    native.feed([poll(360, USB, on=IDLE_1), soft_exit(370), soft_exit(380, on=IDLE_1)])
    assert net_rx(native.read()) == {"eth0": (1, 50), "usb3": (1, 60)}


def test_a_line_that_is_not_in_the_map_leaves_its_time(native: Native) -> None:
    """It was freed: its 10 ns from before are gone with it."""
    native.feed(both_known())
    native.forget_lines(lambda irq, name: name == "usb3")
    native.feed([*raised_by(NIC, 300), soft_entry(320), poll(350, NIC), poll(420, USB)])
    native.feed([soft_exit(425)])
    (part,) = native.read().parts["hardirqs"]
    assert (part.action, part.softirqs["NET_RX"].ns) == ("eth0", 10 + 105)


def test_what_cannot_be_kept_is_not_known_later(native: Native) -> None:
    native.limit("napi_lines", 0)
    native.feed([*both_known(), *raised_by(NIC, 300), soft_entry(320), poll(350, NIC)])
    native.feed([poll(420, USB), soft_exit(425)])
    assert net_rx(native.read()) == {"eth0": (2, 10 + 105), "usb3": (1, 10)}


def test_without_the_napi_collector_the_oldest_raise_has_it_all() -> None:
    events = [*quiet(), *raised_by(NIC, 300), *raised_by(USB, 310), soft_entry(320)]
    events += [poll(350, NIC), poll(420, USB), soft_exit(425)]
    assert net_rx(replay(events, 1, ("hardirq", "softirq"))) == {"eth0": (1, 105)}


@pytest.mark.parametrize("call", range(8))
@pytest.mark.parametrize("outer", ["napi_poll", "softirq_entry", "softirq_exit"])
def test_an_interrupt_that_comes_over_the_programs(native: Native, outer: str, call: int) -> None:
    """Sums over causes still equal the whole: net_rx() holds it."""
    inner = [irq_entry(406, USB), soft_raise(407), irq_exit(408, USB)]
    events = [*both_known(), *raised_by(NIC, 300), soft_entry(320), poll(350, USB)]
    for event in [*events, poll(420, USB), soft_exit(425)]:
        over = event.time_ns > 200 and event.name == outer
        native.fire(event, [(call, each) for each in inner] if over else [])
    native.feed([soft_entry(430, NET_RX), poll(440, USB), soft_exit(450)])
    assert net_rx(native.read())["usb3"][1] >= 10
