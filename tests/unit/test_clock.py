import time

import pytest

from irqwatch import clock


@pytest.mark.parametrize(
    ("text", "offset_ns"),
    [
        ("monotonic           0         0\nboottime            0         0\n", 0),
        ("monotonic      100000         7\nboottime            3         0\n", 100_000_000_000_007),
        ("boottime            3         0\nmonotonic         -2 500000000\n", -1_500_000_000),
        ("boottime            3         0\n", 0),
        ("monotonic\nmonotonic x 0\n", 0),
        ("", 0),
    ],
)
def test_offset_of_the_time_namespace(text: str, offset_ns: int) -> None:
    assert clock.namespace_offset_ns(text) == offset_ns


def test_clock_and_sleep_are_those_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """No wait is longer than a second: a signal just before one is seen only after it."""
    slept: list[float] = []
    monkeypatch.setattr(clock, "_OFFSET_NS", 100_000 * 10**9)
    monkeypatch.setattr(time, "monotonic_ns", lambda: 100_005 * 10**9 + round(sum(slept) * 10**9))
    monkeypatch.setattr(time, "sleep", slept.append)

    assert clock.monotonic_ns() == 5 * 10**9
    clock.sleep_until(7 * 10**9 + 5 * 10**8)
    clock.sleep_until(4 * 10**9)
    assert slept == [1, 1, 0.5]
