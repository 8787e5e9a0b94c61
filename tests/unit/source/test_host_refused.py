"""Whatever lies where a file of the kernel should be, a reading ends, takes little memory and says
in one line what is there."""

import os
import resource
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from irqwatch.parse import cpulist
from irqwatch.source import root as root_module
from irqwatch.source.host import HostReader
from irqwatch.source.patience import ALL_NS, ONE_NS, PERIOD_NS, Patience
from irqwatch.source.root import (
    DETAIL_BYTES,
    MOST_NAMES,
    TABLE_BYTES,
    Unreadable,
    names_in,
    read,
    read_parsed,
    refused,
)
from tests.fixtures.proc.trees import unpack
from tests.stepped import stepped


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(root_module, "_patience", Patience())
    monkeypatch.setattr(root_module, "_refused", {})


class NoPatience(Patience):
    def of(self, path: str, now_ns: int, *, has_writer: bool) -> int:
        del path, now_ns, has_writer
        return 0


def test_a_fifo_without_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "stat")
    assert read(tmp_path / "stat") == Unreadable(
        f"{tmp_path}/stat is a FIFO that has nothing written to it, and such a one is waited "
        "for 1 s at most",
        is_refused=True,
    )


def test_a_fifo_whose_writer_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(root_module, "_patience", NoPatience())
    os.mkfifo(tmp_path / "stat")
    held = os.open(tmp_path / "stat", os.O_RDWR)
    try:
        os.write(held, b"cpu0")
        found = read(tmp_path / "stat")
    finally:
        os.close(held)
    assert isinstance(found, Unreadable) and found.is_refused
    assert "is not written to its end, and such a one is waited for 4 s" in found.reason


def test_a_writer_is_waited_for_longer_than_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes only when it has been seen to have the FIFO open."""
    os.mkfifo(tmp_path / "stat")
    held = os.open(tmp_path / "stat", os.O_RDWR)

    class ForWriters(Patience):
        def of(self, path: str, now_ns: int, *, has_writer: bool) -> int:
            nonlocal held
            if has_writer and held >= 0:
                os.write(held, b"cpu0")
                os.close(held)
                held = -1
            return 60 * 10**9 if has_writer else 0

    monkeypatch.setattr(root_module, "_patience", ForWriters())
    assert read(tmp_path / "stat") == b"cpu0"


def test_a_fifo_that_is_written_to_is_read_as_a_file(tmp_path: Path) -> None:
    long = "x" * 200_000  # more than a pipe holds
    with stepped(tmp_path, {"a": lambda k: f"{k}{long}"}):
        assert [read(tmp_path / "a") for _ in range(3)] == [f"{k}{long}".encode() for k in range(3)]


def test_a_pipe_of_this_process(tmp_path: Path) -> None:
    """As a shell's <(…)."""
    reading, writing = os.pipe()
    os.write(writing, b"text")
    os.close(writing)
    (tmp_path / "stat").symlink_to(f"/dev/fd/{reading}")
    try:
        assert read(tmp_path / "stat") == b"text"
    finally:
        os.close(reading)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/full"])
def test_an_endless_device(tmp_path: Path, device: str) -> None:
    (tmp_path / "stat").symlink_to(device)
    assert read(tmp_path / "stat") == Unreadable(
        f"{tmp_path}/stat is a device, not a file", is_refused=True
    )


def test_what_a_container_runtime_hides_reads_empty(tmp_path: Path) -> None:
    (tmp_path / "interrupts").symlink_to("/dev/null")
    assert read(tmp_path / "interrupts") == b""


def test_a_socket(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "s"))
        assert read(tmp_path / "s") == Unreadable(
            f"{tmp_path}/s is a socket, not a file", is_refused=True
        )


