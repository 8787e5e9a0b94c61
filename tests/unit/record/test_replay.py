import io
import sys
from pathlib import Path

import pytest

from irqwatch.errors import RecordingError
from irqwatch.source.replay import STDIN, Replay
from tests.unit.record.recordings import block_ends, busy, recorded

SNAPSHOTS = busy(140)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "host.irqw"
    path.write_bytes(recorded(SNAPSHOTS))
    return path


def test_in_turn(path: Path):
    with Replay(path) as replay:
        assert list(replay) == SNAPSHOTS
        assert replay.cut_off == ""


@pytest.mark.parametrize("numbers", [[0, 139, 3, 2, 61, 60, 59, 60, 61, 130, 130, 0]])
def test_jumps(path: Path, numbers: list[int]):
    with Replay(path) as replay:
        assert len(replay.index) == 140
        for number in numbers:
            assert replay.at(number) == SNAPSHOTS[number]
        assert next(iter(replay)) == SNAPSHOTS[1]


@pytest.mark.parametrize("number", [-1, 140])
def test_there_is_nothing_before_the_first_and_after_the_last(path: Path, number: int):
    with Replay(path) as replay, pytest.raises(IndexError):
        replay.at(number)


def test_jump_to_a_time(path: Path):
    times = [snapshot.monotonic_ns for snapshot in SNAPSHOTS]
    with Replay(path) as replay:
        at = replay.index.at

        assert [at(0), at(times[0]), at(times[70]), at(times[70] + 1), at(times[71] - 1)] == [
            *(0, 0, 70, 70, 70)
        ]
        assert at(1 << 63) == 139


def test_the_index_ends_where_the_file_is_cut_off(path: Path):
    raw = path.read_bytes()
    path.write_bytes(raw[: block_ends(raw)[99] + 30])

    with Replay(path) as replay:
        assert len(replay.index) == 100
        assert replay.at(99) == SNAPSHOTS[99]


def test_the_index_ends_before_a_damaged_header(path: Path):
    raw = bytearray(path.read_bytes())
    raw[block_ends(raw)[99]] ^= 1
    path.write_bytes(raw)

    with Replay(path) as replay:
        assert len(replay.index) == 100


def test_a_damaged_sample_is_said_when_it_is_gone_to(path: Path):
    raw = bytearray(path.read_bytes())
    raw[block_ends(raw)[9] + 40] ^= 1
    path.write_bytes(raw)

    with Replay(path) as replay:
        assert len(replay.index) == 140
        with pytest.raises(RecordingError, match=r"\(sample 11\): checksum"):
            replay.at(20)
        assert replay.at(61) == SNAPSHOTS[61]
        assert replay.at(5) == SNAPSHOTS[5]


def test_standard_input_is_read_from_start_to_end(monkeypatch: pytest.MonkeyPatch):
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Pipe(recorded(SNAPSHOTS[:3]))))

    replay = Replay(STDIN)

    with pytest.raises(RecordingError, match="only a file"):
        replay.at(0)
    assert list(replay) == SNAPSHOTS[:3]


@pytest.mark.parametrize("name", ["missing.irqw", "."])
def test_no_file(tmp_path: Path, name: str):
    with pytest.raises(RecordingError, match=r"No such file|Is a directory"):
        Replay(tmp_path / name)


def test_a_file_that_cannot_be_read():
    with pytest.raises(RecordingError, match="Input/output error"):
        Replay(Path("/proc/self/mem"))
