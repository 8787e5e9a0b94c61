"""What the probe keeps of work items, merged by name."""

from irqwatch.model.histogram import EMPTY, Histogram
from irqwatch.model.snapshot import CountAndTime, Worst
from irqwatch.source.abi import WorkCpuValue, WorkValue
from irqwatch.source.works import merge_works


def worst(ns: int) -> Worst:
    return Worst(ns=ns, at_ns=1, cpu=0, pid=2, comm="kworker/0:1")


def on_cpu(count: int, ns: int, longest: Worst | None = None) -> WorkCpuValue:
    return WorkCpuValue(count, ns, 1, 7, worst_latency=longest, worst_run=None)


def test_functions_of_one_name_are_counted_together() -> None:
    shared = [
        (
            (0xB, "xfs-conv"),
            WorkValue("xfs_end_io", Histogram({3: 2}, 80), Histogram({9: 1}, 500)),
        ),
        ((0xC, "xfs-conv"), WorkValue("xfs_end_io", Histogram({3: 1, 4: 1}, 90), EMPTY)),
    ]
    by_cpu = [
        ((0xB, "xfs-conv"), 0, on_cpu(2, 300, worst(5))),
        ((0xC, "xfs-conv"), 0, on_cpu(1, 200, worst(9))),
        ((0xC, "xfs-conv"), 5, on_cpu(1, 100)),
    ]
    (work,) = merge_works(shared, by_cpu)
    assert (work.function, work.workqueue) == ("xfs_end_io", "xfs-conv")
    assert work.latency == Histogram({3: 3, 4: 1}, 170)
    assert work.run == Histogram({9: 1}, 500)
    assert work.cpus == {0: CountAndTime(3, 500), 5: CountAndTime(1, 100)}
    assert (work.stall_count, work.stall_ns) == (3, 21)
    assert work.worst_latency == worst(9)


def test_functions_and_queues_are_kept_apart_and_sorted() -> None:
    shared = [
        ((0xB, "xfs-conv"), WorkValue("xfs_end_io", EMPTY, EMPTY)),
        ((0xA, ""), WorkValue("vmstat_update", EMPTY, EMPTY)),
        ((0xA, "mm_percpu_wq"), WorkValue("vmstat_update", EMPTY, EMPTY)),
    ]
    works = merge_works(shared, [])
    assert [(w.function, w.workqueue) for w in works] == [
        ("vmstat_update", ""),
        ("vmstat_update", "mm_percpu_wq"),
        ("xfs_end_io", "xfs-conv"),
    ]


def test_a_cpus_part_that_came_after_the_shared_ones_were_read_waits() -> None:
    assert merge_works([], [((0xA, "mm_percpu_wq"), 1, on_cpu(1, 1))]) == ()


def test_a_cpu_where_it_only_waited_is_not_one_where_it_ran() -> None:
    shared = [((0xA, "mm_percpu_wq"), WorkValue("vmstat_update", Histogram({1: 1}, 40), EMPTY))]
    (work,) = merge_works(shared, [((0xA, "mm_percpu_wq"), 1, on_cpu(0, 0, worst(40)))])
    assert work.cpus == {}
