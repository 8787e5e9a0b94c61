import json
import tracemalloc
import zlib
from dataclasses import replace

import pytest

from irqwatch.errors import RecordingError
from irqwatch.model.snapshot import SCHEMA, Line, Snapshot
from irqwatch.record import blocks, bounds
from irqwatch.record.recorder import SAMPLES_PER_KEY, Recorder
from irqwatch.record.tree import to_tree
from tests import hosts
from tests.unit.record.recordings import block_ends, busy, forged, player, recorded

FIRST_LINE = blocks.first_line()


def test_samples_come_back_as_they_were_and_in_their_order():
    snapshots = busy(2 * SAMPLES_PER_KEY + 3)

    assert list(player(recorded(snapshots))) == snapshots


def test_a_host_that_changes_shape_between_samples():
    line = Line("99", 99, {0: 1}, actions=("late",))
    snapshots = [
        hosts.busy(1),
        replace(hosts.busy(2), lines=(*hosts.busy(2).lines, line)),
        replace(hosts.busy(3), lines=hosts.busy(3).lines[1:], probe=None),
        hosts.empty(4, cpus=1),
        hosts.busy(5, cpus=8),
    ]

    assert list(player(recorded(snapshots))) == snapshots


def test_a_change_is_small():
    raw = recorded(busy(SAMPLES_PER_KEY))
    first, *_, last_but_one, last = block_ends(raw)

    assert last - last_but_one < first / 2


def test_the_same_snapshots_are_the_same_bytes():
    assert recorded(busy(5)) == recorded(busy(5))


def test_an_empty_recording_has_no_samples():
    assert list(player(FIRST_LINE)) == []


def test_cut_off_anywhere_it_is_read_up_to_there():
    snapshots = busy(4)
    raw = recorded(snapshots)
    ends = block_ends(raw)
    for length in range(len(FIRST_LINE), len(raw)):
        whole = sum(end <= length for end in ends)
        cut = player(raw[:length])

        assert list(cut) == snapshots[:whole]

        place = [len(FIRST_LINE), *ends][whole]
        inside = f"host.irqw: cut off at byte {place} (sample {whole + 1}); read up to there"
        assert cut.cut_off == ("" if length == place else inside)


def test_a_flipped_byte_anywhere_is_found_and_its_place_said():
    snapshots = busy(3)
    raw = recorded(snapshots)
    starts = [len(FIRST_LINE), *block_ends(raw)]
    for position in range(len(FIRST_LINE), len(raw)):
        damaged = bytearray(raw)
        damaged[position] ^= 0x10
        whole = sum(start <= position for start in starts) - 1
        read: list[Snapshot] = []

        with pytest.raises(RecordingError) as raised:
            read.extend(iter(player(bytes(damaged)).next, None))

        # list.extend keeps what came before the error.
        assert read == snapshots[:whole]
        assert str(raised.value) == (
            f"host.irqw: damaged at byte {starts[whole]} (sample {whole + 1}): checksum"
        )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "is empty"),
        (b"irqwatch rec", "cut off in its first line"),
        (b"irqwatch recording 1", "cut off in its first line"),
        (b"\x1f\x8b\x08\x00", "not an irqwatch recording"),
        (b"\x00" * 10_000_000, "not an irqwatch recording"),
        (b"irqwatch recording one\n", "not an irqwatch recording"),
        (b"irqwatch recording 0\n", "not an irqwatch recording"),
        (b"irqwatch recording 01\n", "not an irqwatch recording"),
        (b"irqwatch recording 1\r\n", "not an irqwatch recording"),
        (
            b"irqwatch recording 2\nwhatever",
            "written by a newer irqwatch (format 2, this one reads 1)",
        ),
    ],
)
def test_a_file_of_another_kind_or_of_a_later_time(raw: bytes, message: str):
    with pytest.raises(RecordingError) as raised:
        player(raw)
    assert str(raised.value) == f"host.irqw: {message}"


def test_a_newer_schema_is_said_before_its_fields_are_looked_at():
    with pytest.raises(RecordingError) as raised:
        list(player(forged({"schema": SCHEMA + 1, "wall_ns": {"another": "shape"}})))
    assert str(raised.value) == (
        "host.irqw: written by a newer irqwatch (schema 3, this one reads 2)"
    )


def later(**fields: object) -> dict[str, object]:
    return {**to_tree(hosts.busy(1)), **fields}


DEEP = b"[" * 2_000
BOMB = b" " * (bounds.LARGEST_TEXT + 1)
TIME_NS = hosts.busy(1).monotonic_ns


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (forged(b""), "not what irqwatch writes"),
        (forged(b"{"), "not what irqwatch writes"),
        (forged(b"\xff"), "not what irqwatch writes"),
        (forged(DEEP), "not what irqwatch writes"),
        (forged(b"9" * 5000), "not what irqwatch writes"),
        (forged(b"NaN"), "no sample"),
        (forged(BOMB), "too large"),
        (forged(b"[" * 200_000), "too large"),
        (forged({}), "two times for one sample"),
        (forged(later(lines=7), time_ns=TIME_NS), "no list"),
        (forged(later(), time_ns=TIME_NS + 1), "two times for one sample"),
        (forged({}, kind=blocks.CHANGE), "a change of nothing"),
        (FIRST_LINE + blocks.pack(blocks.KEY, 0, b"not zlib"), "not what irqwatch writes"),
        (FIRST_LINE + blocks.pack(7, 0, b""), "no such block"),
    ],
)
def test_a_forged_recording_is_refused_in_one_line(raw: bytes, reason: str):
    with pytest.raises(RecordingError) as raised:
        list(player(raw))
    start = f"host.irqw: damaged at byte {len(FIRST_LINE)} (sample 1): "
    assert str(raised.value) == start + reason


