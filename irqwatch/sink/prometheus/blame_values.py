"""Whose time interrupts took, as samples: by cgroup only, for processes have names without end."""

from collections.abc import Mapping

from irqwatch.base.fold import OTHER, Groups, Labels, Vector
from irqwatch.model.snapshot import Blame, Snapshot
from irqwatch.sink.prometheus.sheet import Sheet

NS = 1e9


def show_blames(
    sheet: Sheet, snapshot: Snapshot, devices: Mapping[int, str], cgroups: Groups
) -> None:
    """By cgroup, kind and device, as far as ``cgroups`` keeps them apart."""
    members: dict[Labels, tuple[Labels, Vector]] = {}
    for part in snapshot.probe.blames if snapshot.probe else ():
        device = "" if part.irq is None else devices.get(part.irq, "")
        member = (
            *map(str, (part.pid, part.cgroup, part.irq, part.cpu)),
            *(part.kind, part.name, part.cause),
        )
        group = (_cgroup(part, snapshot.cgroups), part.kind, device)
        members[member] = group, (part.taken.ns,)
    for labels, (ns,) in cgroups.update(members).items():
        sheet.values["irqwatch_blamed_seconds_total"][labels] = ns / NS


def _cgroup(part: Blame, paths: Mapping[int, str]) -> str:
    """Its path; its id where that is not known."""
    if part.cgroup is None:
        return OTHER
    return paths.get(part.cgroup, f"cgroup {part.cgroup}")
