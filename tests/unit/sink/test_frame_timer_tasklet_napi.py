"""Timers, tasklets and polls on the screen."""

from dataclasses import replace
from datetime import timezone

import pytest

from irqwatch.cells import text_of
from irqwatch.derive.view import derive
from irqwatch.sink.top import detail, frame, table
from irqwatch.sink.top.state import State, rows
from tests import golden_file, hosts

VIEW = derive(hosts.busier(2), hosts.busier(1))
UTC = State(zone=timezone.utc)


def shown(view: str) -> str:
    """The table, and the details of its first source."""
    state = replace(UTC, view=view)
    chosen = rows(VIEW, state)
    lines = table.lines(chosen, state, 100, range(len(chosen)), 0)
    lines += detail.lines(chosen[0], VIEW, UTC.zone)
    return "".join(f"{text_of(line)}\n" for line in lines)


def test_golden() -> None:
    views = ("timer", "tasklet", "napi")
    golden_file.check("top-timer-tasklet-napi.txt", "\n".join(map(shown, views)))


def test_how_late_each_cpu_is_comes_with_the_timers() -> None:
    text = shown("timer")
    assert "p99 by CPU: 0 " in text
    assert "longest wait: 41µs" in text
    assert "over nginx[812]" in text


def test_polls_tell_of_packets_and_budget() -> None:
    source = next(one for one in VIEW.sources if (one.kind, one.name) == ("napi", "eth0"))
    chosen = replace(UTC, view="napi", selected=(source.kind, None, source.name, None))
    text = "\n".join(text_of(line) for line in frame.lines(VIEW, chosen, 120, 24))
    assert "200,020 packets, 30.0% to the end of the budget" in text
    assert "packets a poll: 22.2" in text


@pytest.mark.parametrize("view", ["timer", "tasklet", "napi"])
def test_a_collector_that_is_off_is_said_to_be(view: str) -> None:
    bare = replace(VIEW, sources=(), collectors=frozenset({"hardirq"}))
    lines = frame.lines(bare, replace(UTC, view=view), 120, 24)
    assert any(f"no {view} was counted; its collector is off" in text_of(line) for line in lines)