def test_links_that_lead_to_each_other(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    found = read(tmp_path / "a")
    assert isinstance(found, Unreadable) and found.is_refused
    assert "Too many levels of symbolic links" in found.reason


@pytest.fixture
def little_memory() -> Iterator[None]:
    """A reading that took what it must not take would end in a MemoryError."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (256 << 20), limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, limits)


def test_a_gigantic_file(tmp_path: Path, little_memory: None) -> None:
    with (tmp_path / "stat").open("wb") as file:
        file.truncate(1 << 33)  # what every file system takes
    assert read(tmp_path / "stat", 1 << 32) == Unreadable(
        f"{tmp_path}/stat is too large to be a file of the kernel", is_refused=True
    )


def test_a_file_that_does_not_say_how_large_it_is(tmp_path: Path) -> None:
    """As those of procfs: they are all 0 bytes long."""
    with stepped(tmp_path, {"endless": lambda _: "x" * (2 * DETAIL_BYTES)}):
        found = read(tmp_path / "endless")
        assert isinstance(found, Unreadable) and "is too large" in found.reason
    found = read("/proc/self/status", most_bytes=10)
    assert isinstance(found, Unreadable) and "is too large" in found.reason
    assert isinstance(read("/proc/self/status"), bytes)


def test_a_fifo_that_never_ends(tmp_path: Path, little_memory: None) -> None:
    endless = subprocess.Popen(["yes"], stdout=subprocess.PIPE)
    assert endless.stdout
    (tmp_path / "interrupts").symlink_to(f"/proc/self/fd/{endless.stdout.fileno()}")
    try:
        found = read(tmp_path / "interrupts", TABLE_BYTES)
    finally:
        endless.kill()
        endless.communicate()
    assert isinstance(found, Unreadable) and found.is_refused
    assert "is too large" in found.reason or "is not written to its end" in found.reason


def test_a_folder_with_too_many_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_NAMES > 100_000
    monkeypatch.setattr(root_module, "MOST_NAMES", 3)
    for name in "abc":
        (tmp_path / name).touch()
    assert names_in(tmp_path) == ["a", "b", "c"] and refused() == ""
    (tmp_path / "d").touch()
    assert names_in(tmp_path) == [] and refused() == f"{tmp_path} holds more than 3 names"


def test_details_that_were_refused_are_told_in_one_line(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        assert read_parsed(tmp_path / name, cpulist.parse) is None
    assert read_parsed(tmp_path / "none", cpulist.parse) is None
    assert refused() == f"{tmp_path}/a is a folder, not a file, and 2 like it"
    for name in ("a", "b"):
        (tmp_path / name).rmdir()
        (tmp_path / name).write_text("0-1\n")
        assert read_parsed(tmp_path / name, cpulist.parse) == {0, 1}
    assert refused() == f"{tmp_path}/c is a folder, not a file"


def test_a_host_of_everything_that_is_no_file(tmp_path: Path) -> None:
    root = unpack("two_nodes", tmp_path)
    proc, system = root.procfs, root.sysfs / "devices" / "system"
    for path, target in {
        proc / "interrupts": "/dev/zero",
        proc / "softirqs": "softirqs",
        system / "cpu" / "online": "/dev/urandom",
        proc / "20" / "stat": "/dev/zero",
    }.items():
        path.unlink(missing_ok=True)
        path.symlink_to(target)
    (proc / "stat").unlink()
    os.mkfifo(proc / "stat")
    reader = HostReader(root)
    reading = reader.read()
    assert 20 not in [thread.pid for thread in reader.threads(0)]
    reasons = {lack.part: lack.reason for lack in (*reading.unavailable, *reader.lacking())}
    assert "is a device, not a file" in reasons["interrupts"]
    assert "symbolic links" in reasons["softirqs"]
    assert "is a FIFO that has nothing written to it" in reasons["cpu_times"]
    assert reasons["files"].endswith("and 1 like it")
    assert all(len(reason.splitlines()) == 1 for reason in reasons.values())


def test_a_file_of_more_rows_than_any(tmp_path: Path, little_memory: None) -> None:
    """It is far from too large in bytes."""
    root = unpack("two_nodes", tmp_path)
    raw = b"CPU0 CPU1\n" + b"1: 2 3 a\n" * (2 << 20)
    assert len(raw) < TABLE_BYTES
    (root.procfs / "interrupts").write_bytes(raw)
    lacks = {lack.part: lack.reason for lack in HostReader(root).read().unavailable}
    assert lacks["interrupts"] == (
        f"{root.procfs}/interrupts is garbled: it has more than 65,536 rows, and no kernel's has "
        "so many"
    )


def test_thousands_of_fifos_are_waited_for_no_longer_than_a_few() -> None:
    patience, now_ns, waited_ns = Patience(), 10**12, 0
    for number in range(2000):
        wait_ns = patience.of(f"/{number}", now_ns, has_writer=False)
        waited_ns += wait_ns
        now_ns += wait_ns
        patience.spend(f"/{number}", wait_ns, now_ns, in_vain=True)
    assert ALL_NS <= waited_ns <= ALL_NS + ALL_NS * ALL_NS // PERIOD_NS + ONE_NS


def test_one_that_was_waited_for_in_vain_takes_no_time_from_the_others() -> None:
    patience = Patience()
    assert patience.of("/dead", 0, has_writer=False) == ONE_NS
    patience.spend("/dead", ONE_NS, ONE_NS, in_vain=True)
    for second in range(2, 60):
        assert patience.of("/dead", second * 10**9, has_writer=False) == 0
        patience.spend("/dead", 0, second * 10**9, in_vain=True)
        assert patience.of("/alive", second * 10**9, has_writer=False) == ONE_NS
        patience.spend("/alive", 10**6, second * 10**9, in_vain=False)
    assert patience.of("/dead", ONE_NS + PERIOD_NS, has_writer=False) == ONE_NS


def test_one_with_a_writer_may_take_all_the_time_there_is() -> None:
    patience = Patience()
    assert patience.of("/slow", 0, has_writer=True) == ALL_NS
    patience.spend("/slow", ALL_NS, ALL_NS, in_vain=False)
    assert patience.of("/next", ALL_NS, has_writer=True) <= ALL_NS * ALL_NS // PERIOD_NS
