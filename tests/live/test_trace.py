"""Single events, on this kernel."""

import json
import subprocess
import time

import pytest

from irqwatch.model.slow_event import SlowEvent
from irqwatch.source.slow_events import SlowEvents, WantedEvents
from tests.e2e.serving import LIMIT_SECONDS
from tests.live import lines
from tests.live.agent import IRQWATCH
from tests.live.kernel import interrupt_counts, programs, softirq_count, wait_for
from tests.live.load import send_udp_packets

pytestmark = pytest.mark.live

# Where the kernel runs no BPF program for a moment (docs/oracle.md).
FEW = 10
EVERYTHING_NS = 0
READS = 20


def all_there(source: SlowEvents) -> list[SlowEvent]:
    """All that came until now; others may make more without an end."""
    events: list[SlowEvent] = []
    for _ in range(READS):
        more = list(source.read(0.2))
        if not more:
            break
        events += more
    return events


def test_each_interrupt_of_a_line_is_an_event_and_no_other_lines() -> None:
    line = lines.any_line()
    irq = line.irq
    most = interrupt_counts()[irq]
    with SlowEvents(WantedEvents(EVERYTHING_NS, irqs=frozenset({irq}))) as source:
        least = interrupt_counts()[irq]
        line.interrupt(60)
        least = interrupt_counts()[irq] - least
        events = all_there(source)
        dropped = source.dropped()
    most = interrupt_counts()[irq] - most
    hardirqs = [event for event in events if event.kind == "hardirq"]
    assert {event.irq for event in events} == {irq}
    assert dropped == 0
    assert least - FEW <= len(hardirqs) <= most
    assert all(event.cause == line.action for event in hardirqs)


def test_a_timer_has_the_name_of_its_function() -> None:
    with SlowEvents(WantedEvents(EVERYTHING_NS)) as source:
        list(source.read(0))
        for _ in range(20):
            time.sleep(0.001)
        timers = [event for event in all_there(source) if event.kind == "timer"]
    assert "hrtimer_wakeup" in {timer.name for timer in timers}  # of who sleeps


def test_only_the_kinds_that_are_wanted_come() -> None:
    kinds = frozenset({"softirq wait", "vector"})
    with SlowEvents(WantedEvents(EVERYTHING_NS, kinds=kinds)) as source:
        list(source.read(0))
        send_udp_packets(20)
        time.sleep(0.001)  # a timer, which is not wanted
        seen = {event.kind for event in all_there(source)}
    assert seen == kinds


def test_nothing_is_slower_than_an_hour() -> None:
    with SlowEvents(WantedEvents(3600 * 10**9)) as source:
        send_udp_packets(100)
        assert all_there(source) == []


def test_what_does_not_fit_is_counted() -> None:
    """A run and a wait of each softirq; the ring buffer has room for a third of them."""
    wanted = WantedEvents(EVERYTHING_NS, softirqs=frozenset({"NET_RX"}))
    most = softirq_count("NET_RX")
    with SlowEvents(wanted) as source:
        least = softirq_count("NET_RX")
        send_udp_packets(2000)
        least = softirq_count("NET_RX") - least
        kept = len(all_there(source))
        dropped = source.dropped()
    most = softirq_count("NET_RX") - most
    assert kept and dropped
    assert 2 * (least - FEW) <= kept + dropped <= 2 * most


def test_the_ring_buffer_goes_round_many_times() -> None:
    wanted = WantedEvents(EVERYTHING_NS, softirqs=frozenset({"NET_RX"}))
    seen = 0
    most = softirq_count("NET_RX")
    with SlowEvents(wanted) as source:
        least = softirq_count("NET_RX")
        for _ in range(20):
            send_udp_packets(300)
            seen += len(list(source.read(0)))
        least = softirq_count("NET_RX") - least
        seen += len(all_there(source))
        assert source.dropped() == 0
    most = softirq_count("NET_RX") - most
    assert 2 * (least - FEW) <= seen <= 2 * most


def test_the_verb_ends_after_so_many_and_leaves_nothing() -> None:
    before = programs()
    done = subprocess.run(
        [IRQWATCH, "trace", "--slower", "1ns", "--json", "-n", "5"],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=True,
    )
    assert len([json.loads(line) for line in done.stdout.splitlines()]) == 5
    wait_for(lambda: not programs() - before, "the programs to go")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--irq", "99999"], "there is no interrupt 99999"),
        (["--device", "nosuch0"], "no interrupt belongs to a device nosuch0"),
        (["--cpu", "4000"], "there is no CPU 4000"),
        (["--slower", "fast"], "is not a duration such as 200us"),
    ],
)
def test_a_filter_that_names_nothing_is_wrong_usage(words: list[str], why: str) -> None:
    done = subprocess.run(
        [IRQWATCH, "trace", *words],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 2
    assert why in done.stderr and len(done.stderr.splitlines()) == 1
