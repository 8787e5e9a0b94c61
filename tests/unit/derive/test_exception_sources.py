"""Exceptions as sources, and whose page faults they are."""

from collections.abc import Sequence
from dataclasses import replace

from irqwatch.collectors.exception import (
    PROCESSES_KEPT,
    ExceptionCount,
    ProcessFaults,
    ProcessPart,
    sources,
)
from irqwatch.derive.view import derive
from irqwatch.model.snapshot import Snapshot
from irqwatch.model.view import CpuPart, Source
from tests import hosts
from tests.probes import a_probe, an_interval, with_parts


def of_exceptions(current: Snapshot, previous: Snapshot) -> dict[str, Source]:
    return {s.name: s for s in derive(current, previous).sources if s.kind == "exception"}


def of_parts(count: ExceptionCount, faulting: Sequence[ProcessFaults]) -> list[Source]:
    probe = a_probe({"exception"}, 0, exceptions=(count,), faulting=tuple(faulting))
    return list(sources(an_interval(probe)))


def with_faulting(tick: int, *faulting: ProcessFaults) -> Snapshot:
    made = hosts.busier(tick)
    assert made.probe
    return replace(made, probe=with_parts(made.probe, faulting=faulting))


def test_counts_and_processes() -> None:
    found = of_exceptions(hosts.busier(3), hosts.busier(1))
    assert list(found) == ["page_fault_user", "page_fault_kernel"]
    user = found["page_fault_user"]
    assert (user.count, user.rate, user.seconds, user.share) == (2000, 1000, None, None)
    assert user.cpus == {0: CpuPart(1800, None), 1: CpuPart(200, None)}
    assert user.processes == (ProcessPart(812, "cc1", 900), ProcessPart(700, "make", 400))
    assert found["page_fault_kernel"].processes == (
        ProcessPart(700, "make", 10),
        ProcessPart(812, "cc1", 4),
    )


def test_a_process_that_was_forgotten_counts_anew() -> None:
    before = with_faulting(1, ProcessFaults(5, "sh", 500, 9), ProcessFaults(6, "ls", 3))
    after = with_faulting(2, ProcessFaults(5, "sh", 20, 0), ProcessFaults(7, "ps", 4))
    assert of_exceptions(after, before)["page_fault_user"].processes == (
        ProcessPart(5, "sh", 20),
        ProcessPart(7, "ps", 4),
    )


def test_a_count_that_went_backwards_is_unknown() -> None:
    assert of_exceptions(hosts.busier(1), replace(hosts.busier(2), monotonic_ns=0)) == {}


def test_only_the_largest_are_shown() -> None:
    faulting = [ProcessFaults(pid, "sh", pid) for pid in range(1, 100)]
    (source,) = of_parts(ExceptionCount("page_fault_user", {0: 10_000}), faulting)
    assert [part.pid for part in source.processes] == list(range(99, 99 - PROCESSES_KEPT, -1))


def test_an_nmi_is_nobodys() -> None:
    faulting = [ProcessFaults(1, "sh", 5, 5)]
    (source,) = of_parts(ExceptionCount("nmi", {0: 3}), faulting)
    assert (source.count, source.processes) == (3, ())
