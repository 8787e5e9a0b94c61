"""``irqwatch top`` as it is called, on a made-up host."""

import contextlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from irqwatch.cli import main, top
from irqwatch.collectors import DEFAULT_COLLECTORS
from irqwatch.model.snapshot import Snapshot
from tests import hosts


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, Path, frozenset[str]]]:
    """With what the source was opened; each sample is a second after the one before."""
    calls: list[tuple[Path, Path, frozenset[str]]] = []

    @contextlib.contextmanager
    def source(procfs: Path, sysfs: Path, collectors: frozenset[str]) -> Iterator[top.Sample]:
        calls.append((procfs, sysfs, collectors))
        ticks = itertools.count(1)

        def sample() -> Snapshot:
            return hosts.busy(next(ticks))

        yield sample

    monkeypatch.setattr(top, "live_source", source)
    return calls


def run(*args: str) -> Result:
    return CliRunner().invoke(main.irqwatch, ["top", "-d", "0.01", *args])


@pytest.mark.usefixtures("opened")
def test_json_is_an_object_a_line() -> None:
    result = run("--json", "-n", "3")
    assert result.exit_code == 0
    frames = [json.loads(line) for line in result.output.splitlines()]
    assert [frame["interval_s"] for frame in frames] == [1, 1, 1]
    net_rx = [source for source in frames[2]["sources"] if source["name"] == "NET_RX"]
    assert [source["count"] for source in net_rx] == [50_000]


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("args", [["-b"], []])
def test_without_a_terminal_frames_are_plain(args: list[str]) -> None:
    result = run("-n", "2", *args)
    assert result.exit_code == 0
    assert result.output.count("irqwatch  web-7.example") == 2
    assert result.output.endswith("\n\n")
    assert "\x1b" not in result.output


@pytest.mark.usefixtures("opened")
def test_view_filter_and_sort_choose_sources_of_the_json_too() -> None:
    def names(*args: str) -> list[str]:
        sources = json.loads(run("--json", "-n", "1", *args).output)["sources"]
        return [source["name"] for source in sources]

    assert names("--view", "softirq") == ["TIMER", "NET_RX"]
    assert names("--view", "softirq", "--sort", "cpu") == ["NET_RX", "TIMER"]
    assert names("--filter", "irq24") == ["eth0-TxRx-0"]
    assert names("--view", "cpus") == []


@pytest.mark.parametrize("sort", [[], ["--sort", "rate"]])
def test_rows_of_the_screen_only_are_not_in_the_json(
    monkeypatch: pytest.MonkeyPatch, sort: list[str]
) -> None:
    ticks = itertools.count(1)
    source = contextlib.nullcontext(lambda: hosts.busier(next(ticks)))
    monkeypatch.setattr(top, "live_source", lambda *_: source)
    result = run("--json", "-n", "1", "--view", "exception", *sort)
    names = [source["name"] for source in json.loads(result.output)["sources"]]
    assert names == ["page_fault_user", "page_fault_kernel"]


def test_blame_is_in_the_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though not among all rows of a screen."""
    ticks = itertools.count(1)
    source = contextlib.nullcontext(lambda: hosts.threaded(next(ticks)))
    monkeypatch.setattr(top, "live_source", lambda *_: source)
    frame = json.loads(run("--json", "-n", "1").output)
    kinds = [source["kind"] for source in frame["sources"]]
    assert "blame" in kinds and "hardirq" in kinds


@pytest.mark.usefixtures("opened")
def test_plain_views() -> None:
    assert "HARDIRQ" not in run("-b", "-n", "1", "--view", "work").output
    assert "NET_RX" not in run("-b", "-n", "1", "--view", "cpus").output


def test_roots_and_collectors_reach_the_source(
    opened: list[tuple[Path, Path, frozenset[str]]],
) -> None:
    run("-b", "-n", "1")
    run("-b", "-n", "1", "--path.procfs", "/a", "--path.sysfs", "/b", "--no-collector.work")
    assert opened == [
        (Path("/proc"), Path("/sys"), DEFAULT_COLLECTORS),
        (Path("/a"), Path("/b"), DEFAULT_COLLECTORS - {"work"}),
    ]


@pytest.mark.parametrize(
    "args",
    [
        ["-d", "0"],
        ["-d", "-1"],
        ["-d", "nan"],
        ["-d", "inf"],
        ["-n", "0"],
        ["--sort", "x"],
        ["--json", "-b"],
    ],
)
def test_wrong_usage(args: list[str], opened: list[tuple[Path, Path, frozenset[str]]]) -> None:
    result = run(*args)
    assert (result.exit_code, opened) == (2, [])
    assert "Error: " in result.output
