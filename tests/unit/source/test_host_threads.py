import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from irqwatch.model.snapshot import Thread
from irqwatch.parse import task_stat
from irqwatch.source import threads
from irqwatch.source.root import Root
from irqwatch.source.threads import LOOK_EVERY_NS, ThreadsReader
from tests.fixtures.proc.trees import unpack

KSOFTIRQD = Thread(20, "ksoftirqd/3", "ksoftirqd", 1_250_000_000, cpu=3)
IRQ_THREAD = Thread(21, "irq/34-s-eth0", "irq_thread", 70_000_000, irq=34)
IRQBALANCE = Thread(700, "irqbalance", "irqbalance", 500_000_000)


def test_threads_and_not_the_process_that_only_bears_the_name(tmp_path: Path) -> None:
    reader = ThreadsReader(unpack("two_nodes", tmp_path))
    assert reader.read(0) == (KSOFTIRQD, IRQ_THREAD, IRQBALANCE)


def test_times_are_fresh_and_new_threads_found_within_a_minute(tmp_path: Path) -> None:
    root = unpack("two_nodes", tmp_path)
    reader = ThreadsReader(root)
    reader.read(0)
    stat = (root.procfs / "20" / "stat").read_text()
    (root.procfs / "20" / "stat").write_text(stat.replace(" 5 120 ", " 5 121 "))
    (root.procfs / "22").mkdir()
    (root.procfs / "22" / "comm").write_text("ksoftirqd/4\n")
    (root.procfs / "22" / "stat").write_text(stat.replace("20 (ksoftirqd/3)", "22 (ksoftirqd/4)"))
    soon = reader.read(LOOK_EVERY_NS - 1)
    assert [(thread.pid, thread.cpu_ns) for thread in soon] == [
        (20, 1_260_000_000),
        (21, 70_000_000),
        (700, 500_000_000),
    ]
    assert [thread.pid for thread in reader.read(LOOK_EVERY_NS)] == [20, 21, 22, 700]


def test_a_thread_that_ends_or_whose_number_goes_to_another(tmp_path: Path) -> None:
    root = unpack("two_nodes", tmp_path)
    reader = ThreadsReader(root)
    reader.read(0)
    shutil.rmtree(root.procfs / "21")
    shutil.copy(root.procfs / "900" / "stat", root.procfs / "20" / "stat")
    assert reader.read(1) == (IRQBALANCE,)


def status(uid: int) -> str:
    return f"Name:\tirqbalance\nUid:\t0\t0\t0\t{uid}\nGid:\t0\t0\t0\t0\n"


def test_a_process_of_anyone_that_calls_itself_irqbalance_is_none(tmp_path: Path) -> None:
    """Only root's may write /proc/irq, by the last of the ids, as whom files are written."""
    root = unpack("two_nodes", tmp_path)
    (root.procfs / "700" / "status").write_text(status(0))
    assert ThreadsReader(root).read(0) == (KSOFTIRQD, IRQ_THREAD, IRQBALANCE)
    (root.procfs / "700" / "status").write_text(status(1000))
    assert ThreadsReader(root).read(0) == (KSOFTIRQD, IRQ_THREAD)
    (root.procfs / "700" / "status").write_text("Uid:\tmine\n")
    assert ThreadsReader(root).read(0) == (KSOFTIRQD, IRQ_THREAD, IRQBALANCE)


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    root = unpack("two_nodes", tmp_path)
    (root.procfs / "21" / "comm").write_bytes(b"irq/34-\xff\x1b) (\n")
    stat = (root.procfs / "21" / "stat").read_bytes()
    (root.procfs / "21" / "stat").write_bytes(stat.replace(b"-s-eth0", b"-\xff\x1b) ("))
    assert ThreadsReader(root).read(0)[1].name == "irq/34-\\xff\\x1b) ("


def test_only_processes_whose_names_are_of_concern_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = unpack("two_nodes", tmp_path)
    for pid in range(1000, 1010):
        (root.procfs / str(pid)).mkdir()
        (root.procfs / str(pid) / "comm").write_text("sleep\n")
    looked_at = []

    def parse(raw: bytes) -> task_stat.TaskStat:
        looked_at.append(int(raw.split()[0]))
        return task_stat.parse(raw)

    monkeypatch.setattr(threads, "task_stat", SimpleNamespace(parse=parse))
    assert ThreadsReader(root).read(0) == (KSOFTIRQD, IRQ_THREAD, IRQBALANCE)
    assert set(looked_at) == {20, 21, 700, 900}


def test_this_host() -> None:
    """Where the kernel's threads can be seen at all there is a ksoftirqd for each CPU online."""
    kthreadd = Path("/proc/2/comm")  # another process, or none, in a namespace of processes
    if kthreadd.exists() and kthreadd.read_bytes() == b"kthreadd\n":
        found = [thread.cpu for thread in ThreadsReader(Root()).read(0) if thread.cpu is not None]
        assert 0 in found
        assert len(set(found)) == len(found)
