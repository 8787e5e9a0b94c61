"""How long the screen waits for a key."""

import curses

import pytest

from irqwatch import clock
from irqwatch.sink.top import screen
from irqwatch.sink.top.state import State

SECOND_NS = 10**9


class Window:
    """Nobody presses a key; a wait takes as long as it may."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.waits_ms: list[int] = []

    def timeout(self, ms: int) -> None:
        self.waits_ms.append(ms)

    def get_wch(self) -> str:
        self.now_ns += self.waits_ms[-1] * 1_000_000
        raise curses.error


def test_no_wait_is_longer_than_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal just before a wait is seen only after it: with an interval of a minute, Ctrl-C was
    a minute late."""
    window = Window()
    monkeypatch.setattr(clock, "monotonic_ns", lambda: window.now_ns)
    monkeypatch.setattr(clock, "sleep_until", lambda until_ns: None)
    shown = object.__new__(screen._Screen)
    monkeypatch.setattr(shown, "_window", window, raising=False)
    monkeypatch.setattr(shown, "_state", State(), raising=False)
    assert shown._handle_keys(60 * SECOND_NS)
    assert len(window.waits_ms) == 60 and max(window.waits_ms) == 1000
