"""What systemd is told: READY, WATCHDOG, STOPPING."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from irqwatch.source import systemd
from irqwatch.source.systemd import Notifier


@pytest.fixture(params=["path", "abstract"])
def told(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    name = f"{tmp_path}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        is_path = request.param == "path"
        listener.bind(name if is_path else f"\0{name}")
        listener.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", name if is_path else f"@{name}")
        yield listener


def all_told(listener: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(listener.recv(1000))
        except BlockingIOError:
            return found


def test_ready_and_stopping(told: socket.socket) -> None:
    with Notifier() as notifier:
        assert notifier.seconds_to_next() is None
        notifier.ready("listening on :1")
        notifier.alive()
        assert all_told(told) == [b"READY=1\nSTATUS=listening on :1"]
    assert all_told(told) == [b"STOPPING=1"]


def test_watchdog_hears_twice_in_its_time(
    told: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ns = [0]
    monkeypatch.setattr(systemd.clock, "monotonic_ns", lambda: now_ns[0])
    monkeypatch.setenv("WATCHDOG_USEC", "2000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    with Notifier() as notifier:
        for now_ns[0] in (0, 1, 999_999_999, 1_000_000_000, 2_500_000_000):
            notifier.alive()
        assert all_told(told) == [b"WATCHDOG=1"] * 3
        assert notifier.seconds_to_next() == 1


@pytest.mark.parametrize("pid", ["1", "x"])
def test_the_watchdog_of_another_process_is_not_fed(
    told: socket.socket, monkeypatch: pytest.MonkeyPatch, pid: str
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "2000000")
    monkeypatch.setenv("WATCHDOG_PID", pid)
    with Notifier() as notifier:
        assert notifier.seconds_to_next() is None


def test_without_systemd_and_with_one_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    with Notifier() as notifier:
        notifier.ready("")
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/at/all")
    with Notifier() as notifier:
        notifier.ready("")
