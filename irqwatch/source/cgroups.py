"""Which paths cgroups have: the id that the probe sees is the inode number of the folder."""

import os
from collections import Counter, deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from irqwatch.base.text import clean
from irqwatch.collectors import ALL
from irqwatch.model.snapshot import Probe
from irqwatch.source.root import MOST_NAMES, Root

# So many are named; what has less time stays a number.
MOST_NAMED = 256

# Looking through ten thousand folders takes some 50 ms, and one that is not found may never be.
LOOK_EVERY_NS = 10 * 10**9
MOST_FOLDERS = 20_000


class CgroupsReader:
    """Looks through the unified hierarchy only for an id that it does not know, and not often."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._known: dict[int, str] = {}
        self._looked_ns: int | None = None

    def paths(self, probe: Probe | None, now_ns: int) -> dict[int, str]:
        """By id, of the cgroups with most time, as far as they can be found. One that is gone
        keeps its path for as long as it is asked for."""
        wanted = largest(probe)
        self._known = {cgroup: self._known[cgroup] for cgroup in wanted & self._known.keys()}
        look = self._looked_ns is None or now_ns - self._looked_ns >= LOOK_EVERY_NS
        if look and wanted - self._known.keys():
            self._looked_ns = now_ns
            found = find(hierarchy(self._root))
            self._known |= {cgroup: path for cgroup, path in found if cgroup in wanted}
        return dict(self._known)


def largest(probe: Probe | None) -> set[int]:
    """At most ``MOST_NAMED`` of those that parts are of."""
    ns: Counter[int] = Counter()
    for collector in ALL if probe else ():
        for cgroup, of_it_ns in collector.cgroups(probe) if collector.cgroups and probe else ():
            ns[cgroup] += of_it_ns
    # Not most_common(): it imports a module when called, and an unprivileged user may find none.
    return set(sorted(ns, key=lambda cgroup: -ns[cgroup])[:MOST_NAMED])


def hierarchy(root: Root) -> Path:
    """Where the unified hierarchy is; beside those of version 1 it has a folder of its own."""
    folder = root.sysfs / "fs" / "cgroup"
    unified = folder / "unified"
    return unified if unified.is_dir() else folder


def find(folder: Path) -> Iterator[tuple[int, str]]:
    """(id, path from the top) of all that are there, from the top down."""
    try:
        yield folder.stat().st_ino, "/"
    except OSError:
        return
    waiting = deque([str(folder)])
    for _ in range(MOST_FOLDERS):
        if not waiting:
            return
        here = waiting.popleft()
        for inode, path in _folders_in(here):
            yield inode, clean(os.fsencode(path.removeprefix(str(folder))))
            waiting.append(path)


def _folders_in(path: str) -> list[tuple[int, str]]:
    """(inode number, path); nothing where it has just gone."""
    try:
        with os.scandir(path) as entries:
            return [
                (entry.inode(), entry.path)
                for entry in islice(entries, MOST_NAMES)
                if entry.is_dir(follow_symlinks=False)
            ]
    except OSError:
        return []
