"""Whose time interrupts took: the most, the rest, and that sums are the whole."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irqwatch.collectors.blame import (
    CGROUPS_KEPT,
    OTHER_CGROUPS,
    OTHER_PROCESSES,
    PROCESSES_KEPT,
    Blame,
    BlameSource,
    Taken,
    sources,
)
from irqwatch.derive.view import derive
from irqwatch.model.snapshot import CountAndTime
from irqwatch.model.view import CpuPart, Source
from tests import hosts
from tests.probes import a_probe, an_interval, with_parts

VIEW = derive(hosts.threaded(2), hosts.threaded(1))
ROWS = {source.name: source for source in VIEW.sources if source.kind == "blame"}
SECOND_NS = 10**9


def test_processes_then_cgroups_and_the_rest_of_each() -> None:
    assert [(row.name, row.count, row.pid, row.cgroup) for row in ROWS.values()] == [
        ("nginx[812]", 80, 812, "/system.slice/nginx.service"),
        ("cc1[900]", 15, 900, "cgroup 9"),
        (OTHER_PROCESSES, 5, None, None),
        ("/system.slice/nginx.service", 80, None, "/system.slice/nginx.service"),
        ("cgroup 9", 15, None, "cgroup 9"),
        (OTHER_CGROUPS, 5, None, None),
    ]


def test_a_process_loses_to_what_took_it() -> None:
    nginx = ROWS["nginx[812]"]
    assert (nginx.seconds, nginx.share) == (0.08, 0.08)
    assert nginx.cpus == {0: CpuPart(70, 0.07), 1: CpuPart(10, 0.01)}
    assert nginx.taken_by == (
        Taken("softirq", "NET_RX", 24, "eth0", "eth0-TxRx-0", 40, 0.04),
        Taken("hardirq", "eth0-TxRx-0", 24, "eth0", None, 30, 0.03),
        Taken("vector", "local_timer", None, None, None, 10, 0.01),
    )


def test_one_that_was_forgotten_and_came_again_counts_from_zero() -> None:
    before, after = hosts.threaded(5), hosts.threaded(6)
    assert after.probe
    small = tuple(replace(part, taken=CountAndTime(1, 1)) for part in after.probe.parts["blames"])
    view = derive(replace(after, probe=with_parts(after.probe, blames=small)), before)
    assert [s.count for s in view.sources if isinstance(s, BlameSource) and s.pid] == [3, 1]


blame = st.builds(
    Blame,
    pid=st.none() | st.integers(1, 40),
    comm=st.just("x"),
    cgroup=st.integers(1, 20),
    kind=st.sampled_from(["hardirq", "vector", "softirq"]),
    name=st.sampled_from(["a", "b"]),
    cpu=st.integers(0, 3),
    irq=st.none() | st.just(34),
    cause=st.just(""),
    taken=st.builds(CountAndTime, st.integers(0, 9), st.integers(0, SECOND_NS)),
)


def sums(rows: list[Source]) -> tuple[int, float]:
    return sum(row.count for row in rows), sum(row.seconds or 0.0 for row in rows)


@given(st.lists(blame, max_size=200))
def test_processes_add_up_to_the_whole_and_so_do_cgroups(blames: list[Blame]) -> None:
    rows = list(sources(an_interval(a_probe({"blame"}, 0, blames=tuple(blames)))))
    of_processes = [row for row in rows if row.pid is not None or row.name == OTHER_PROCESSES]
    of_cgroups = [row for row in rows if row not in of_processes]
    counted = [part.taken for part in blames if part.taken.count]
    whole = sum(part.count for part in counted), sum(part.ns for part in counted) / 1e9
    for part in (of_processes, of_cgroups):
        count, seconds = sums(part)
        assert (count, pytest.approx(seconds)) == whole
    assert len(of_processes) <= PROCESSES_KEPT + 1
    assert len(of_cgroups) <= CGROUPS_KEPT + 1
    for row in rows:
        assert sum(taken.count for taken in row.taken_by) == row.count
