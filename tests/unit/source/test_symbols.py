"""Functions by address, from a file like /proc/kallsyms."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from irqwatch.source import symbols
from irqwatch.source.symbols import Symbols

Opened = Callable[[Path], Symbols]

TEXT = b"""\
0000000000000000 A fixed_percpu_data
0000000000000000 A __per_cpu_start
ffffffff81000000 T _stext
ffffffff81000000 T startup_64
ffffffff810a1b20 t vmstat_shepherd
ffffffffc0123450 t loop_workfn\t[loop]
ffffffffc0123460 d not\xff_utf8\t[odd]
"""


@pytest.fixture
def kallsyms(tmp_path: Path) -> Path:
    path = tmp_path / "kallsyms"
    path.write_bytes(TEXT)
    return path


@pytest.fixture
def opened() -> Iterator[Opened]:
    with contextlib.ExitStack() as stack:
        yield lambda path: stack.enter_context(contextlib.closing(Symbols(path)))


def test_names_are_as_the_kernel_writes_them(opened: Opened, kallsyms: Path) -> None:
    found = opened(kallsyms)
    asked = [0xFFFFFFFF81000000, 0xFFFFFFFF810A1B20, 0xFFFFFFFFC0123450, 0x1234]
    names = found.names(asked)
    assert [names[address] for address in asked] == [
        "_stext",
        "vmstat_shepherd",
        "loop_workfn [loop]",
        "0x1234",
    ]
    assert found.why_none == ""


@pytest.mark.parametrize("chunk_bytes", [1, 7, 40, len(TEXT)])
def test_however_it_comes(
    opened: Opened, kallsyms: Path, monkeypatch: pytest.MonkeyPatch, chunk_bytes: int
) -> None:
    monkeypatch.setattr(symbols, "CHUNK_BYTES", chunk_bytes)
    address = 0xFFFFFFFFC0123450
    assert opened(kallsyms).names([address])[address] == "loop_workfn [loop]"


def test_it_is_read_once_for_all_that_are_new(opened: Opened, kallsyms: Path) -> None:
    found = opened(kallsyms)
    found.names([1])
    kallsyms.write_bytes(b"0000000000000001 t changed\n0000000000000002 t two\n")
    names = found.names([1, 2])
    assert (names[1], names[2]) == ("0x1", "two")


def test_it_forgets_when_there_are_many(
    opened: Opened, kallsyms: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(symbols, "MAX_NAMES", 2)
    found = opened(kallsyms)
    found.names([1, 2])
    assert set(found.names([2, 3])) == {2, 3}


def test_why_there_are_none(opened: Opened, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.write_bytes(b"0000000000000000 T _stext\n")
    assert "CAP_SYSLOG" in opened(hidden).why_none
    missing = opened(tmp_path / "missing")
    assert "No such file" in missing.why_none
    assert missing.names([0xF00]) == {0xF00: "0xf00"}