def test_a_claimed_length_takes_no_memory():
    fields = blocks._FIELDS.pack(blocks.KEY, 0xFFFF_FFFF, 0, 0)
    raw = FIRST_LINE + fields + blocks._CRC.pack(zlib.crc32(fields))

    tracemalloc.start()
    with pytest.raises(RecordingError, match="no such block"):
        list(player(raw))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 10**6


MANY = "[]," * 10_000_000  # as text 30 MB, packed 30 KB; as lists 640 MB
SOME = "[]," * 330_000


@pytest.mark.parametrize(
    "texts",
    [
        [(blocks.KEY, {"monotonic_ns": 0}, MANY)],
        [(blocks.KEY, {"monotonic_ns": 0}, ""), (blocks.CHANGE, {}, MANY)],
        [(blocks.KEY, {"monotonic_ns": 0}, ""), *[(blocks.CHANGE, {}, SOME)] * 30],
    ],
    ids=["a sample", "a change", "changes"],
)
def test_a_small_recording_takes_no_large_memory(texts: list[tuple[int, object, str]]):
    packer, raw = zlib.compressobj(9), FIRST_LINE
    for number, (kind, fields, more) in enumerate(texts):
        text = json.dumps(fields)[:-1] + (", " if fields else "") + f'"x{number}": [{more}0]}}'
        payload = packer.compress(text.encode()) + packer.flush(zlib.Z_SYNC_FLUSH)
        raw += blocks.pack(kind, 0, payload)
    assert len(raw) < 64_000

    tracemalloc.start()
    with pytest.raises(RecordingError, match="too large"):
        reader = player(raw)
        while reader.skip():
            pass
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100 << 20


@pytest.mark.parametrize("limit", [2_000, 500])
def test_many_values_are_too_large_for_both(monkeypatch: pytest.MonkeyPatch, limit: int):
    """A recorder begins a whole sample sooner, and writes none that a reader does not take."""
    raw = recorded(busy(20))
    monkeypatch.setattr("irqwatch.record.bounds.MOST_VALUES", limit)
    if limit == 500:
        with pytest.raises(RecordingError, match="too large to record"):
            recorded(busy(20))
    else:
        assert len(list(player(recorded(busy(20))))) == 20
    with pytest.raises(RecordingError, match="too large"):
        list(player(raw))


def test_changes_that_together_are_too_large(monkeypatch: pytest.MonkeyPatch):
    raw = recorded(busy(20))
    monkeypatch.setattr("irqwatch.record.bounds.LARGEST_TEXT", 8000)

    with pytest.raises(RecordingError, match="too large"):
        list(player(raw))


def test_a_recorder_starts_anew_before_changes_are_too_large(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("irqwatch.record.bounds.LARGEST_TEXT", 8000)

    assert len(list(player(recorded(busy(20))))) == 20


def test_a_snapshot_larger_than_any_reader_takes_is_not_written(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("irqwatch.record.bounds.LARGEST_TEXT", 80)

    with pytest.raises(RecordingError, match="too large to record"):
        recorded(busy(1))


def test_time_does_not_go_back():
    both = recorded(busy(2)) + recorded(busy(1))[len(FIRST_LINE) :]

    with pytest.raises(RecordingError, match=r"\(sample 3\): time goes back"):
        list(player(both))


class Full:
    """A disk with room for so many bytes."""

    def __init__(self, room: int) -> None:
        self.raw = b""
        self._room = room

    def write(self, data: memoryview) -> int:
        taken = bytes(data[: self._room - len(self.raw)])
        if not taken:
            raise OSError(28, "No space left on device")
        self.raw += taken
        return len(taken)


def test_what_a_full_disk_holds_can_be_read():
    snapshots = busy(5)
    disk = Full(block_ends(recorded(snapshots))[2] + 9)
    writer = Recorder(disk)

    with pytest.raises(OSError, match="No space"):
        for snapshot in snapshots:
            writer.add(snapshot)

    assert list(player(disk.raw)) == snapshots[:3]


def test_memory_does_not_grow_with_the_length():
    class Nowhere:
        def write(self, data: memoryview) -> int:
            return len(data)

    writer = Recorder(Nowhere())

    def after(samples: int) -> int:
        for _ in range(samples):
            writer.add(hosts.busy(writer.samples))
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    after(SAMPLES_PER_KEY)
    first = after(SAMPLES_PER_KEY)
    last = after(4 * SAMPLES_PER_KEY)
    tracemalloc.stop()

    assert last < first + 50_000


def test_a_recording_is_text_in_a_shell():
    """What docs/recording.md says of a block, by other means."""
    raw = recorded(busy(1))
    text = zlib.decompressobj().decompress(raw[len(FIRST_LINE) + blocks.HEADER_BYTES :])

    assert json.loads(text)["host"]["hostname"] == "web-7.example"
