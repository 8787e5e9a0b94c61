"""bpf/timer.c: how late timers fire."""

import pytest

from irqwatch.collectors.timer import TimerTime
from irqwatch.model.histogram import bucket_of
from irqwatch.model.snapshot import Probe
from tests.native.build import KERNEL, OFFSETS, build, compilers
from tests.native.harness import NOW_AT, Native
from tests.native.sequence import HRTIMER, IDLE_1, SHELL, hrtimer


def only(probe: Probe) -> TimerTime:
    (timer,) = probe.parts["timers"]
    return timer


def losses(probe: Probe) -> dict[str, int]:
    return {reason: count for reason, count in probe.losses["timer"].items() if count}


def test_latency_is_from_its_expiry(native: Native) -> None:
    native.feed([hrtimer(1000, late_ns=700), hrtimer(5000, late_ns=90_000)])
    timer = only(native.read())
    assert (timer.cpu, timer.mode, timer.early_count) == (0, "hard", 0)
    assert timer.latency.buckets == {bucket_of(700): 1, bucket_of(90_000): 1}
    assert timer.latency.sum_ns == 90_700


def test_on_time_is_a_latency_of_zero(native: Native) -> None:
    native.feed([hrtimer(1000, late_ns=0)])
    assert only(native.read()).latency.buckets == {0: 1}


@pytest.mark.parametrize("late_ns", [-1, -50_000, -(10**18)])
def test_early_is_no_latency(native: Native, late_ns: int) -> None:
    native.feed([hrtimer(1000, late_ns=late_ns), hrtimer(2000, late_ns=40)])
    timer = only(native.read())
    assert (timer.early_count, timer.latency.count, timer.latency.sum_ns) == (1, 1, 40)


def test_an_expiry_before_the_epoch_is_late(native: Native) -> None:
    """Expiries are signed."""
    native.feed([hrtimer(1000, late_ns=500, expires_ns=-200)])
    timer = only(native.read())
    assert (timer.early_count, timer.latency.sum_ns) == (0, 500)


def test_soft_and_hard_are_apart(native: Native) -> None:
    native.feed([hrtimer(1000, 100), hrtimer(2000, 4000, is_soft=True), hrtimer(3000, 10)])
    by_mode = {timer.mode: timer.latency for timer in native.read().parts["timers"]}
    assert {mode: (of.count, of.sum_ns) for mode, of in by_mode.items()} == {
        "hard": (2, 110),
        "soft": (1, 4000),
    }


def test_cpus_are_apart(native: Native) -> None:
    native.feed([hrtimer(1000, 100), hrtimer(2000, 300, on=IDLE_1)])
    assert {timer.cpu: timer.latency.sum_ns for timer in native.read().parts["timers"]} == {
        0: 100,
        1: 300,
    }


def test_cpu_beyond_the_map(native: Native) -> None:
    native.reset(cpus=1)
    native.feed([hrtimer(1000, 100, on=IDLE_1)])
    assert native.read().parts["timers"] == ()


def test_worst_is_with_its_story_and_of_its_interval(native: Native) -> None:
    native.feed([hrtimer(1000, 100), hrtimer(2000, 9000, on=SHELL), hrtimer(3000, 50)])
    worst = only(native.read()).worst_latency
    assert worst
    assert (worst.ns, worst.at_ns, worst.pid, worst.comm) == (9000, 2000, 700, "bash")
    native.feed([hrtimer(4000, -5)])
    assert only(native.read()).worst_latency is None


@pytest.mark.parametrize(
    "address", [NOW_AT, HRTIMER + OFFSETS["OFFSET_hrtimer_is_soft"]], ids=["now", "timer"]
)
def test_what_cannot_be_read_is_counted(native: Native, address: int) -> None:
    event = hrtimer(1000, 100)
    native.fire(event)
    native.memory(address, b"")
    native.maps.send("event", 2000, event.name, HRTIMER, NOW_AT)
    probe = native.read()
    assert only(probe).latency.count == 1
    assert losses(probe) == {"unreadable": 1}


@pytest.mark.skipif(not compilers(), reason="there is no C compiler here (gcc or clang)")
def test_a_kernel_that_hands_the_time_itself_over() -> None:
    """Linux 7.1: not where it stands."""
    program = build("replay.c", compilers()[0], kernel={**KERNEL, "TIMER_NOW_IS_A_VALUE": 1})
    with Native(cpus=1, program=program) as native:
        event = hrtimer(1000, 100)
        native.fire(event)  # an address, which is no time: it is far below zero
        native.maps.send("event", 2000, event.name, HRTIMER, event.args[1])
        probe = native.read()
    assert losses(probe) == {}
    assert (only(probe).early_count, only(probe).latency.buckets) == (1, {bucket_of(100): 1})


def test_a_hard_timer_inside_the_program_of_a_soft_one_is_a_miss(native: Native) -> None:
    native.fire(hrtimer(1000, 100, is_soft=True), [(2, hrtimer(1000, 5))])
    probe = native.read()
    assert only(probe).mode == "soft"
    assert {p.name: p.recursion_misses for p in probe.programs}["irqw_hrtimer"] == 1
