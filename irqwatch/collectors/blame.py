"""Whose time interrupts take: bpf/blame.c."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from irqwatch.base.collector import (
    TIME,
    Collector,
    Column,
    Default,
    Folded,
    Key,
    Metric,
    Probed,
    Room,
    Shown,
    Table,
    Words,
)
from irqwatch.base.interval import Interval
from irqwatch.base.measures import NS, counting, rate, share
from irqwatch.base.names import cgroup_name
from irqwatch.base.parts import Naming, Part, Rename
from irqwatch.base.reading import Reading, count_and_time, string
from irqwatch.base.series import OTHER, Bound, Member, MemberKey
from irqwatch.base.sheet import Exporting, Sheet
from irqwatch.cells import percent
from irqwatch.collectors import interrupt
from irqwatch.model.snapshot import NEVER, SOFTIRQ_VECTORS, CountAndTime, Probe, Snapshot
from irqwatch.model.view import CpuPart, Source

PROCESSES_KEPT = 20
CGROUPS_KEPT = 10
TAKERS_SHOWN = 4
SHOWN_APART = Bound(16, 128)

OTHER_PROCESSES = "other processes"
OTHER_CGROUPS = "other cgroups"


@dataclass(frozen=True, slots=True)
class Blame:
    """Time that interrupts of one kind took from one process on one CPU. ``kind`` is "hardirq"
    (``name`` is the action, ``irq`` its line), "vector" (its name) or "softirq" (its vector;
    ``irq`` and ``cause`` are the interrupt that it follows from, None and "" if none). ``pid``
    None: the processes for which the probe had no room, all together."""

    pid: int | None
    comm: str
    cgroup: int | None  # its id; Snapshot.cgroups may have its path
    kind: str
    name: str
    cpu: int
    irq: int | None = None
    cause: str = ""
    taken: CountAndTime = NEVER


def _renamed(part: Blame, renames: Mapping[Naming, Rename]) -> Mapping[str, str]:
    """What is of a line a driver named; the rest the kernel."""
    if part.irq is None:
        return {"name": part.name, "cause": part.cause}
    rename = renames[Naming.DEVICE]
    if part.kind == "hardirq":
        return {"name": rename(part.name), "cause": part.cause}
    return {"name": part.name, "cause": rename(part.cause)}


BLAMES = Part(
    "blames",
    Blame,
    ("pid", "cgroup", "kind", "name", "irq", "cause", "cpu"),
    {
        "comm": Naming.TASK,
        "kind": Naming.KERNEL,
        "name": Naming.DEVICE,
        "cause": Naming.DEVICE,
    },
    renamed=_renamed,
    comes_again=True,
)


def decode(reading: Reading) -> Mapping[str, tuple[Any, ...]]:
    """One per process, cgroup, what took its time and CPU; then one per kind and CPU of those that
    found no room."""
    at = reading.at("blame")
    actions = interrupt.action_names(reading)
    kinds = [
        name.removeprefix("BLAME_").lower()
        for name in reading.layouts.enum("blame_kind")
        if name != "BLAME_KINDS"
    ]
    found = (
        _blame(key, string(value, at.comm), count_and_time(value, at.taken), actions)
        for key, value in reading.entries("blames")
    )
    return {"blames": (*BLAMES.merged(found), *_others(reading, kinds))}


def _blame(key: Any, comm: str, taken: CountAndTime, actions: interrupt.Actions) -> Blame:
    irq, cause = interrupt.named_cause(key.interrupt_action, key.interrupt_irq, actions)
    of_softirq = key.softirq < len(SOFTIRQ_VECTORS)
    kind = "softirq" if of_softirq else "vector" if irq is None else "hardirq"
    return Blame(
        pid=key.process,
        comm=comm,
        cgroup=key.cgroup,
        kind=kind,
        name=SOFTIRQ_VECTORS[key.softirq] if of_softirq else cause,
        cpu=key.cpu,
        irq=irq,
        cause=cause if of_softirq else "",
        taken=taken,
    )


def _others(reading: Reading, kinds: Sequence[str]) -> Iterator[Blame]:
    at = reading.at("blame_cpu")
    for cpu, value in reading.each_cpu("blame_cpus"):
        for kind, start in zip(kinds, at.others, strict=True):
            taken = count_and_time(value, start)
            if taken != NEVER:
                yield Blame(None, "", None, kind, "", cpu, taken=taken)


@dataclass(frozen=True, slots=True)
class Taken:
    """Time that one interrupt, or softirqs of one vector that follow from it, took from a task."""

    kind: str  # "hardirq", "vector" or "softirq"
    name: str  # action or vector; "" where it was not kept
    irq: int | None
    device: str | None
    cause: str | None  # of a softirq: the action or vector that it follows from
    count: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BlameSource(Source):
    """A process that lost time, and its cgroup; or, without ``pid``, all in one cgroup; or, without
    both, the rest."""

    pid: int | None
    cgroup: str | None
    taken_by: tuple[Taken, ...]  # what took the time, most first

    @property
    def beside(self) -> str | None:
        return self.cgroup if self.pid is not None else None

    def words(self) -> Iterator[str | None]:
        yield from (self.kind, self.name, self.cgroup)
        for taken in self.taken_by:
            yield from (taken.name, taken.device, taken.cause)

    def aside(self) -> str | None:
        return "by: " + takers(self) if self.taken_by else None


def takers(source: BlameSource) -> str:
    """What took most of its time: "NET_RX of eth0 63%, local_timer 20%"."""
    whole = source.seconds or 1.0
    shown = source.taken_by[:TAKERS_SHOWN]
    return ", ".join(f"{_taker(taken)} {percent(taken.seconds / whole)}" for taken in shown)


def _taker(taken: Taken) -> str:
    if taken.kind == "softirq" and (taken.device or taken.cause):
        return f"{taken.name or taken.kind} of {taken.device or taken.cause}"
    return taken.device or taken.name or taken.kind


def sources(interval: Interval) -> Iterator[Source]:
    """Processes, then cgroups, most time first. The rest of each is summed under ``OTHER_…``, so
    that the processes add up to the whole, and so do the cgroups."""
    parts = [part for part in BLAMES.of(interval.probe) if part.taken.count]
    processes, other = _largest(
        parts, lambda part: (part.pid or 0, part.cgroup or 0), PROCESSES_KEPT
    )
    cgroups, other_cgroups = _largest(parts, lambda part: (part.cgroup or 0,), CGROUPS_KEPT)
    for of_it in processes:
        yield _process(of_it, interval)
    if other:
        yield _source(OTHER_PROCESSES, other, interval)
    for of_it in cgroups:
        name = cgroup_name(of_it[0].cgroup or 0, interval.cgroups)
        yield _source(name, of_it, interval, cgroup=name)
    if other_cgroups:
        yield _source(OTHER_CGROUPS, other_cgroups, interval)


def _largest(
    parts: Iterable[Blame], key: Callable[[Blame], tuple[int, ...]], most: int
) -> tuple[list[list[Blame]], list[Blame]]:
    """The ``most`` groups with most time, and what is in none of them."""
    groups: defaultdict[tuple[int, ...], list[Blame]] = defaultdict(list)
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


def _process(parts: Sequence[Blame], interval: Interval) -> BlameSource:
    largest = max(parts, key=lambda part: part.taken.ns)
    name = f"{largest.comm}[{largest.pid}]"
    cgroup = None if largest.cgroup is None else cgroup_name(largest.cgroup, interval.cgroups)
    return _source(name, parts, interval, pid=largest.pid, cgroup=cgroup)


def _source(
    name: str,
    parts: Sequence[Blame],
    interval: Interval,
    *,
    pid: int | None = None,
    cgroup: str | None = None,
) -> BlameSource:
    cpus: defaultdict[int, list[Blame]] = defaultdict(list)
    for part in parts:
        cpus[part.cpu].append(part)
    count, seconds = sum(part.taken.count for part in parts), _ns(parts) / NS
    return BlameSource(
        kind="blame",
        name=name,
        count=count,
        seconds=seconds,
        rate=rate(count, interval.ns),
        cpus=counting(
            {
                cpu: CpuPart(sum(part.taken.count for part in on), _ns(on) / NS)
                for cpu, on in cpus.items()
            }
        ),
        share=share(seconds, interval.ns),
        pid=pid,
        cgroup=cgroup,
        taken_by=_taken_by(parts, interval.devices),
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


def export(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    """By cgroup, kind and device: processes have names without end."""
    probe = snapshot.probe
    if probe is None:
        return
    other = (OTHER, OTHER, OTHER)
    cgroups = exporting.groups("blame", "blame", SHOWN_APART, other, probe.attached_ns)
    members: dict[MemberKey, Member] = {}
    for part in BLAMES.of(probe):
        member = (
            *(part.pid, part.cgroup, part.irq, part.cpu),
            *(part.kind, part.name, part.cause),
        )
        cgroup = OTHER if part.cgroup is None else cgroup_name(part.cgroup, snapshot.cgroups)
        group = (cgroup, part.kind, exporting.device(part.irq))
        members[member] = Member(group, part.taken.ns, (part.taken.ns,))
    for labels, total in cgroups.update(members, exporting.now_ns).items():
        if total.counts[0]:
            sheet.values["irqwatch_blamed_seconds_total"][labels] = total.counts[0] / NS


def cgroups(probe: Probe) -> Iterator[tuple[int, int]]:
    for part in BLAMES.of(probe):
        if part.cgroup is not None:
            yield part.cgroup, part.taken.ns


COLLECTOR = Collector(
    name="blame",
    what="whose time interrupts take",
    default=Default.OFF,
    probed=Probed(
        file=None,
        needs=("hardirq", "vector", "softirq"),
        tables=(Table("blames", lambda size: max(4096, size.on_each_cpu(64)), Room.OF_PROCESSES),),
        arrays=("blame_cpus",),
        losses_in=None,
    ),
    parts=(BLAMES,),
    decode=decode,
    sources=sources,
    export=export,
    chosen_by="cgroup",
    cgroups=cgroups,
    keys=(
        Key("pid", "", "of a process; else `null`"),
        Key(
            "cgroup",
            "",
            "the process's, or the one that this is about: its path in the unified hierarchy, or "
            "its id where that is not known; else `null`",
        ),
        Key("taken_by", "", "what took it, most first: see below"),
    ),
    metrics=(
        Metric(
            name="irqwatch_blamed_seconds_total",
            kind="counter",
            labels=("cgroup", "kind", "device"),
            help="Time that interrupts and inline softirqs took from the tasks of a cgroup.",
            unit="seconds",
            meaning=(
                "Time that interrupts took from the tasks of a cgroup (its path in the unified "
                "hierarchy). `kind` is `hardirq`, `vector` or `softirq` (those that ran inline). "
                "`device` is the line's; of a softirq, that of the line it follows from. "
                "`irqwatch top --view blame` shows the processes."
            ),
            example="topk(5, sum by (cgroup, device) (rate(irqwatch_blamed_seconds_total[5m])))",
        ),
    ),
    shown=Shown(
        "whose time it was",
        says=frozenset({TIME}),
        columns=(Column("TAKEN BY", 40, takers, from_width=72, at_left=True),),
        in_all=False,
        colour="yellow",
    ),
    stimulus="packet",
    words=Words(
        title="Blame",
        event="a hard interrupt, vector or softirq",
        cost="0.2 µs",
        after="""\
An interrupt over the idle task takes time from nobody, so this is less than the time of all
interrupts. What the probe had no room for is in the cgroup `other`. Softirqs of a task's own making
(it sends over loopback) are taken from it too; they have no `device`. On PREEMPT_RT softirqs run in
threads such as `ktimers/N` and `irq/N-…`, and it is those that they take time from.
""",
        json="""\
Time that hard interrupts, vectors and inline softirqs took from tasks, not from the idle task.
First come the twenty processes that lost most and all others (`name` is `other processes`), then
the ten cgroups that lost most and all others (`other cgroups`). The processes add up to the whole,
and so do the cgroups.
""",
        folded=(Folded("blame (`cgroup`, `kind`, `device`)", SHOWN_APART),),
    ),
)
