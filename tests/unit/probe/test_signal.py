"""bpf/signal.c: pairs, what sent them, and those that never come."""

import signal
from dataclasses import replace

import pytest

from irqwatch.collectors.signal import SignalTime, name_of
from irqwatch.model.histogram import bucket_of
from irqwatch.model.snapshot import Probe
from irqwatch.source.probe import ABANDONED_NS
from tests.native.harness import Native
from tests.native.sequence import IDLE, IDLE_1, SHELL, TGID, Task, deliver, generate

TERM, KILL, ALRM, SEGV, CHLD, USR1 = 15, 9, 14, 11, 17, 10
RT = 40
USER, TGKILL, MAPERR = 0, -6, 1  # si_code
OTHER_THREAD = Task(1, 900, "writer", is_kthread=False)
IGNORED, ALREADY_PENDING, NO_ROOM, LOST_INFO = 1, 2, 3, 4


def only(probe: Probe) -> SignalTime:
    (one,) = probe.parts["signals"]
    return one


def losses(probe: Probe) -> dict[str, int]:
    return {reason: count for reason, count in probe.losses["signal"].items() if count}


def test_generated_and_delivered(native: Native) -> None:
    native.feed([generate(1000, USR1), deliver(4000, USR1)])
    probe = native.read()
    one = only(probe)
    assert (one.signal, one.origin, one.cpu) == ("SIGUSR1", "user", 0)
    assert (one.generated_count, one.dropped_count) == (1, 0)
    assert (one.latency.buckets, one.latency.sum_ns) == ({bucket_of(3000): 1}, 3000)
    assert one.worst_latency and (one.worst_latency.ns, one.worst_latency.pid) == (3000, SHELL.pid)
    assert not losses(probe)
    assert native.entries("signals_pending") == {}


def test_counts_where_it_was_generated_and_time_where_it_was_delivered(native: Native) -> None:
    native.feed([generate(1000, USR1, on=IDLE_1), deliver(4000, USR1)])
    assert [
        (s.cpu, s.generated_count, s.latency.count) for s in native.read().parts["signals"]
    ] == [
        (0, 0, 1),
        (1, 1, 0),
    ]


@pytest.mark.parametrize(
    ("number", "code", "info", "origin"),
    [
        (TERM, 0, 0xF4000, "user"),  # kill()
        (TERM, -6, 0xF4000, "user"),  # tgkill()
        (RT, -1, 0xF4000, "user"),  # sigqueue()
        (TERM, 5, 0, "user"),  # SEND_SIG_NOINFO
        (ALRM, 0, 1, "timer"),  # SEND_SIG_PRIV: setitimer()
        (RT, -2, 0xF4000, "timer"),  # timer_create()
        (SEGV, 1, 0xF4000, "exception"),  # SEGV_MAPERR
        (SEGV, 128, 0xF4000, "exception"),  # a general protection fault
        (SEGV, 0, 0xF4000, "user"),
        (CHLD, 1, 0xF4000, "kernel"),  # CLD_EXITED
        (KILL, 0, 1, "kernel"),  # SEND_SIG_PRIV
        (TERM, -5, 0xF4000, "kernel"),  # SI_SIGIO
    ],
)
def test_origin(native: Native, number: int, code: int, info: int, origin: str) -> None:
    native.feed([generate(1000, number, code, info=info), deliver(2000, number)])
    assert only(native.read()).origin == origin


@pytest.mark.parametrize("result", [IGNORED, ALREADY_PENDING, NO_ROOM])
def test_dropped_is_not_pending(native: Native, result: int) -> None:
    native.feed([generate(1000, USR1, result=result)])
    one = only(native.read())
    assert (one.generated_count, one.dropped_count) == (1, 1)
    assert native.entries("signals_pending") == {}


def test_pending_already_counts_from_the_first(native: Native) -> None:
    native.feed([generate(1000, USR1), generate(3000, USR1, result=ALREADY_PENDING)])
    native.feed([deliver(4000, USR1)])
    assert only(native.read()).latency.sum_ns == 3000


def test_lost_siginfo_is_pending(native: Native) -> None:
    native.feed([generate(1000, RT, result=LOST_INFO), deliver(4000, RT)])
    assert only(native.read()).latency.sum_ns == 3000


def test_one_that_never_came_does_not_make_the_next_late(native: Native) -> None:
    """sigwait() took it, or its process ended and the number went to another."""
    native.feed([generate(1000, USR1), generate(9000, USR1), deliver(9500, USR1)])
    assert only(native.read()).latency.sum_ns == 500


def test_realtime_signals_queue_up_behind_the_oldest(native: Native) -> None:
    native.feed([generate(1000, RT), generate(2000, RT), deliver(5000, RT), deliver(6000, RT)])
    probe = native.read()
    assert (only(probe).latency.count, only(probe).latency.sum_ns) == (1, 4000)
    assert losses(probe) == {"deliver_behind_another": 1}
    assert native.entries("signals_pending") == {}


