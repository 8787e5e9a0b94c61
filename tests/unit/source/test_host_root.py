import io
from pathlib import Path

import pytest

from irqwatch.parse import cpulist
from irqwatch.source.root import Unreadable, names_in, read, read_parsed


def test_empty_is_not_missing(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert read(tmp_path / "empty") == b""
    assert read(tmp_path / "none") == Unreadable(f"{tmp_path}/none does not exist")


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    assert read(tmp_path) == Unreadable(f"{tmp_path} cannot be read: Is a directory")


def test_denied(monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(_: str) -> None:
        raise PermissionError

    monkeypatch.setattr(io, "FileIO", deny)  # root may read everything
    assert read("/proc/x") == Unreadable("/proc/x may not be read by this user")


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
