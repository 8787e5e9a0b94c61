import errno
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from irqwatch.affinity import journal, undo, write
from irqwatch.affinity.access import Access
from irqwatch.affinity.journal import Journal
from irqwatch.cli.apply import host_access
from irqwatch.errors import AffinityError
from irqwatch.model.applied import Refusal
from tests import affinity
from tests.affinity import FakeHost


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(tmp_path / "host")


@pytest.fixture
def applied(host: FakeHost, tmp_path: Path) -> Iterator[Journal]:
    """31 is on CPU 1 and 30 on CPU 2; they were on CPU 0 and might have run anywhere."""
    plan = affinity.plan()
    with journal.create(tmp_path / "affinity-1.json", plan, affinity.ALL, 0) as log:
        write.write_moves(plan, access(host).observe().topology, host.write, log.about_to_write)
        assert [host.mask(irq) for irq in (30, 31)] == ["2", "1"]
        yield log


def access(host: FakeHost) -> Access:
    return replace(host_access(host.root), write=host.write)


def put_back(log: Journal, host: FakeHost) -> list[tuple[int, str]]:
    done = undo.put_back(log, journal.read(log.path), access(host))
    return [(one.line.irq, one.verdict) for one in done]


def test_masks_and_places_are_as_before(host: FakeHost, applied: Journal) -> None:
    assert put_back(applied, host) == [(30, "restored"), (31, "restored")]
    assert set(host.masks().values()) == {"0-3"}
    assert [host.effective(irq) for irq in (30, 31)] == [0, 0]
    assert journal.read(applied.path).undone


def test_undone_twice_there_is_nothing_to_do(host: FakeHost, applied: Journal) -> None:
    put_back(applied, host)
    assert put_back(applied, host) == [(30, "as before"), (31, "as before")]


def test_what_somebody_else_has_changed_is_left(host: FakeHost, applied: Journal) -> None:
    host.set_mask(31, "3")
    done = undo.put_back(applied, journal.read(applied.path), access(host))
    assert [(one.verdict, one.found) for one in done] == [("restored", None), ("changed", {3})]
    assert host.masks() == {30: "0-3", 31: "3", 32: "0-3", 33: "0-3"}


def test_what_was_never_written_is_not_ours(host: FakeHost, tmp_path: Path) -> None:
    """A mask that equals the plan's, but by somebody else's hand."""
    with journal.create(tmp_path / "affinity-1.json", affinity.plan(), affinity.ALL, 0) as log:
        host.set_mask(31, "1")
        assert put_back(log, host) == []
    assert host.mask(31) == "1"


def test_a_number_that_is_another_devices_is_left(host: FakeHost, applied: Journal) -> None:
    host.rename(31, "other")
    assert put_back(applied, host) == [(30, "restored"), (31, "gone")]
    assert host.mask(31) == "1"


def test_an_idle_line_gets_its_mask_though_it_cannot_be_seen_to_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = FakeHost(tmp_path / "idle", idle=frozenset({30, 31}))
    (host.root.procfs / "irq/31/effective_affinity_list").write_text("1\n")
    plan = affinity.plan(affinity.move(31, 1))
    monkeypatch.setattr("irqwatch.affinity.verify.SETTLE_NS", 0)
    with journal.create(tmp_path / "affinity-1.json", plan, affinity.ALL, 0) as log:
        write.write_moves(plan, access(host).observe().topology, host.write, log.about_to_write)
        assert put_back(log, host) == [(31, "restored")]
    assert host.mask(31) == "0-3"


def test_what_the_kernel_refuses_can_be_tried_again(host: FakeHost, applied: Journal) -> None:
    def refuse(irq: int, cpus: frozenset[int]) -> None:
        if irq == 31:
            raise OSError(errno.EINVAL, "Invalid argument")
        host.write(irq, cpus)

    refusing = replace(access(host), write=refuse)
    done = undo.put_back(applied, journal.read(applied.path), refusing)
    refused = Refusal(errno.EINVAL, "Invalid argument")
    assert [(one.verdict, one.refused) for one in done] == [
        ("restored", None),
        ("failed", refused),
    ]
    assert not journal.read(applied.path).undone
    assert put_back(applied, host) == [(30, "as before"), (31, "restored")]


def test_of_another_boot_nothing_is_left(host: FakeHost, applied: Journal) -> None:
    (host.root.procfs / "sys/kernel/random/boot_id").write_text("another\n")
    with pytest.raises(AffinityError, match="of another boot"):
        put_back(applied, host)
    assert host.mask(31) == "1"


def test_a_full_disk_does_not_keep_it(host: FakeHost, applied: Journal) -> None:
    record = journal.read(applied.path)
    with Path("/dev/full").open("wb") as full:
        done = undo.put_back(Journal(applied.path, full.fileno()), record, access(host))
    assert [one.verdict for one in done] == ["restored", "restored"]
    assert set(host.masks().values()) == {"0-3"}
