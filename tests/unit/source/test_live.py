"""The parts of the live source that need no kernel."""

from pathlib import Path

import pytest

from irqwatch.model.snapshot import Line
from irqwatch.source import live
from irqwatch.source.live import LiveSource, is_gone, why_another_kernel
from irqwatch.source.root import Root

LINES = {34: Line("34", 34, {}, actions=("eth0-rx, odd", "i801_smbus"))}


LISTED = {34, 35}


def test_an_action_on_its_line_is_not_gone() -> None:
    assert not is_gone(LINES, LISTED, 34, "i801_smbus")
    assert not is_gone(LINES, LISTED, 34, "eth0-rx, odd")


def test_a_name_cut_short_is_not_gone() -> None:
    assert not is_gone(LINES, LISTED, 34, "eth0-r")


def test_another_action_on_the_number_means_the_old_one_is_gone() -> None:
    assert is_gone(LINES, LISTED, 34, "nvme0q1")


def test_a_line_without_its_number_is_gone() -> None:
    assert is_gone(LINES, LISTED, 35, "i801_smbus")


def test_a_line_that_never_was_listed_is_hidden_not_gone() -> None:
    assert not is_gone(LINES, LISTED, 7, "IPI")


def make_root(folder: Path, boot_id: str) -> Root:
    kernel = folder / "sys" / "kernel" / "random"
    kernel.mkdir(parents=True)
    (kernel / "boot_id").write_text(boot_id + "\n")
    return Root(procfs=folder)


def test_the_probe_has_no_place_beside_another_kernels_files(tmp_path: Path) -> None:
    assert "is not of the running kernel" in why_another_kernel(make_root(tmp_path, "0000-1111"))
    assert why_another_kernel(Root()) == ""


def test_without_privilege_the_rest_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "why_no_bpf", lambda: "not root: …")
    with LiveSource(Root()) as source:
        snapshot = source.sample()
    assert snapshot.probe is None
    assert snapshot.unavailable[0].part == "probe"
    assert snapshot.cpu_times


def test_without_collectors_nothing_is_missing() -> None:
    with LiveSource(Root(), ()) as source:
        assert all(one.part != "probe" for one in source.sample().unavailable)


def test_the_probe_has_no_place_beside_another_kernels_cpus(tmp_path: Path) -> None:
    cpus = tmp_path / "devices" / "system" / "cpu"
    cpus.mkdir(parents=True)
    (cpus / "possible").write_text("0-1022\n")
    (cpus / "online").write_text("0\n")
    with LiveSource(Root(sysfs=tmp_path)) as source:
        snapshot = source.sample()
    assert snapshot.probe is None
    assert snapshot.unavailable[0].part == "probe"
