"""The rules by which results of guests (tests/vm) are judged."""

import lzma
import struct
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle import queues
from tests.oracle.compare import Reading
from tests.oracle.reference import Distribution
from tests.vm import image, kernel_log
from tests.vm.bracket import Counts, Traced, Window, between
from tests.vm.test_kernels import beyond, skipped

START, END = Window(100, 200), Window(800, 900)


def counts(first: list[int], second: list[int], seen: int) -> Counts:
    events = [[Traced(time_ns, 0, "NET_RX") for time_ns in times] for times in (first, second)]
    return between(START, END, *events, {"NET_RX": seen})["NET_RX"]


def test_events_away_from_both_readings_are_counted_exactly() -> None:
    found = counts([50, 300, 400, 950], [51, 301, 401, 951], 2)
    assert found == Counts(2, 2, 2)
    assert found.are_right
    assert not counts([300, 400], [301, 401], 1).are_right
    assert not counts([300, 400], [301, 401], 3).are_right


def test_events_during_a_reading_may_be_in_it_or_not() -> None:
    assert counts([150, 300, 850], [151, 301, 851], 2) == Counts(1, 2, 3)


def test_an_event_between_both_buffers_as_a_reading_begins_may_be_in_it() -> None:
    """The first buffer had it before, the second one, and so the probe, perhaps not."""
    assert counts([99, 300], [101, 301], 1) == Counts(1, 1, 2)


def test_what_only_the_first_buffer_had_before_the_second_began_is_left_out() -> None:
    assert counts([10, 20, 50, 300], [51, 301], 1) == Counts(1, 1, 1)


def test_what_was_seen_and_not_traced_is_wrong() -> None:
    assert between(START, END, [], [], {"BLOCK": 3}) == {"BLOCK": Counts(0, 3, 0)}


@given(
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 9), st.integers(0, 9)), max_size=30),
    st.integers(100, 200),
    st.integers(800, 900),
)
def test_the_truth_is_always_within(
    events: list[tuple[int, int, int]], read_at: int, read_again_at: int
) -> None:
    """Whenever in its window a reading took place, and whenever the probe counted between the two
    buffers' times. Events of one kind follow each other on a CPU."""
    first, probe, second = [], [], []
    at = 0
    for gap, to_probe, to_second in events:
        at += gap + 1
        first.append(at)
        probe.append(at := at + to_probe)
        second.append(at := at + to_second)
    seen = Counter(read_at < time_ns <= read_again_at for time_ns in probe)[True]
    assert counts(first, second, seen).are_right


LOG = [
    "[    0.1] WARNING: CPU: 2 PID: 0 at arch/x86/kernel/smpboot.c:427 topology_sane",
    "[   12.0] irqwatch-test: begins",
    "[   12.1] clocksource: Marking clocksource 'tsc' as unstable",
    "[   13.0] trace type BPF program uses run-time allocation",
    "[   14.0] WARNING: CPU: 1 PID: 77 at kernel/bpf/verifier.c:8000 check_map_prog_compatibility",
    "[   15.0] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
]


def test_what_the_kernel_said_before_the_mark_is_not_ours() -> None:
    assert kernel_log.complaints(LOG) == LOG[3:]
    assert kernel_log.complaints(LOG[:3]) == []


def test_a_log_without_the_mark_tells_nothing() -> None:
    with pytest.raises(AssertionError, match="mark"):
        kernel_log.complaints(LOG[2:])


BTF = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, 2 << 20, 2 << 20, 64) + bytes((2 << 20) + 64)


def test_types_are_found_in_a_compressed_image(tmp_path) -> None:
    kernel = b"\x7fELF" + bytes(1000) + BTF + b"more"
    payload = lzma.compress(kernel) + struct.pack("<I", len(kernel))
    sectors = 3
    head = bytearray((sectors + 1) * 512)
    head[image.SETUP_SECTORS] = sectors
    head[image.X86_MAGIC : image.X86_MAGIC + 4] = b"HdrS"
    struct.pack_into("<II", head, image.PAYLOAD, 32, len(payload))
    file = tmp_path / "vmlinuz"
    file.write_bytes(bytes(head) + bytes(32) + payload)
    assert image.btf_of(file) == BTF


def test_an_image_without_types_says_so(tmp_path) -> None:
    file = tmp_path / "Image"
    file.write_bytes(b"MZ" + bytes(4096))
    with pytest.raises(image.PackageError, match="no types"):
        image.btf_of(file)


def test_work_is_told_by_its_function_where_the_trace_names_no_queue() -> None:
    key = ("cause", 36, "vda", "work", "BLOCK", "flush", "0xffff", 1, "run")
    assert queues.series_without(("work", "flush", "0xffff", 1, "run")) == (
        "work",
        "flush",
        "",
        1,
        "run",
    )
    assert queues.series_without(key)[6] == ""
    assert queues.series_without(("softirq", "RCU", 0, "run")) == ("softirq", "RCU", 0, "run")
    parts = {("work", "flush", name, "run"): Distribution(1, 5, {3: 1}) for name in ("a", "b")}
    reading = Reading(0, 1, parts, {})
    merged = queues.reading_without(reading).counted
    assert merged == {("work", "flush", "", "run"): Distribution(2, 10, {3: 2})}


def test_what_the_kernel_skipped_may_be_missing_and_nothing_else() -> None:
    misses = {"irqw_soft_exit": 2, "irqw_work_start": 1, "irqw_hrtimer": None}
    assert [skipped(name, misses) for name in ("softirq", "work", "timer", "hardirq")] == [
        2, 1, 0, 0
    ]  # fmt: skip
    lacking = {"TASKLET": (743, 742, 743), "TIMER": (90, 89, 92)}
    assert beyond(lacking, 2) == {}
    assert beyond(lacking, 1) == lacking
    too_many = {**lacking, "RCU": (5, 7, 6)}
    assert beyond(too_many, 9) == too_many
