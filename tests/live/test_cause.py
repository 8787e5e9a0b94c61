"""Vectors, and what follows from which interrupt, on the running kernel."""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from irqwatch.model.snapshot import Probe
from irqwatch.parse import cpulist
from irqwatch.source.probe import ProbeReader
from tests.live import lines
from tests.live.kernel import (
    added,
    counts_around,
    interrupt_counts,
    interrupts_of,
    vector_counts,
    wait_for,
)
from tests.live.load import read_disk, send_udp_packets, wake_on_another_cpu
from tests.live.probe import reader
from tests.live.rounds import mostly
from tests.unit.probe.sums import check_causes

pytestmark = pytest.mark.live

COLLECTORS = ("hardirq", "softirq", "vector", "work")
READS = 1000
PACKETS = 20_000

# The rows of /proc/interrupts, by vector (arch/x86/kernel/irq.c, arch_show_interrupts()).
ROWS = {
    "local_timer": "LOC",
    "reschedule": "RES",
    "call_function": "CAL",
    "call_function_single": "CAL",
    "irq_work": "IWI",
}

# In some virtual machines no BPF program is called over process 1.
UNSEEN = 0.01


@pytest.fixture(scope="module")
def probe_reader() -> Iterator[ProbeReader]:
    with reader(*COLLECTORS) as found:
        yield found


def rows_seen(probe: Probe) -> Counter[str]:
    seen: Counter[str] = Counter()
    for part in probe.parts["vectors"]:
        seen[ROWS.get(part.vector, part.vector)] += part.run.count
    return seen


def block_of(probe: Probe, irq: int) -> int:
    return sum(
        part.softirqs["BLOCK"].count
        for part in probe.parts["hardirqs"]
        if part.irq == irq and "BLOCK" in part.softirqs
    )


def hardware_queues(folder: Path) -> int | None:
    """Of the disk that the folder is on; None where sysfs does not say."""
    device = folder.stat().st_dev
    found = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve()
    for disk in (found, found.parent):  # of a partition, the disk
        if (disk / "mq").is_dir():
            return sum(1 for _ in (disk / "mq").iterdir())
    return None


def softirqs(probe: Probe, vector: str) -> tuple[int, int]:
    """Runs, and those of them that no interrupt caused."""
    parts = [part for part in probe.parts["softirqs"] if part.vector == vector]
    return sum(part.run.count for part in parts), sum(part.uncaused.count for part in parts)


@pytest.mark.parametrize(
    "load",
    [lambda: read_disk(READS), lambda: send_udp_packets(PACKETS)],
    ids=["disk", "packets"],
)
def test_vectors_are_counted_as_the_kernel_counts_them(
    probe_reader: ProbeReader, load: Callable[[], None]
) -> None:
    """The kernel's counts are read before and after each of the probe's, so between them is what
    the probe must have."""
    rows = set(ROWS.values()) & vector_counts().keys()
    if not rows:
        pytest.skip(f"/proc/interrupts has none of the rows {', '.join(sorted(ROWS.values()))}")

    def check() -> None:
        outer, before = vector_counts(), rows_seen(probe_reader.read())
        inner = vector_counts()
        load()
        if len(os.sched_getaffinity(0)) > 1:
            wake_on_another_cpu(200)
        inner = {row: added(count, inner[row]) for row, count in vector_counts().items()}
        seen = rows_seen(probe_reader.read())
        outer = {row: added(count, outer[row]) for row, count in vector_counts().items()}
        wrong = {
            row: (inner[row], seen[row] - before[row], outer[row])
            for row in rows
            if not inner[row] * (1 - UNSEEN) - 5 <= seen[row] - before[row] <= outer[row]
        }
        assert not wrong
        assert inner["LOC"] > 10
        assert inner["RES"] + inner["CAL"] > 100 or len(os.sched_getaffinity(0)) == 1

    mostly(check, "vectors")


def test_what_the_disk_completes_is_its_lines_doing(probe_reader: ProbeReader) -> None:
    """One hardware queue: each interrupt raises BLOCK on its own CPU, if the reader is there
    too (blk_mq_complete_request_remote(), block/blk-mq.c). Those of other readers may not, and one
    interrupt may complete a read of theirs and one of ours."""
    line = lines.driven_by(lines.DISK)
    queues = hardware_queues(Path(tempfile.gettempdir()))
    if queues != 1:
        pytest.skip(f"a disk with one hardware queue is wanted, this one has {queues}")
    where = Path(f"/proc/irq/{line.irq}/effective_affinity_list").read_text()
    on_its_cpu = line._replace(cpu=min(cpulist.parse(where.encode())))

    def check() -> None:
        counts = counts_around(
            lambda: interrupt_counts()[line.irq],
            lambda: block_of(probe_reader.read(), line.irq),
            lambda: on_its_cpu.interrupt(READS),
            interrupts_of(line.irq),
        )
        assert counts.seen + counts.unseen >= READS * 0.95, counts
        assert counts.seen <= counts.most, counts

    mostly(check, "BLOCK softirqs of the disk's interrupts")


def test_loopback_has_no_interrupt_as_its_cause(probe_reader: ProbeReader) -> None:
    runs, uncaused = softirqs(probe_reader.read(), "NET_RX")
    send_udp_packets(PACKETS)
    after, after_uncaused = softirqs(probe_reader.read(), "NET_RX")
    assert after - runs >= PACKETS * (1 - UNSEEN)
    assert after_uncaused - uncaused >= PACKETS * (1 - UNSEEN)
    assert after_uncaused - uncaused <= after - runs


def test_timers_are_the_timers_doing(probe_reader: ProbeReader) -> None:
    def of_the_timer() -> bool:
        probe = probe_reader.read()
        caused = sum(
            part.softirqs["TIMER"].count
            for part in probe.parts["vectors"]
            if part.vector == "local_timer" and "TIMER" in part.softirqs
        )
        return caused > 100 and caused > 0.9 * softirqs(probe, "TIMER")[0]

    wait_for(of_the_timer, "a hundred TIMER softirqs that local_timer raised")


def test_causes_add_up_to_the_whole(probe_reader: ProbeReader) -> None:
    def add_up() -> bool:
        """The maps are read one after the other."""
        try:
            check_causes(probe_reader.read())
        except AssertionError:
            return False
        return True

    read_disk(READS)
    send_udp_packets(PACKETS)
    wait_for(add_up, "causes that add up")
    probe = probe_reader.read()
    assert sum(part.runs.count for part in probe.parts["work_causes"])
    assert not probe.losses["softirq"]["cause_lost"]
    assert not probe.losses["work"]["cause_map_full"]


def timer_softirqs(probe: Probe) -> tuple[int, int]:
    """(inline, of them after an interrupt)"""
    parts = [part for part in probe.parts["softirqs"] if part.vector == "TIMER"]
    inline = sum(part.run.count - part.ksoftirqd_count for part in parts)
    return inline, sum(part.interrupt_count for part in parts)


def test_softirqs_of_the_timer_run_after_its_interrupt(probe_reader: ProbeReader) -> None:
    """An idle CPU has no task to run them in, and a busy one seldom holds them off."""
    before = (0, 0)

    def mostly_after_it() -> bool:
        """Of the last hundred."""
        nonlocal before
        now = timer_softirqs(probe_reader.read())
        inline, after = now[0] - before[0], now[1] - before[1]
        if inline <= 100:
            return False
        before = now
        return after > 0.8 * inline

    wait_for(mostly_after_it, "a hundred softirqs of timers, most of them after an interrupt")
