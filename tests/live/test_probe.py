"""The probe on the running kernel, without the command line: its counts are the kernel's own."""

import struct
from pathlib import Path

import pytest

from irqwatch import clock
from irqwatch.collectors import BY_NAME
from irqwatch.model.snapshot import Probe
from irqwatch.source import bpf_syscalls
from irqwatch.source.probe import ABANDONED_NS
from tests.live import lines, load
from tests.live.kernel import (
    counts_around,
    interrupt_counts,
    interrupts_of,
    programs,
    softirq_count,
    softirqs_of,
    wait_for,
)
from tests.live.probe import reader
from tests.live.rounds import mostly

pytestmark = pytest.mark.live

COLLECTORS = ("hardirq", "softirq", "vector", "work")
STATEFUL = ("hardirq", "softirq", "vector", "work")


def programs_of(collector: str) -> set[str]:
    """By the tracepoints that this kernel's types name (include/trace/bpf_probe.h)."""
    types = Path("/sys/kernel/btf/vmlinux").read_bytes()
    hooks = BY_NAME[collector].probed.hooks
    return {h.program for h in hooks if f"\0btf_trace_{h.tracepoint}\0".encode() in types}


def softirqs_seen(probe: Probe, vector: str) -> int:
    return sum(s.run.count for s in probe.parts["softirqs"] if s.vector == vector)


def hardirqs_seen(probe: Probe, irq: int) -> int:
    return sum(h.handled.count + h.not_mine_count for h in probe.parts["hardirqs"] if h.irq == irq)


def test_softirq_counts_are_the_kernels() -> None:
    with reader("softirq") as probe_reader:

        def check() -> None:
            counts = counts_around(
                lambda: softirq_count("NET_RX"),
                lambda: softirqs_seen(probe_reader.read(), "NET_RX"),
                lambda: load.send_udp_packets(50_000),
                softirqs_of("NET_RX"),
            )
            assert counts.are_right, counts
            assert counts.seen >= 50_000

        mostly(check, "softirqs of 50,000 packets")


@pytest.mark.parametrize("of", [lines.RNG, lines.DISK])
def test_hardirq_counts_are_the_kernels(of: lines.Load) -> None:
    line = lines.driven_by(of)
    with reader("hardirq") as probe_reader:

        def check() -> None:
            counts = counts_around(
                lambda: interrupt_counts()[line.irq],
                lambda: hardirqs_seen(probe_reader.read(), line.irq),
                lambda: line.interrupt(400),
                interrupts_of(line.irq),
            )
            assert counts.are_right, counts
            assert counts.seen >= 200

        mostly(check, f"interrupts of {line.action}")


def test_every_collector_can_be_left_out() -> None:
    for collector in COLLECTORS:
        with reader(collector) as probe_reader:
            probe = probe_reader.read()
            assert probe.collectors == {collector}
            assert set(probe.losses) == {collector}
            assert {p.name for p in probe.programs} == programs_of(collector)


def test_no_program_misses_an_event_by_recursion() -> None:
    with reader(*COLLECTORS) as probe_reader:
        load.send_udp_packets(20_000)
        load.read_disk(200)
        assert [p for p in probe_reader.read().programs if p.recursion_misses] == []


def test_work_names_its_queue_and_adds_up_over_cpus() -> None:
    def adds_up() -> bool:
        """The shared part and the CPUs' parts are read one after the other."""
        works = probe_reader.read().parts["works"]
        return sum(work.run.count for work in works) >= 5 and all(
            sum(part.count for part in work.cpus.values()) == work.run.count
            and sum(part.ns for part in work.cpus.values()) == work.run.sum_ns
            for work in works
        )

    with reader("work") as probe_reader:
        wait_for(adds_up, "five work items whose parts add up")
        for work in probe_reader.read().parts["works"]:
            assert work.workqueue or not work.latency.count


def test_a_cancelled_work_item_leaks_nothing() -> None:
    """Nothing traces a cancellation; an entry as one leaves it is removed by the reader. Long
    ago may lie before boot, so it is the reader's clock that is ahead."""
    queued_ns = clock.monotonic_ns()
    with reader("work", now_ns=lambda: clock.monotonic_ns() + 2 * ABANDONED_NS) as probe_reader:
        waiting_fd = probe_reader.loaded.maps["works_waiting"]
        shape = bpf_syscalls.map_shape(waiting_fd)
        key = struct.pack("=Q", 0xFFFF_FFFF_DEAD_0000)
        value = struct.pack("=Q", queued_ns).ljust(shape.value_bytes, b"\0")
        bpf_syscalls.update(waiting_fd, key, value)
        assert key in {key for key, _ in bpf_syscalls.items(waiting_fd)}
        probe_reader.read()
        assert key not in {key for key, _ in bpf_syscalls.items(waiting_fd)}


def test_a_line_that_vanished_is_forgotten() -> None:
    line = lines.any_line()
    irq = line.irq
    with reader("hardirq") as probe_reader:
        line.interrupt(40)
        assert hardirqs_seen(probe_reader.read(), irq)
        probe_reader.forget_lines(lambda number, _: number == irq)
        assert not hardirqs_seen(probe_reader.read(), irq)


def test_worst_is_of_the_last_interval() -> None:
    with reader("softirq") as probe_reader:
        load.send_udp_packets(1000)
        first = probe_reader.read()
        worst = [
            s.worst_run for s in first.parts["softirqs"] if s.vector == "NET_RX" and s.worst_run
        ]
        assert worst
        assert max(w.ns for w in worst) <= sum(
            s.run.sum_ns for s in first.parts["softirqs"] if s.vector == "NET_RX"
        )
        start_ns = max(w.at_ns for w in worst)
        load.send_udp_packets(10)
        again = [s.worst_run for s in probe_reader.read().parts["softirqs"] if s.vector == "NET_RX"]
        assert all(w is None or w.at_ns > start_ns for w in again)


def test_nothing_is_left_after_closing() -> None:
    before = programs()
    with reader(*COLLECTORS):
        ours = [program for collector in STATEFUL for program in programs_of(collector)]
        assert len(programs() - before) == len(ours)
    wait_for(lambda: not programs() - before, "the programs to go")
