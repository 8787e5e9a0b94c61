from dataclasses import replace

import pytest

from irqwatch.cells import text_of
from irqwatch.sink.top import frame
from irqwatch.sink.top.playback import FASTEST, SLOWEST, Playback
from irqwatch.sink.top.state import VIEWS, State, on_key


def pressed(keys: str, playback: Playback | None) -> State:
    state = State(playback=playback)
    for key in keys:
        state = on_key(state, key, None, 1)
    return state


@pytest.mark.parametrize(
    ("keys", "number"),
    [
        (".", 51),
        (",", 49),
        ("..,", 51),
        ("]", 62),
        ("[", 38),
        ("]]]]]]", 119),
        ("}", 119),
        ("}.", 119),
        ("{", 0),
        ("{,", 0),
    ],
)
def test_a_step_or_a_jump_stands_still_there(keys: str, number: int):
    state = pressed(keys, Playback(120, 50))

    assert state.playback == Playback(120, number)
    assert state.paused


@pytest.mark.parametrize(
    ("keys", "speed"),
    [("+", 2), ("=+", 4), ("-", 0.5), ("+-", 1), ("+" * 20, FASTEST), ("-" * 20, SLOWEST)],
)
def test_faster_and_slower_go_on(keys: str, speed: float):
    state = pressed(keys, Playback(120, 50))

    assert state.playback == Playback(120, 50, speed)
    assert not state.paused


def test_a_jump_in_a_short_recording_is_a_step():
    assert pressed("]", Playback(3)).playback == Playback(3, 1)


def test_on_a_live_host_the_keys_do_nothing():
    assert pressed(".,[]{}+-=", None) == State()


@pytest.mark.parametrize(
    ("playback", "shown"),
    [
        (Playback(120, 50), "51/120 x1"),
        (Playback(120, 0, 64), "1/120 x64"),
        (Playback(120, 119, 1 / 8), "120/120 x1/8"),
    ],
)
def test_the_footer_says_where_and_how_fast(playback: Playback, shown: str):
    assert str(playback) == shown


def test_the_help_fits_the_usual_terminal():
    state = replace(State(), help=True, playback=Playback(2))
    shown = [text_of(line) for line in frame.lines(None, state, 80, 24)]

    assert any("step" in line for line in shown)
    assert not any("…" in line for line in shown)
    assert all(any(view in line for line in shown[2:4]) for view in VIEWS)
    assert any(line.startswith("lost") for line in shown)
