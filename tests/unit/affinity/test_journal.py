import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irqwatch.affinity import journal
from irqwatch.affinity.journal import JournalEntry, Record
from irqwatch.errors import AffinityError
from tests import affinity

NOW_NS = 1_700_000_000 * 10**9
DEFAULT = frozenset({0, 1})
TO_1, TO_2 = frozenset({1}), frozenset({2})

WHOLE = Record(
    boot_id=affinity.BOOT_ID,
    time="2023-11-14T22:13:20Z",
    default_affinity=DEFAULT,
    entries=(
        JournalEntry(affinity.line(31), affinity.ALL, frozenset({0})),
        JournalEntry(affinity.line(30), affinity.ALL, frozenset({0})),
    ),
    written={30: frozenset({TO_2}), 31: frozenset({TO_1, TO_2})},
    undone=True,
)


def write_one(path: Path) -> None:
    with journal.create(path, affinity.plan(), DEFAULT, NOW_NS) as log:
        log.about_to_write(affinity.line(30), TO_2)
        log.about_to_write(affinity.line(31), TO_1)
        log.about_to_write(affinity.line(31), TO_2)
        log.mark_undone()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In the default folder, which is not there."""
    monkeypatch.setattr(journal, "FOLDER", tmp_path / "lib")
    return journal.FOLDER / "affinity-1.json"


def test_what_was_written_is_read(path: Path) -> None:
    write_one(path)
    assert journal.read(path) == WHOLE


def test_it_is_roots_alone(path: Path) -> None:
    write_one(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_each_row_is_on_the_disk_when_the_call_returns(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []

    def fsync(fd: int) -> None:
        synced.append(os.fstat(fd).st_size)

    monkeypatch.setattr(os, "fsync", fsync)
    with journal.create(path, affinity.plan(), DEFAULT, NOW_NS) as log:
        head = path.stat().st_size
        assert synced[0] == head and len(synced) == 2  # the folder as well
        log.about_to_write(affinity.line(30), TO_2)
        assert synced[2:] == [path.stat().st_size] and path.stat().st_size > head


@given(data=st.data())
def test_cut_off_anywhere_it_tells_of_a_part(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("journal") / "affinity-1.json"
    write_one(path)
    raw = path.read_bytes()
    record = journal.parse(raw[: data.draw(st.integers(0, len(raw)))])
    assert record.entries in (WHOLE.entries, ())
    assert bool(record.entries) or record.undone
    for irq, masks in record.written.items():
        assert masks <= WHOLE.written[irq]


@pytest.mark.parametrize("cut", [b"{", b'{"irq":30,"cp', b'{"irq":30,"cpus":[2]}'])
def test_what_was_cut_off_does_not_spoil_what_comes_behind_it(path: Path, cut: bytes) -> None:
    write_one(path)
    with path.open("ab") as file:
        file.write(cut)
    with journal.reopen(path) as log:
        log.about_to_write(affinity.line(30), frozenset({3}))
        log.mark_undone()
    record = journal.read(path)
    assert record.entries == WHOLE.entries and record.undone
    assert record.written[30] == WHOLE.written[30] | {frozenset({3})}


@pytest.mark.parametrize(
    "raw",
    [
        b"\n",
        b"[]",
        b"web-7",
        b"[" * 100_000 + b"\n",
        b"{}\n",
        b"[]\n",
        b'{"schema": 2}\n',
        b"\xff\n",
        b'{"schema":1,"boot_id":"","time":"","default_affinity":[-1],"lines":[]}\n',
        b'{"schema":1,"boot_id":"","time":"","default_affinity":[],"lines":[]}\n{"irq":"1"}\n',
    ],
)
def test_what_is_no_journal(raw: bytes, tmp_path: Path) -> None:
    path = tmp_path / "affinity-1.json"
    path.write_bytes(raw)
    path.chmod(0o600)
    with pytest.raises(AffinityError, match="not a journal of irqwatch, or damaged"):
        journal.read(path)


def test_one_that_others_could_have_changed(path: Path) -> None:
    write_one(path)
    path.chmod(0o620)
    with pytest.raises(AffinityError, match="not trusted"):
        journal.read(path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "affinity-1.json"
    os.mkfifo(path, 0o600)
    writer = os.open(path, os.O_RDWR)  # keeps a blocking open of it from waiting for good
    os.write(writer, b"[]\n")
    try:
        with pytest.raises(AffinityError, match="not a file"):
            journal.read(path)
    finally:
        os.close(writer)


def test_the_controller_is_kept(path: Path) -> None:
    move = affinity.move(31, 1)
    line = replace(move.line, controller="PCI-MSIX-0000:00:05.0")
    with journal.create(path, affinity.plan(replace(move, line=line)), DEFAULT, NOW_NS):
        assert journal.read(path).entries[0].line == line


def test_none_is_ever_replaced(path: Path) -> None:
    write_one(path)
    with pytest.raises(AffinityError, match="exists already"):
        journal.create(path, affinity.plan(), DEFAULT, NOW_NS)
    assert journal.read(path) == WHOLE


def test_a_place_that_takes_none() -> None:
    with pytest.raises(AffinityError, match=r"cannot be written: .*--journal names another"):
        journal.create(Path("/proc/none/x.json"), affinity.plan(), DEFAULT, NOW_NS)


def test_no_folder_but_the_default_is_made(path: Path, tmp_path: Path) -> None:
    journal.check_new(path)
    other = tmp_path / "other"
    for refuse in (
        journal.check_new,
        lambda path: journal.create(path, affinity.plan(), DEFAULT, NOW_NS),
    ):
        with pytest.raises(AffinityError, match=r"other/1\.json cannot be written: No such file"):
            refuse(other / "1.json")
    assert not other.exists()


def test_a_disk_that_is_full(path: Path) -> None:
    with journal.create(path, affinity.plan(), DEFAULT, NOW_NS) as log:
        full = os.open("/dev/full", os.O_WRONLY)
        os.dup2(full, log._fd)
        os.close(full)
        with pytest.raises(AffinityError, match="No space left on device"):
            log.about_to_write(affinity.line(30), TO_2)


def test_the_latest_that_is_not_undone(tmp_path: Path) -> None:
    with pytest.raises(AffinityError, match="nothing to undo"):
        journal.latest(tmp_path)
    names = [journal.new_path(NOW_NS + n * 10**9, tmp_path) for n in range(3)]
    for name in names[:2]:
        journal.create(name, affinity.plan(), DEFAULT, NOW_NS).__exit__()
    write_one(names[2])
    assert names[0].name == "affinity-20231114T221320Z.json"
    assert journal.latest(tmp_path) == names[1]
