"""Keys: what each does to the state, and which rows follow from it."""

from dataclasses import replace

import pytest

from irqwatch.derive.view import derive
from irqwatch.sink.top.row import Row
from irqwatch.sink.top.state import (
    SORT_KEYS,
    SORTS,
    VIEWS,
    State,
    on_key,
    position,
    rows,
)
from tests import hosts

VIEW = derive(hosts.busy(2), hosts.busy(1))


def press(state: State, *keys: str) -> State:
    for key in keys:
        state = on_key(state, key, VIEW, 4)
    return state


def names(state: State) -> list[str]:
    return [source.name for source in rows(VIEW, state)]


def test_direct_keys() -> None:
    assert {press(State(), key).sort for key in SORT_KEYS} == set(SORTS)
    assert [press(State(), key).view for key in "123456789"] == list(VIEWS[:9])


def test_cycles_come_round_both_ways() -> None:
    assert press(State(), *"s" * len(SORTS)) == State()
    assert press(State(), *"v" * len(VIEWS)) == State()
    assert press(State(), "s", "S", "v", "V") == State()


def test_pause_help_and_quit() -> None:
    assert press(State(), "p").paused
    assert not press(State(), "p", " ").paused
    assert press(State(), "?").help
    assert press(State(), "h", "x") == State()
    assert press(State(), "?", "q").quit


def test_a_filter_is_typed_kept_and_cleared() -> None:
    typing = press(State(), "/", *"net_rq", "backspace", "x")
    assert (typing.filter, typing.typing) == ("net_rx", True)
    assert names(typing) == ["NET_RX"]
    kept = press(typing, "enter")
    assert (kept.filter, kept.typing) == ("net_rx", False)
    assert press(kept, "escape") == State()
    assert press(typing, "escape") == State()
    assert press(State(), "/", "q", "p", "up", "\x01").filter == "qp"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ETH0", ["eth0-TxRx-0"]),
        ("nvme0", ["nvme 0 io5 \\x1b[31m"]),
        ("irq24", ["eth0-TxRx-0"]),
        ("mm_percpu", ["vmstat_update"]),
        ("local timer", ["LOC"]),
    ],
)
def test_a_filter_looks_at_all_that_names_a_source(text: str, found: list[str]) -> None:
    assert names(State(filter=text)) == found


def test_views_choose_kinds() -> None:
    assert {source.kind for source in rows(VIEW, State(view="hardirq"))} == {"hardirq", "vector"}
    assert {source.kind for source in rows(VIEW, State(view="work"))} == {"work"}


def test_sorts_put_the_most_first_and_the_unknown_last() -> None:
    assert names(State())[:2] == ["NET_RX", "eth0-TxRx-0"]
    assert names(State())[-1] == "LOC"
    assert names(State(sort="name")) == sorted(names(State()))
    worst = [source.max_s for source in rows(VIEW, State(sort="worst"))]
    known = [value for value in worst if value is not None]
    assert worst[: len(known)] == sorted(known, reverse=True)


def chosen(state: State) -> Row:
    shown = rows(VIEW, state)
    return shown[position(shown, state)]


def test_the_cursor_moves_within_the_rows() -> None:
    assert chosen(press(State(), "up")).name == "NET_RX"
    assert chosen(press(State(), "j", "j", "k")).name == "eth0-TxRx-0"
    assert chosen(press(State(), "end", "down")).name == "LOC"
    assert position(rows(VIEW, State()), press(State(), "page_down")) == 4
    assert chosen(press(State(), "G", "g")).name == "NET_RX"


def test_the_cursor_stays_on_its_row_when_rows_move() -> None:
    state = press(State(), "down")
    assert chosen(state).name == "eth0-TxRx-0"
    assert chosen(press(state, "n")).name == "eth0-TxRx-0"


def test_a_row_that_goes_away_leaves_the_cursor_where_it_was() -> None:
    state = press(State(), "down", "down")
    gone = chosen(state)
    left = tuple(source for source in VIEW.sources if source is not gone.source)
    assert position(rows(replace(VIEW, sources=left), state), state) == 2


def test_moving_over_nothing_is_harmless() -> None:
    nothing = replace(VIEW, sources=(), cpus=())
    for key in ("up", "down", "page_down", "end", "home"):
        for view in VIEWS:
            assert on_key(State(view=view), key, nothing, 3).cursor == 0
            assert on_key(State(view=view), key, None, 3).cursor == 0
