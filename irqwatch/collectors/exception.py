"""Exceptions by CPU, and page faults by process: bpf/exception.c."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from irqwatch.base.collector import (
    Collector,
    Default,
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
from irqwatch.base.measures import counted
from irqwatch.base.parts import Naming, Part
from irqwatch.base.reading import Reading, string
from irqwatch.base.sheet import Exporting, Sheet
from irqwatch.cells import percent
from irqwatch.model.snapshot import CpuCounts, Snapshot
from irqwatch.model.view import PartRow, Source

PROCESSES_KEPT = 10
PROCESSES_SHOWN = 4
OTHERS = "others"

# Of the constants EXCEPTION_… in bpf/exception.c, by their end.
PREFIX = "EXCEPTION_"


@dataclass(frozen=True, slots=True)
class ExceptionCount:
    """Exceptions of one kind: "page_fault_user", "page_fault_kernel", "nmi", "machine_check"."""

    exception: str
    cpus: CpuCounts


@dataclass(frozen=True, slots=True)
class ProcessFaults:
    """Page faults of one process, in its own code and in the kernel's on its behalf. ``comm`` is
    its first thread's. Of the processes for which the probe had no room there is none."""

    pid: int
    comm: str
    user_count: int = 0
    kernel_count: int = 0


EXCEPTIONS = Part("exceptions", ExceptionCount, ("exception",), {"exception": Naming.KERNEL})
FAULTING = Part("faulting", ProcessFaults, ("pid",), {"comm": Naming.TASK}, comes_again=True)


def decode(reading: Reading) -> Mapping[str, tuple[Any, ...]]:
    """Exceptions that came, in the order of the probe's; processes by number."""
    return {"exceptions": _exceptions(reading), "faulting": _faulting(reading)}


def _exceptions(reading: Reading) -> tuple[ExceptionCount, ...]:
    at = reading.at("exceptions")
    constants = reading.layouts.enum("exception").items()
    names = [name.removeprefix(PREFIX).lower() for name, _ in constants if name.startswith(PREFIX)]
    by_cpu: dict[str, dict[int, int]] = {name: {} for name in names}
    for cpu, value in reading.each_cpu("exceptions"):
        for name, count in zip(names, value[at.counts], strict=True):
            if count:
                by_cpu[name][cpu] = count
    return tuple(ExceptionCount(name, cpus) for name, cpus in by_cpu.items() if cpus)


def _faulting(reading: Reading) -> tuple[ProcessFaults, ...]:
    at = reading.at("exception_process")
    constants = reading.layouts.enum("exception")
    user, kernel = (constants[f"EXCEPTION_PAGE_FAULT_{by}"] for by in ("USER", "KERNEL"))
    found = (
        ProcessFaults(
            pid=pid,
            comm=string(value, at.comm),
            user_count=value[at.counts][user],
            kernel_count=value[at.counts][kernel],
        )
        for pid, value in reading.entries("exception_processes")
    )
    return tuple(sorted(found, key=lambda process: process.pid))


@dataclass(frozen=True, slots=True)
class ProcessPart:
    """A process's part of an exception."""

    pid: int
    comm: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionSource(Source):
    """One a kind; ``processes`` are those with most of it."""

    processes: tuple[ProcessPart, ...]

    def words(self) -> Iterator[str | None]:
        yield from (self.kind, self.name, *(process.comm for process in self.processes))

    def aside(self) -> str | None:
        """Those with most of it: "cc1[812] 45%, make[700] 20%, others 35%"."""
        if not self.processes:
            return None
        shown = self.processes[:PROCESSES_SHOWN]
        parts = [f"{of.comm}[{of.pid}] {percent(of.count / self.count)}" for of in shown]
        others = self.count - sum(of.count for of in shown)
        if others > 0:
            parts.append(f"others {percent(others / self.count)}")
        return "by: " + ", ".join(parts)

    def parts(self) -> Iterator[PartRow]:
        """Its processes add up to it: the last is the rest. Their CPUs are not known."""
        counts = [(f"{part.comm}[{part.pid}]", part.count) for part in self.processes]
        others = self.count - sum(count for _, count in counts)
        if counts and others > 0:
            counts.append((OTHERS, others))
        for name, count in counts:
            yield PartRow(name, count, self.rate * count / self.count)


def sources(interval: Interval) -> Iterator[Source]:
    """In the order of the parts."""
    faulting = FAULTING.of(interval.probe)
    processes = {
        "page_fault_user": _largest((part, part.user_count) for part in faulting),
        "page_fault_kernel": _largest((part, part.kernel_count) for part in faulting),
    }
    for part in EXCEPTIONS.of(interval.probe):
        yield ExceptionSource(
            kind="exception",
            name=part.exception,
            **counted(part.cpus, interval.ns),
            processes=processes.get(part.exception, ()),
        )


def _largest(counts: Iterable[tuple[ProcessFaults, int]]) -> tuple[ProcessPart, ...]:
    parts = [ProcessPart(process.pid, process.comm, count) for process, count in counts if count]
    return tuple(sorted(parts, key=lambda part: (-part.count, part.pid))[:PROCESSES_KEPT])


def export(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    """By kind."""
    del exporting
    for part in EXCEPTIONS.of(snapshot.probe):
        count = sum(part.cpus.values())
        sheet.values["irqwatch_exceptions_total"][part.exception,] = count


COLLECTOR = Collector(
    name="exception",
    what="page faults and other exceptions",
    default=Default.OFF,
    probed=Probed(
        file="exception.c",
        hooks=(
            Hook("irqw_fault_user", "page_fault_user"),
            Hook("irqw_fault_kern", "page_fault_kernel"),
            Hook("irqw_nmi", "nmi_handler", ("", "", "s32")),
            Hook("irqw_mce", "mce_record"),
        ),
        is_partial=True,
        tables=(Table("exception_processes", lambda size: 1024, Room.OF_PROCESSES),),
        arrays=("exceptions",),
        losses_in=None,
    ),
    parts=(EXCEPTIONS, FAULTING),
    decode=decode,
    sources=sources,
    export=export,
    keys=(
        Key(
            "processes",
            "",
            "of page faults, the ten processes with most of them (see below); else empty",
        ),
    ),
    metrics=(
        Metric(
            name="irqwatch_exceptions_total",
            kind="counter",
            labels=("exception",),
            help="Exceptions that CPUs took: page faults, NMIs, records of machine checks.",
            unit="exceptions",
            meaning=(
                "Exceptions that CPUs took. `exception` is `page_fault_user` or "
                "`page_fault_kernel` (by what the CPU ran), on x86 also `nmi` (those that a "
                "handler took as its own) and `machine_check` (records of them, of corrected "
                "errors too). `irqwatch top --view exception` shows the processes."
            ),
            example="topk(5, sum by (instance, exception) (rate(irqwatch_exceptions_total[5m])))",
        ),
    ),
    shown=Shown("by process", colour="red"),
    stimulus="fault",
    words=Words(
        title="Exceptions",
        event="a page fault",
        cost="0.3 µs",
        before="""\
Page faults can be more frequent than all interrupts together.
""",
        after="""\
The kernel's own count of page faults is `pgfault` in /proc/vmstat, and the two differ. The probe
counts each time that a CPU takes the exception. The kernel counts each time that it resolves a
fault: so not those that end in a signal or are repeated, but also those that no CPU took, where the
kernel itself looked for a page (get_user_pages(): O_DIRECT, exec, ptrace).
""",
        json="""\
`name` is `page_fault_user`, `page_fault_kernel`, `nmi` or `machine_check`; the last two on x86
only.
""",
    ),
)
