"""How long tasklets run: bpf/tasklet.c."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from irqwatch.base.collector import (
    Collector,
    Folded,
    Hook,
    Key,
    Metric,
    Probed,
    Room,
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
from irqwatch.model.histogram import EMPTY, Histogram
from irqwatch.model.snapshot import Snapshot, Worst
from irqwatch.model.view import Source

SHOWN_APART = Bound(1, 8)


@dataclass(frozen=True, slots=True)
class TaskletTime:
    """Tasklets of one function on one CPU. ``run`` excludes the hard interrupts inside."""

    function: str
    cpu: int
    run: Histogram = EMPTY
    worst: Worst | None = None


TASKLETS = Part("tasklets", TaskletTime, ("function", "cpu"), {"function": Naming.KERNEL})


def decode(reading: Reading) -> Mapping[str, tuple[Any, ...]]:
    """Sorted. Functions of one name (static ones of two modules) are counted together."""
    at = reading.at("tasklet")
    found = (
        TaskletTime(
            function=reading.function(value, at.function),
            cpu=key.cpu,
            run=histogram(value, at.run),
            worst=reading.worst(value, at.worst, key.cpu),
        )
        for key, value in reading.entries("tasklets")
    )
    return {
        "tasklets": tuple(sorted(TASKLETS.merged(found), key=lambda one: (one.function, one.cpu)))
    }


class TaskletSource(Source):
    """One a function."""

    __slots__ = ()


def sources(interval: Interval) -> Iterator[Source]:
    """By name."""
    functions = grouped(TASKLETS.of(interval.probe), lambda part: part.function)
    for function, parts in functions.items():
        runs = ((part.cpu, part.run) for part in parts)
        worsts = (part.worst for part in parts)
        yield TaskletSource(kind="tasklet", name=function, **timed(runs, worsts, interval.ns))


def export(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    """By function."""
    probe = snapshot.probe
    if probe is None:
        return
    functions = exporting.groups("tasklet", "tasklet", SHOWN_APART, (OTHER,), probe.attached_ns)
    times = TASKLETS.of(probe)
    members: dict[MemberKey, Member] = {
        (time.function, time.cpu): Member((time.function,), time.run.sum_ns, (), (time.run,))
        for time in times
    }
    for labels, total in functions.update(members, exporting.now_ns).items():
        if total.times[0].count:
            sheet.histograms["irqwatch_tasklet_duration_seconds"][labels] = total.times[0]
    for time in times:
        labels = functions.shown_as((time.function,))
        sheet.note("irqwatch_tasklet_duration_max_seconds", labels, time.worst)


COLLECTOR = Collector(
    name="tasklet",
    what="tasklets",
    probed=Probed(
        file="tasklet.c",
        hooks=(
            Hook("irqw_tlet_exit", "tasklet_exit", ("", "void *")),
            Hook("irqw_tlet_entry", "tasklet_entry", ("", "void *")),
        ),
        formats=("tasklet_format",),
        tables=(Table("tasklets", lambda size: max(64, size.on_each_cpu(16)), Room.IDLE),),
        arrays=("tasklet_cpus",),
        losses_in="tasklet_cpus",
    ),
    parts=(TASKLETS,),
    decode=decode,
    sources=sources,
    export=export,
    chosen_by="function",
    keys=(Key("worst", "", "the event of `max_s`"),),
    metrics=(
        Metric(
            name="irqwatch_tasklet_duration_seconds",
            kind="histogram",
            labels=("function",),
            help="Run time of a tasklet without the hard interrupts inside it.",
            unit="seconds",
            meaning=(
                "Run time of a tasklet, without the interrupts inside it that are timed, as that "
                "of a softirq. It is part of the time of the `HI` and `TASKLET` softirqs. Only on "
                "Linux 6.4 or newer."
            ),
            example="topk(5, sum by (function) (rate(irqwatch_tasklet_duration_seconds_sum[5m])))",
        ),
        Metric(
            name="irqwatch_tasklet_duration_max_seconds",
            kind="gauge",
            labels=("function",),
            help="Longest run of a tasklet seen in the last one to two minutes.",
            unit="seconds",
            meaning="The longest such run seen in the last one to two minutes.",
            example="topk(5, irqwatch_tasklet_duration_max_seconds)",
        ),
    ),
    shown=Shown("their functions", digit="8", colour="yellow"),
    words=Words(
        title="Tasklets",
        event="a tasklet (entry, exit)",
        cost="0.5 µs",
        folded=(Folded("tasklets (`function`)", SHOWN_APART),),
        json="""\
`name` is the tasklet's function. Its time is without the hard interrupts inside it, as that of a
softirq.
""",
    ),
)
