"""Whose time interrupts took, as sources: processes and cgroups that lost most, and the rest."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from irqwatch.base.measures import NS, counting, rate, share
from irqwatch.model.snapshot import Blame
from irqwatch.model.view import CpuPart, Source, Taken

PROCESSES_SHOWN = 20
CGROUPS_SHOWN = 10

# Of a group: (process, cgroup), or (cgroup,).
Key = tuple[int, ...]

OTHER_PROCESSES = "other processes"
OTHER_CGROUPS = "other cgroups"


@dataclass(frozen=True, slots=True)
class Names:
    """Paths of cgroups by their id, devices by interrupt number."""

    cgroups: Mapping[int, str]
    devices: Mapping[int, str]


def cgroup_name(cgroup: int, paths: Mapping[int, str]) -> str:
    """Its path; its id where that is not known."""
    return paths.get(cgroup, f"cgroup {cgroup}")


def blamed(blames: Iterable[Blame], names: Names, interval_ns: int) -> list[Source]:
    """Processes, then cgroups, most time first. The rest of each is summed under ``OTHER_…``, so
    that the processes add up to the whole, and so do the cgroups."""
    parts = [part for part in blames if part.taken.count]
    processes, other = _largest(parts, _process_of, PROCESSES_SHOWN)
    cgroups, other_cgroups = _largest(parts, _cgroup_of, CGROUPS_SHOWN)
    found = [_process(of_it, names, interval_ns) for of_it in processes]
    found += _rest(OTHER_PROCESSES, other, names, interval_ns)
    found += [_cgroup(of_it, names, interval_ns) for of_it in cgroups]
    found += _rest(OTHER_CGROUPS, other_cgroups, names, interval_ns)
    return found


def _process_of(part: Blame) -> Key:
    return part.pid or 0, part.cgroup or 0


def _cgroup_of(part: Blame) -> Key:
    return (part.cgroup or 0,)


def _largest(
    parts: Iterable[Blame], key: Callable[[Blame], Key], most: int
) -> tuple[list[list[Blame]], list[Blame]]:
    """The ``most`` groups with most time, and what is in none of them."""
    groups: defaultdict[Key, list[Blame]] = defaultdict(list)
    other = []
    for part in parts:
        if part.pid is None:
            other.append(part)
        else:
            groups[key(part)].append(part)
    in_order = sorted(groups, key=lambda name: (-_ns(groups[name]), name))
    other += [part for name in in_order[most:] for part in groups[name]]
    return [groups[name] for name in in_order[:most]], other


def _ns(parts: Iterable[Blame]) -> int:
    return sum(part.taken.ns for part in parts)


def _process(parts: Sequence[Blame], names: Names, interval_ns: int) -> Source:
    largest = max(parts, key=lambda part: part.taken.ns)
    name = f"{largest.comm}[{largest.pid}]"
    cgroup = None if largest.cgroup is None else cgroup_name(largest.cgroup, names.cgroups)
    return _source(name, parts, names, interval_ns, pid=largest.pid, cgroup=cgroup)


def _cgroup(parts: Sequence[Blame], names: Names, interval_ns: int) -> Source:
    name = cgroup_name(parts[0].cgroup or 0, names.cgroups)
    return _source(name, parts, names, interval_ns, cgroup=name)


def _rest(name: str, parts: Sequence[Blame], names: Names, interval_ns: int) -> list[Source]:
    return [_source(name, parts, names, interval_ns)] if parts else []


def _source(
    name: str,
    parts: Sequence[Blame],
    names: Names,
    interval_ns: int,
    *,
    pid: int | None = None,
    cgroup: str | None = None,
) -> Source:
    cpus: defaultdict[int, list[Blame]] = defaultdict(list)
    for part in parts:
        cpus[part.cpu].append(part)
    count, seconds = sum(part.taken.count for part in parts), _ns(parts) / NS
    return Source(
        kind="blame",
        name=name,
        count=count,
        seconds=seconds,
        rate=rate(count, interval_ns),
        cpus=counting(
            {
                cpu: CpuPart(sum(part.taken.count for part in on), _ns(on) / NS)
                for cpu, on in cpus.items()
            }
        ),
        share=share(seconds, interval_ns),
        pid=pid,
        cgroup=cgroup,
        taken_by=_taken_by(parts, names.devices),
    )


def _taken_by(parts: Iterable[Blame], devices: Mapping[int, str]) -> tuple[Taken, ...]:
    """Most time first."""
    groups: defaultdict[tuple[str, str, int, str], list[Blame]] = defaultdict(list)
    for part in parts:
        line = -1 if part.irq is None else part.irq
        groups[part.kind, part.name, line, part.cause].append(part)
    taken = [
        Taken(
            kind=kind,
            name=name,
            irq=None if irq < 0 else irq,
            device=devices.get(irq),
            cause=cause or None,
            count=sum(part.taken.count for part in of_it),
            seconds=_ns(of_it) / NS,
        )
        for (kind, name, irq, cause), of_it in sorted(groups.items())
    ]
    return tuple(sorted(taken, key=lambda one: -one.seconds))
