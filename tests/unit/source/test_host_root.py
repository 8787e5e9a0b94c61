import os
from pathlib import Path

import pytest

from irqwatch.parse import cpulist
from irqwatch.source.host import HostReader
from irqwatch.source.root import Unreadable, names_in, read, read_parsed
from tests.fixtures.proc.trees import unpack


def test_empty_is_not_missing(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert read(tmp_path / "empty") == b""
    assert read(tmp_path / "none") == Unreadable(f"{tmp_path}/none does not exist")


def test_a_path_that_is_not_utf_8_can_be_written_out(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff")
    assert read(path) == Unreadable(f"{tmp_path}/\\xff does not exist")
    path.mkdir()
    assert read(path) == Unreadable(f"{tmp_path}/\\xff is a folder, not a file", True)


def test_every_reason_can_be_written_out(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    root = unpack("masked_container", folder)
    (root.procfs / "softirqs").write_text("garbage")
    reasons = [lack.reason for lack in HostReader(root).read().unavailable]
    assert len(reasons) > 3
    for reason in reasons:
        assert reason.isascii()


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    assert read(tmp_path) == Unreadable(f"{tmp_path} is a folder, not a file", is_refused=True)


def test_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "open", deny)  # root may read everything
    assert read(__file__) == Unreadable(f"{__file__} may not be read by this user")


def test_a_detail_that_is_missing_or_garbled_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "online"
    assert read_parsed(path, cpulist.parse) is None
    path.write_text("garbage")
    assert read_parsed(path, cpulist.parse) is None
    path.write_text("0-1\n")
    assert read_parsed(path, cpulist.parse) == frozenset({0, 1})


def test_names_are_sorted_and_a_missing_folder_holds_none(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).touch()
    assert names_in(tmp_path) == ["a", "b"]
    assert names_in(tmp_path / "none") == []
