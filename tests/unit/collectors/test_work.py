"""What the probe keeps of work items, merged by name."""

from collections.abc import Mapping
from typing import Any

import pytest

from irqwatch.collectors.work import (
    WorkCause,
    WorkSource,
    WorkTime,
    decode,
    follows,
    sources,
)
from irqwatch.model.histogram import Histogram
from irqwatch.model.snapshot import CountAndTime, Worst
from irqwatch.model.view import CpuPart
from tests.probes import a_probe, an_interval
from tests.unit.collectors.readings import entry, reading

HISTOGRAM = {"sum_ns": 80, "buckets": {3: 2}}


def shared(function: int, workqueue: bytes, name: bytes, **members: Any) -> Any:
    key = {"function": function, "workqueue": workqueue}
    return entry("works", key, {"function": name, **members})


def on_cpu(
    work: tuple[int, bytes], cpu: int, count: int, ns: int, wait_ns: int = 0, **more: Any
) -> Any:
    function, workqueue = work
    worst = {"slot": {0: {"ns": wait_ns, "at_ns": 1, "pid": 2, "comm": b"kworker/0:1"}}}
    members: Mapping[str, Any] = {
        "run_count": count,
        "run_ns": ns,
        "stall_count": 1,
        "stall_ns": 7,
        "worst_latency": worst,
        **more,
    }
    key = {"key": {"function": function, "workqueue": workqueue}, "cpu": cpu}
    return entry("work_cpus", key, members)


def works(works: list[Any], work_cpus: list[Any]) -> tuple[WorkTime, ...]:
    tables = {"works": works, "work_cpus": work_cpus, "work_causes": [], "hardirqs": []}
    return decode(reading(tables))["works"]


def test_functions_of_one_name_are_counted_together() -> None:
    one, other = (0xB, b"xfs-conv"), (0xC, b"xfs-conv")
    run = {"sum_ns": 500, "buckets": {9: 1}}
    both = {"sum_ns": 90, "buckets": {3: 1, 4: 1}}
    (work,) = works(
        [
            shared(*one, b"xfs_end_io", latency=HISTOGRAM, run=run),
            shared(*other, b"xfs_end_io", latency=both),
        ],
        [on_cpu(one, 0, 2, 300, 5), on_cpu(other, 0, 1, 200, 9), on_cpu(other, 5, 1, 100)],
    )
    assert (work.function, work.workqueue) == ("xfs_end_io", "xfs-conv")
    assert work.latency == Histogram({3: 3, 4: 1}, 170)
    assert work.run == Histogram({9: 1}, 500)
    assert work.cpus == {0: CountAndTime(3, 500), 5: CountAndTime(1, 100)}
    assert (work.stall_count, work.stall_ns) == (3, 21)
    assert work.worst_latency == Worst(ns=9, at_ns=1, cpu=0, pid=2, comm="kworker/0:1")


def test_functions_and_queues_are_kept_apart_and_sorted() -> None:
    found = works(
        [
            shared(0xB, b"xfs-conv", b"xfs_end_io"),
            shared(0xA, b"", b"vmstat_update"),
            shared(0xA, b"mm_percpu_wq", b"vmstat_update"),
        ],
        [],
    )
    assert [(w.function, w.workqueue) for w in found] == [
        ("vmstat_update", ""),
        ("vmstat_update", "mm_percpu_wq"),
        ("xfs_end_io", "xfs-conv"),
    ]


def test_a_cpus_part_that_came_after_the_shared_ones_were_read_waits() -> None:
    assert works([], [on_cpu((0xA, b"mm_percpu_wq"), 1, 1, 1)]) == ()


def test_time_on_a_cpu_is_by_cpu_too() -> None:
    one = (0xA, b"netns")
    known = {"on_cpu": {"count": 2, "ns": 40}}
    (work,) = works(
        [shared(*one, b"cleanup_net")],
        [on_cpu(one, 0, 2, 300, **known), on_cpu(one, 1, 1, 100)],
    )
    assert (work.on_cpu, work.is_on_cpu_known) == ({0: CountAndTime(2, 40)}, True)


def test_time_on_a_cpu_is_unknown_where_no_run_has_it() -> None:
    one = (0xA, b"netns")
    (work,) = works([shared(*one, b"cleanup_net")], [on_cpu(one, 0, 2, 300)])
    assert (work.on_cpu, work.is_on_cpu_known) == ({}, False)


# What a source is charged for.


def a_work(**fields: Any) -> WorkTime:
    return WorkTime("cleanup_net", "netns", run=Histogram({87: 3}, 300_000_000), **fields)


def a_source(work: WorkTime) -> WorkSource:
    (source,) = sources(an_interval(a_probe({"work"}, 0, works=(work,))))
    return source


def test_a_source_is_charged_for_its_time_on_a_cpu() -> None:
    source = a_source(
        a_work(
            cpus={0: CountAndTime(2, 200_000_000), 1: CountAndTime(1, 100_000_000)},
            on_cpu={0: CountAndTime(2, 3_000_000), 1: CountAndTime(1, 1_000_000)},
            is_on_cpu_known=True,
        )
    )
    assert (source.seconds, source.share, source.wall_seconds) == (0.004, 0.004, 0.3)
    assert source.cpus == {0: CpuPart(2, 0.003), 1: CpuPart(1, 0.001)}
    assert source.p50_s and source.p50_s > source.seconds
    assert "300ms from start to end" in source.phrases()


def test_what_it_is_charged_for_is_unknown_where_its_time_on_a_cpu_is() -> None:
    """Never its wall time."""
    runs = {0: CountAndTime(2, 200_000_000), 1: CountAndTime(1, 100_000_000)}
    source = a_source(a_work(cpus=runs, is_on_cpu_known=False))
    assert (source.seconds, source.share, source.wall_seconds) == (None, None, 0.3)
    assert source.cpus == {0: CpuPart(2, None), 1: CpuPart(1, None)}


def test_a_recording_of_before_is_charged_for_wall_time() -> None:
    source = a_source(a_work(cpus={0: CountAndTime(3, 300_000_000)}))
    assert (source.seconds, source.wall_seconds) == (0.3, None)
    assert source.cpus == {0: CpuPart(3, 0.3)}
    assert list(source.phrases()) == []


@pytest.mark.parametrize(("is_known", "is_timed"), [(True, True), (False, False), (None, True)])
def test_what_followed_is_timed_where_its_time_on_a_cpu_is_known(
    *, is_known: bool | None, is_timed: bool
) -> None:
    """And in recordings that have wall time only."""
    cause = WorkCause(34, "eth0", "", "cleanup_net", "netns", 0, CountAndTime(3, 900))
    work = a_work(cpus={0: CountAndTime(3, 300_000_000)}, is_on_cpu_known=is_known)
    (found,) = follows(a_probe({"work"}, 0, works=(work,), work_causes=(cause,)))
    assert (found.runs, found.is_timed) == (CountAndTime(3, 900), is_timed)


def test_a_cpu_where_it_only_waited_is_not_one_where_it_ran() -> None:
    (work,) = works(
        [shared(0xA, b"mm_percpu_wq", b"vmstat_update", latency=HISTOGRAM)],
        [on_cpu((0xA, b"mm_percpu_wq"), 1, 0, 0, 40)],
    )
    assert work.cpus == {}
