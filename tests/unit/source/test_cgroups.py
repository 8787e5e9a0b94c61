"""Paths of cgroups by their ids."""

import os
from pathlib import Path

import pytest

from irqwatch.collectors.blame import Blame
from irqwatch.model.snapshot import CountAndTime, Probe
from irqwatch.source import cgroups
from irqwatch.source.cgroups import LOOK_EVERY_NS, CgroupsReader, find, largest
from irqwatch.source.root import Root
from tests.probes import a_probe


def blamed(*parts: Blame) -> Probe:
    return a_probe({"blame"}, 0, blames=parts)


def blame(cgroup: int | None, ns: int = 1) -> Blame:
    return Blame(1, "x", cgroup, "vector", "local_timer", 0, taken=CountAndTime(1, ns))


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A unified hierarchy on any file system: its inode numbers do as ids."""
    folder = tmp_path / "fs" / "cgroup"
    (folder / "system.slice" / "nginx.service").mkdir(parents=True)
    (folder / "cgroup.procs").touch()
    return folder


def inode(folder: Path) -> int:
    """As the folder above lists it. In the kernel's hierarchy stat(2) says the same; on an overlay,
    as a container's temporary files are, another."""
    with os.scandir(folder.parent) as entries:
        return next(entry.inode() for entry in entries if entry.name == folder.name)


def test_by_inode_number(top: Path, tmp_path: Path) -> None:
    nginx, own = inode(top / "system.slice" / "nginx.service"), top.stat().st_ino
    reader = CgroupsReader(Root(sysfs=tmp_path))
    assert reader.paths(blamed(blame(nginx), blame(own), blame(None), blame(1 << 60)), 0) == {
        nginx: "/system.slice/nginx.service",
        own: "/",
    }


def test_beside_version_1_it_has_a_folder_of_its_own(top: Path, tmp_path: Path) -> None:
    (top / "unified" / "user.slice").mkdir(parents=True)
    user = inode(top / "unified" / "user.slice")
    assert CgroupsReader(Root(sysfs=tmp_path)).paths(blamed(blame(user)), 0) == {
        user: "/user.slice"
    }


def test_looks_only_for_what_is_not_known_and_not_often(
    top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    monkeypatch.setattr(cgroups, "find", lambda folder: looked.append(folder) or find(folder))
    reader = CgroupsReader(Root(sysfs=tmp_path))
    reader.paths(blamed(), 0)
    assert len(looked) == 0
    reader.paths(blamed(blame(top.stat().st_ino)), 0)
    reader.paths(blamed(blame(top.stat().st_ino)), 5 * LOOK_EVERY_NS)
    assert len(looked) == 1
    for at_ns in (6 * LOOK_EVERY_NS, 7 * LOOK_EVERY_NS - 1):
        reader.paths(blamed(blame(1 << 60)), at_ns)
    assert len(looked) == 2


def test_one_that_is_gone_keeps_its_path_while_it_is_asked_for(top: Path, tmp_path: Path) -> None:
    folder = top / "system.slice" / "nginx.service"
    nginx = inode(folder)
    reader = CgroupsReader(Root(sysfs=tmp_path))
    reader.paths(blamed(blame(nginx)), 0)
    folder.rmdir()
    assert reader.paths(blamed(blame(nginx)), LOOK_EVERY_NS) == {
        nginx: "/system.slice/nginx.service"
    }
    assert reader.paths(blamed(), LOOK_EVERY_NS) == {}
    assert reader.paths(blamed(blame(nginx)), 2 * LOOK_EVERY_NS) == {}


def test_those_that_lost_most_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "MOST_NAMED", 2)
    assert largest(blamed(blame(1, 5), blame(2, 9), blame(3, 3), blame(3, 3))) == {2, 3}


def test_the_walk_is_bounded(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "MOST_FOLDERS", 1)
    assert [path for _, path in find(top)] == ["/", "/system.slice"]


def test_no_hierarchy_is_no_path(tmp_path: Path) -> None:
    assert CgroupsReader(Root(sysfs=tmp_path)).paths(blamed(blame(1)), 0) == {}
