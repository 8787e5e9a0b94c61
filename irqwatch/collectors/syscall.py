"""How long system calls take: bpf/syscall.c."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from irqwatch.base.collector import (
    Collector,
    Default,
    Folded,
    Hook,
    Key,
    Metric,
    Probed,
    Shown,
    Table,
    Words,
)
from irqwatch.base.interval import Interval
from irqwatch.base.measures import grouped, timed
from irqwatch.base.parts import Naming, Part
from irqwatch.base.reading import Reading, histogram
from irqwatch.base.series import OTHER, Bound, Member, MemberKey
from irqwatch.base.sheet import Exporting, Sheet
from irqwatch.base.syscall_names import UNKNOWN, name
from irqwatch.model.histogram import EMPTY, Histogram
from irqwatch.model.snapshot import Snapshot, Worst
from irqwatch.model.view import Source

SHOWN_APART = Bound(8, 64)


@dataclass(frozen=True, slots=True)
class SyscallTime:
    """Calls of one system call that ended on one CPU. ``run`` is wall time, sleeping included."""

    syscall: str  # "read"; its number where the name is not known
    cpu: int
    run: Histogram = EMPTY
    worst: Worst | None = None


SYSCALLS = Part("syscalls", SyscallTime, ("syscall", "cpu"), {"syscall": Naming.KERNEL})


def decode(reading: Reading) -> Mapping[str, tuple[Any, ...]]:
    """In the order of the calls' numbers."""
    at = reading.at("syscall_times")
    unknown = reading.layouts.constant("UNKNOWN_SYSCALL")
    entries = sorted(reading.entries("syscalls"), key=lambda entry: entry[0])
    return {
        "syscalls": tuple(
            SyscallTime(
                syscall=UNKNOWN if key.number >= unknown else name(key.number, reading.machine),
                cpu=key.cpu,
                run=histogram(value, at.run),
                worst=reading.worst(value, at.worst, key.cpu),
            )
            for key, value in entries
        )
    }


class SyscallSource(Source):
    """One a call. Its time includes sleep, so it has no share of a CPU."""

    __slots__ = ()


def sources(interval: Interval) -> Iterator[Source]:
    """By name."""
    for call, parts in grouped(SYSCALLS.of(interval.probe), lambda part: part.syscall).items():
        runs = ((part.cpu, part.run) for part in parts)
        measured = timed(runs, (part.worst for part in parts), interval.ns)
        yield SyscallSource(kind="syscall", name=call, **{**measured, "share": None})


def export(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    """By call."""
    probe = snapshot.probe
    if probe is None:
        return
    syscalls = exporting.groups("syscall", "syscall", SHOWN_APART, (OTHER,), probe.attached_ns)
    times = SYSCALLS.of(probe)
    members: dict[MemberKey, Member] = {
        (time.syscall, time.cpu): Member((time.syscall,), time.run.sum_ns, (), (time.run,))
        for time in times
    }
    for labels, total in syscalls.update(members, exporting.now_ns).items():
        if total.times[0].count:
            sheet.histograms["irqwatch_syscall_duration_seconds"][labels] = total.times[0]
    for time in times:
        labels = syscalls.shown_as((time.syscall,))
        sheet.note("irqwatch_syscall_duration_max_seconds", labels, time.worst)


COLLECTOR = Collector(
    name="syscall",
    what="system calls",
    default=Default.OFF,
    probed=Probed(
        file="syscall.c",
        hooks=(
            Hook("irqw_sys_gone", "sched_process_exit"),
            Hook("irqw_sys_exec", "sched_process_exec", ("", "s32")),
            Hook("irqw_sys_exit", "sys_exit"),
            Hook("irqw_sys_enter", "sys_enter", ("", "s64")),
        ),
        tables=(
            Table("syscalls_open", lambda size: 16384, is_read=False),  # threads
            Table("syscalls", lambda size: max(512, size.on_each_cpu(64))),
        ),
        arrays=("syscall_losses",),
        losses_in="syscall_losses",
        counted_by="irqw_sys_exit",
    ),
    parts=(SYSCALLS,),
    decode=decode,
    sources=sources,
    export=export,
    chosen_by="syscall",
    keys=(Key("worst", "", "the event of `max_s`"),),
    metrics=(
        Metric(
            name="irqwatch_syscall_duration_seconds",
            kind="histogram",
            labels=("syscall",),
            help="Time from start to end of a system call, sleeping included.",
            unit="seconds",
            meaning="From start to end in wall time: a call may sleep.",
            example=(
                "topk(5, sum by (syscall) (rate(irqwatch_syscall_duration_seconds_count[5m])))"
            ),
        ),
        Metric(
            name="irqwatch_syscall_duration_max_seconds",
            kind="gauge",
            labels=("syscall",),
            help="Longest system call seen in the last one to two minutes.",
            unit="seconds",
            meaning="The longest such call that ended in the last one to two minutes.",
            example="topk(5, irqwatch_syscall_duration_max_seconds)",
        ),
    ),
    shown=Shown("with its sleep", colour="green"),
    stimulus="packet",
    words=Words(
        title="System calls",
        event="a system call (enter, exit)",
        cost="0.4 µs",
        before="""\
Most hosts make far more system calls than they have interrupts, and to time one costs more than a
short one takes.
""",
        after="""\
Names are those of the 64-bit calls. A call that irqwatch has no name for is shown by its number;
`unknown` is all numbers above 1023. The calls of a 32-bit program on a 64-bit kernel are counted by
their numbers too, and so under other calls' names. A call that is under way when irqwatch starts,
and a child's return from fork(), are `exit_without_enter` in `irqwatch_lost_events_total`. A call
that never returns (exit()) is counted nowhere.
""",
        json="""\
`name` is the system call. Its time is wall time: a call may sleep.
""",
        folded=(Folded("system calls (`syscall`)", SHOWN_APART),),
    ),
)