def test_a_threads_own_signal_and_its_processs(native: Native) -> None:
    native.feed([generate(1000, USR1), generate(2000, USR1, TGKILL, is_group=False)])
    native.feed([deliver(2500, USR1, TGKILL), deliver(4000, USR1)])
    probe = native.read()
    assert only(probe).latency.sum_ns == 500 + 3000
    assert not losses(probe)


def test_what_sigwait_took_of_a_thread_is_not_taken_for_its_processs(native: Native) -> None:
    native.feed([generate(1000, USR1, TGKILL, is_group=False)])
    native.feed([generate(9000, USR1), deliver(9500, USR1)])
    assert only(native.read()).latency.sum_ns == 500


@pytest.mark.parametrize(("number", "code"), [(USR1, TGKILL), (SEGV, MAPERR)])
def test_what_sigwait_took_of_a_process_is_not_taken_for_a_threads(
    native: Native, number: int, code: int
) -> None:
    native.feed([generate(1000, number)])
    native.feed([generate(9000, number, code, is_group=False), deliver(9500, number, code)])
    assert sum(part.latency.sum_ns for part in native.read().parts["signals"]) == 500


@pytest.mark.parametrize(("is_group", "code"), [(True, TGKILL), (False, USER)])
def test_where_there_is_one_it_is_the_one(native: Native, is_group: bool, code: int) -> None:
    """Its siginfo may be lost, and the kernel's own say USER to threads too (SIGPIPE)."""
    native.feed([generate(1000, USR1, is_group=is_group), deliver(4000, USR1, code)])
    assert only(native.read()).latency.sum_ns == 3000


def test_any_thread_may_take_its_processs_signal(native: Native) -> None:
    native.feed([generate(1000, USR1, to=SHELL), deliver(2000, USR1, on=OTHER_THREAD)])
    assert sum(s.latency.sum_ns for s in native.read().parts["signals"]) == 1000


def test_another_threads_signal_is_not_taken(native: Native) -> None:
    native.feed([generate(1000, USR1, is_group=False), deliver(2000, USR1, on=OTHER_THREAD)])
    assert losses(native.read()) == {"deliver_without_generate": 1}


def test_a_fatal_signal_is_delivered_as_sigkill(native: Native) -> None:
    native.feed([generate(1000, TERM), deliver(3000, KILL, info=0, fatal=TERM)])
    native.feed(
        [deliver(3500, KILL, on=OTHER_THREAD, info=0, fatal=TERM)]
    )  # the other threads' is no loss
    probe = native.read()
    assert (only(probe).signal, only(probe).latency.sum_ns) == ("SIGTERM", 2000)
    assert not losses(probe)


def test_deliver_without_generate(native: Native) -> None:
    native.feed([deliver(3000, USR1)])
    probe = native.read()
    assert probe.parts["signals"] == ()
    assert losses(probe) == {"deliver_without_generate": 1}


@pytest.mark.parametrize(
    ("full", "reason", "left"),
    [
        ("signals_pending", "pending_map_full", {"deliver_without_generate": 1}),
        ("signals", "generate_map_full", {"deliver_without_generate": 1}),
    ],
)
def test_full_maps(native: Native, full: str, reason: str, left: dict[str, int]) -> None:
    native.limit(full, 0)
    native.feed([generate(1000, USR1), deliver(2000, USR1)])
    assert losses(native.read()) == {reason: 1, **left}


def test_full_map_at_delivery(native: Native) -> None:
    native.limit("signals", 1)
    native.feed([generate(1000, USR1, on=IDLE_1), deliver(2000, USR1)])
    assert losses(native.read()) == {"deliver_map_full": 1}


def test_never_delivered_is_forgotten(native: Native) -> None:
    native.feed([generate(1000, USR1), replace(generate(ABANDONED_NS, TERM), cpu=0)])
    native.read()
    assert len(native.entries("signals_pending")) == 2
    native.feed([generate(ABANDONED_NS + 2000, CHLD, on=IDLE, result=IGNORED)])
    native.read()
    assert len(native.entries("signals_pending")) == 1


def test_process_is_not_a_thread_of_the_same_number(native: Native) -> None:
    """Process 77777777's signal, and the one of a thread with that number, are two."""
    thread = Task(0, TGID, "bash", is_kthread=False)
    native.feed([generate(1000, USR1, to=thread), generate(2000, USR1, to=thread, is_group=False)])
    assert len(native.entries("signals_pending")) == 2


def test_names() -> None:
    assert [name_of(number) for number in (1, 9, 32, 33)] == ["SIGHUP", "SIGKILL", "SIG32", "SIG33"]
    assert name_of(signal.SIGRTMIN) == "SIGRTMIN"
    assert name_of(signal.SIGRTMIN + 3) == "SIGRTMIN+3"
    assert name_of(64) == "SIGRTMAX"
