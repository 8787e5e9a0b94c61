import json
from dataclasses import replace
from datetime import timezone

import pytest

from irqwatch.cells import width_of
from irqwatch.model.slow_event import SlowEvent
from irqwatch.sink.slow_event import NARROWEST_WHAT, header, to_json, to_line, what_width

HARDIRQ = SlowEvent(
    kind="hardirq",
    name="eth0-rx-0",
    cpu=1,
    ns=312_400,
    at_ns=5_000,
    wall_ns=1_700_000_000_123_456_000,
    pid=812,
    comm="nginx",
    irq=34,
    cause="eth0-rx-0",
    is_interrupt=True,
    device="eth0",
    interrupted="NET_RX",
    waiting=("TIMER", "NET_RX"),
    waited_ns=41_000,
)
WORK = replace(
    HARDIRQ,
    kind="work",
    is_interrupt=False,
    name="flush",
    workqueue="events",
    pid=0,
    interrupted="",
    waiting=(),
    waited_ns=0,
)


def test_a_line_stands_under_its_header() -> None:
    line = to_line(HARDIRQ, timezone.utc, NARROWEST_WHAT)
    assert line == (
        "22:13:20.123456   1   312µs  hardirq 34 eth0-rx-0                   "
        "NET_RX in nginx[812]     TIMER NET_RX 41µs"
    )
    titles = header(NARROWEST_WHAT)
    for title, text in (("TOOK", "312µs"), ("WAITING", "41µs")):
        assert titles.index(title) <= line.index(text) + len(text)
    assert titles.index("WHAT") == line.index("hardirq 34")
    assert titles.index("OVER") == line.index("NET_RX in")


@pytest.mark.parametrize("columns", [80, 120, 200, 1000])
def test_long_names_are_cut_and_shift_no_column(columns: int) -> None:
    width = what_width(columns)
    long = replace(HARDIRQ, kind="work", is_interrupt=False, name="a_function" * 12, comm="网" * 15)
    line = to_line(long, timezone.utc, width)
    titles = header(width)
    over = width_of(line[: line.index(" NET_RX in")]) + 1
    assert over == titles.index("OVER")
    assert width_of(line[: line.index("TIMER NET_RX")]) == titles.index("WAITING")
    assert "… <- 34 eth0-rx-0" in line, "the name gives way, its cause does not"


def test_on_a_wide_terminal_a_name_has_the_room() -> None:
    long = replace(HARDIRQ, name="a_name_that_is_longer_than_the_column")
    assert long.name not in to_line(long, timezone.utc, what_width(80))
    assert long.name in to_line(long, timezone.utc, what_width(200))


def test_what_follows_from_an_interrupt_names_it() -> None:
    line = to_line(WORK, timezone.utc, NARROWEST_WHAT)
    assert "work flush (events) <- 34 eth0-rx-0" in line
    assert line.endswith(" idle")


def test_what_follows_from_none_names_none() -> None:
    assert "<-" not in to_line(replace(WORK, irq=None, cause=""), timezone.utc, NARROWEST_WHAT)


def test_json_has_the_same_keys_for_every_event() -> None:
    hardirq, work = json.loads(to_json(HARDIRQ)), json.loads(to_json(WORK))
    assert hardirq.keys() == work.keys()
    assert hardirq == {
        "schema": 1,
        "time": "2023-11-14T22:13:20.123456Z",
        "cpu": 1,
        "kind": "hardirq",
        "name": "eth0-rx-0",
        "seconds": 0.0003124,
        "irq": 34,
        "cause": "eth0-rx-0",
        "device": "eth0",
        "workqueue": None,
        "pid": 812,
        "comm": "nginx",
        "interrupted": "NET_RX",
        "waiting": ["TIMER", "NET_RX"],
        "waited_seconds": 4.1e-05,
    }
    assert (work["waiting"], work["waited_seconds"], work["interrupted"]) == ([], None, None)
