"""The signal collector against the kernel's own trace."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from irqwatch.collectors.signal import SignalTime
from irqwatch.model.histogram import merge
from irqwatch.model.snapshot import Probe
from irqwatch.source import bpf_syscalls, loader
from irqwatch.source.probe import ProbeReader
from tests.live.recording import Seen, quiet_interval, record
from tests.live.rounds import mostly
from tests.live.spans import fits, paired

pytestmark = pytest.mark.live

EVENTS = ("signal/signal_generate", "signal/signal_deliver")
NAMES = ("signal_generate", "signal_deliver")
SENT = 200
ALARMS = 50
QUEUED = 30
RT = signal.SIGRTMIN + 5


@pytest.fixture
def handled() -> Iterator[list[int]]:
    """The numbers of the signals that came, of those that the tests send."""
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGUSR1, signal.SIGALRM, RT)
    }
    try:
        yield came
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def wait_until(came: list[int], number: int, times: int) -> None:
    deadline = time.monotonic() + 20
    while came.count(number) < times:
        assert time.monotonic() < deadline, f"signal {number} came {came.count(number)} times"
        time.sleep(0.001)


def send_and_be_woken(came: list[int]) -> None:
    came.clear()
    for sent in range(SENT):
        os.kill(os.getpid(), signal.SIGUSR1)
        wait_until(came, signal.SIGUSR1, sent + 1)
    for set_ in range(ALARMS):
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        wait_until(came, signal.SIGALRM, set_ + 1)


def mine(seen: list[Seen], number: int) -> list[Seen]:
    """Of one signal to this process."""
    return [
        one
        for one in seen
        if one.fields["sig"] == number
        and (one.fields["pid"] if one.name == NAMES[0] else one.pid) == os.getpid()
    ]


def of(probe: Probe, name: str, origin: str) -> list[SignalTime]:
    return [time for time in probe.parts["signals"] if (time.signal, time.origin) == (name, origin)]


@pytest.mark.parametrize(
    ("number", "origin", "count"),
    [(signal.SIGUSR1, "user", SENT), (signal.SIGALRM, "timer", ALARMS)],
)
def test_times_are_those_of_the_trace(
    handled: list[int], number: signal.Signals, origin: str, count: int
) -> None:
    def compare() -> None:
        recording = record("signal", EVENTS, lambda: send_and_be_woken(handled))
        recording = recording._replace(
            first=mine(recording.first, number), second=mine(recording.second, number)
        )
        interval = quiet_interval(recording, NAMES)
        spans = paired(interval.first, interval.second)
        assert not of(interval.before, number.name, origin)
        parts = of(interval.after, number.name, origin)
        assert sum(part.generated_count for part in parts) == len(spans) == count
        assert fits(merge(part.latency for part in parts), spans)

    mostly(compare, "signals")


@pytest.fixture
def reader() -> Iterator[ProbeReader]:
    cpus = bpf_syscalls.possible_cpus()
    loaded, unavailable = loader.load(["signal"], loader.sizes(64, range(cpus)))
    assert not unavailable
    reader = ProbeReader(loaded, tuple(range(cpus)))
    try:
        yield reader
    finally:
        reader.close()


def counts(probe: Probe, name: str, origin: str) -> tuple[int, int, int]:
    """Generated, dropped, delivered."""
    parts = of(probe, name, origin)
    return (
        sum(part.generated_count for part in parts),
        sum(part.dropped_count for part in parts),
        sum(part.latency.count for part in parts),
    )


def test_blocked_realtime_signals_queue_and_others_do_not(
    reader: ProbeReader, handled: list[int]
) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, RT])
    try:
        for _ in range(QUEUED):
            os.kill(os.getpid(), RT)
            os.kill(os.getpid(), signal.SIGUSR1)
        time.sleep(0.01)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1, RT])
    wait_until(handled, signal.SIGUSR1, 1)
    probe = reader.read()
    assert counts(probe, "SIGUSR1", "user") == (QUEUED, QUEUED - 1, 1)
    assert counts(probe, "SIGRTMIN+5", "user") == (QUEUED, 0, 1)
    assert probe.losses["signal"]["deliver_behind_another"] == QUEUED - 1
    (usr1,) = (part for part in of(probe, "SIGUSR1", "user") if part.latency.count)
    assert usr1.latency.sum_ns >= 10**7  # as long as it was blocked
    assert usr1.worst_latency and usr1.worst_latency.ns == usr1.latency.sum_ns


def test_what_sigwait_took_of_a_thread_is_not_taken_for_its_processs(
    reader: ProbeReader, handled: list[int]
) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    try:
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        signal.sigwait([signal.SIGUSR1])
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
    os.kill(os.getpid(), signal.SIGUSR1)
    wait_until(handled, signal.SIGUSR1, 1)
    assert counts(reader.read(), "SIGUSR1", "user") == (2, 0, 1)
    pending = [key for key, _ in reader.capture().reading.entries("signals_pending")]
    own = threading.get_native_id(), os.getpid()
    left = [key.is_group for key in pending if key.signal == signal.SIGUSR1 and key.id in own]
    assert left == [0]


FAULT = f"import {ctypes.__name__}; {ctypes.__name__}.string_at(0)"


@pytest.mark.parametrize(
    ("ends_by", "program", "name", "origin"),
    [
        (signal.SIGSEGV, FAULT, "SIGSEGV", "exception"),
        (signal.SIGTERM, "import os; os.kill(os.getpid(), 15)", "SIGTERM", "user"),
        (signal.SIGKILL, "import os; os.kill(os.getpid(), 9)", "SIGKILL", "user"),
    ],
)
def test_what_ends_a_process_is_delivered(
    reader: ProbeReader, ends_by: signal.Signals, program: str, name: str, origin: str
) -> None:
    def check() -> None:
        """Somebody else may end a process meanwhile."""
        before = reader.read()
        done = subprocess.run([sys.executable, "-c", program], check=False)
        assert done.returncode == -ends_by
        after = reader.read()
        then, now = counts(before, name, origin), counts(after, name, origin)
        assert [n - t for n, t in zip(now, then, strict=True)] == [1, 0, 1]
        assert after.losses == before.losses

    mostly(check, f"{name} of a process that ends")
