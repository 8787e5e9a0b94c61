import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irqwatch.affinity import files
from irqwatch.affinity.write import predicted, write_moves
from irqwatch.errors import AffinityError
from irqwatch.model.applied import Refusal, Written
from irqwatch.model.plan import PlannedLine
from irqwatch.model.topology import Cpu, Topology
from tests import affinity
from tests.affinity import FakeHost

FULL = Refusal(errno.ENOSPC, os.strerror(errno.ENOSPC))
NODES = Topology({cpu: Cpu(cpu, True, node=cpu // 2) for cpu in range(affinity.CPUS)})


class Kernel:
    """Refuses masks with an errno; keeps what it was asked, and what it was told of first."""

    def __init__(self, refuse: Callable[[int, frozenset[int]], int | None]) -> None:
        self._refuse = refuse
        self.asked: list[tuple[int, set[int]]] = []
        self.announced: list[tuple[int, set[int]]] = []

    def intend(self, line: PlannedLine, cpus: frozenset[int]) -> None:
        self.announced.append((line.irq, set(cpus)))

    def write(self, irq: int, cpus: frozenset[int]) -> None:
        self.asked.append((irq, set(cpus)))
        assert self.announced == self.asked
        if number := self._refuse(irq, cpus):
            raise OSError(number, os.strerror(number))


def test_coldest_first_and_each_announced() -> None:
    kernel = Kernel(lambda irq, cpus: None)
    plan = affinity.plan(affinity.move(32, 3), affinity.move(30, 2), affinity.move(31, 1))
    written = write_moves(plan, NODES, kernel.write, kernel.intend)
    assert kernel.asked == [(30, {2}), (31, {1}), (32, {3})]
    assert [(one.cpus, one.refused) for one in written] == [({2}, None), ({1}, None), ({3}, None)]


@pytest.mark.parametrize(
    "number",
    [errno.EIO, errno.EPERM, errno.EINVAL, errno.ERANGE, errno.ENOENT, errno.EBUSY],
)
def test_what_the_kernel_refuses_stays_and_the_rest_goes_on(number: int) -> None:
    kernel = Kernel(lambda irq, cpus: number if irq == 30 else None)
    plan = affinity.plan()
    written = write_moves(plan, NODES, kernel.write, kernel.intend)
    refused = Refusal(number, os.strerror(number))
    assert written == (
        Written(plan.moves[1], None, refused),
        Written(plan.moves[0], frozenset({1})),
    )
    assert kernel.asked == [(30, {2}), (31, {1})]  # the same CPU is not asked again


def test_without_a_vector_left_the_next_best_cpu() -> None:
    """Of the same node first: 3 beside 2. Then the least loaded; never where it would be as bad."""
    kernel = Kernel(lambda irq, cpus: errno.ENOSPC if cpus & {2, 3} else None)
    (written,) = write_moves(
        affinity.plan(affinity.move(30, 2)), NODES, kernel.write, kernel.intend
    )
    assert kernel.asked == [(30, {2}), (30, {3}), (30, {1})]
    assert (written.cpus, written.refused) == ({1}, FULL)


def test_a_spare_of_the_same_node_comes_first_though_it_is_busier() -> None:
    kernel = Kernel(lambda irq, cpus: errno.ENOSPC if cpus == {3} else None)
    plan = affinity.plan(affinity.move(30, 3), affinity.move(31, 2))
    written = write_moves(plan, NODES, kernel.write, kernel.intend)
    assert [one.cpus for one in written] == [{2}, {2}]


def test_no_spare_that_is_as_bad_as_it_was() -> None:
    kernel = Kernel(lambda irq, cpus: errno.ENOSPC if cpus == {3} else None)
    plan = affinity.plan(affinity.move(32, 3, load=0.645), eligible=frozenset({0, 1, 3}))
    (written,) = write_moves(plan, NODES, kernel.write, kernel.intend)
    assert written.cpus is None
    assert kernel.asked == [(32, {3})]


def test_no_vector_anywhere() -> None:
    kernel = Kernel(lambda irq, cpus: errno.ENOSPC)
    plan = affinity.plan(affinity.move(30, 2), eligible=frozenset({0, 1, 2}))
    (written,) = write_moves(plan, NODES, kernel.write, kernel.intend)
    assert kernel.asked == [(30, {2}), (30, {1})]
    assert (written.cpus, written.refused) == (None, FULL)


def test_a_spare_counts_for_the_next_line() -> None:
    """31 takes CPU 3 in place of 2, so 32 in its turn finds 1 the better spare of the two."""
    kernel = Kernel(lambda irq, cpus: errno.ENOSPC if cpus == {2} else None)
    plan = affinity.plan(affinity.move(31, 2), affinity.move(32, 2))
    written = write_moves(plan, Topology(), kernel.write, kernel.intend)
    assert [one.cpus for one in written] == [{3}, {1}]


@given(st.lists(st.tuples(st.sampled_from([30, 31, 32]), st.sampled_from([None, 0, 1, 2, 3]))))
def test_a_prediction_loses_no_load(choices: list[tuple[int, int | None]]) -> None:
    plan = affinity.plan(*(affinity.move(irq, 1) for irq in (30, 31, 32)))
    moves = {move.line.irq: move for move in plan.moves}
    chosen = {irq: None if cpu is None else frozenset({cpu}) for irq, cpu in choices}
    written = tuple(Written(moves[irq], cpus) for irq, cpus in chosen.items())
    loads = predicted(plan, written)
    assert sum(loads.values()) == pytest.approx(sum(load.now for load in plan.loads))


def test_a_prediction_of_what_stays_is_what_was() -> None:
    plan = affinity.plan()
    loads = predicted(plan, tuple(Written(move, None) for move in plan.moves))
    assert loads == pytest.approx({load.cpu: load.now for load in plan.loads})


def test_the_file_takes_the_mask(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    files.mask_writer(host.root.procfs)(31, frozenset({0, 1, 3}))
    assert (tmp_path / "proc/irq/31/smp_affinity_list").read_text() == "0-1,3\n"


def test_a_line_that_is_gone_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.mask_writer(tmp_path)(31, frozenset({0}))
    assert not list(tmp_path.iterdir())


def test_an_error_of_close_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = FakeHost(tmp_path)
    close = os.close

    def failing_close(fd: int) -> None:
        close(fd)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "close", failing_close)
    with pytest.raises(OSError, match="Input/output error"):
        files.mask_writer(host.root.procfs)(31, frozenset({0}))


def test_one_at_a_time(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    with (
        files.locked(host.root.procfs),
        pytest.raises(AffinityError, match="is locked, most likely by another irqwatch"),
        files.locked(host.root.procfs),
    ):
        pass
    with files.locked(host.root.procfs):
        pass


def test_a_host_without_lines(tmp_path: Path) -> None:
    with pytest.raises(AffinityError, match="No such file"), files.locked(tmp_path):
        pass


def test_who_may_not_write_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = FakeHost(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(AffinityError, match="may not be written: run as root"):
        files.check_writable(host.root.procfs, 31)
