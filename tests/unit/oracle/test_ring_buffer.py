"""Reading the trace ring buffer's pages, without a kernel."""

import struct

import pytest

from tests.oracle import pages, ring_buffer
from tests.oracle.pages import EventsLost, decoder_of, records
from tests.oracle.ring_buffer import Numbers, check_nothing_lost

ENTRY_FORMAT = """\
name: irq_handler_entry
ID: 225
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:int irq;	offset:8;	size:4;	signed:1;
	field:__data_loc char[] name;	offset:12;	size:4;	signed:0;

print fmt: "irq=%d name=%s", REC->irq, __get_str(name)
"""
EXIT_FORMAT = (
    ENTRY_FORMAT.replace("entry", "exit")
    .replace("225", "224")
    .replace("__data_loc char[] name", "int ret")
    .replace("signed:0;\n\nprint", "signed:1;\n\nprint")
)

STATS = "entries: 4\noverrun: 0\ncommit overrun: 0\nbytes: 80\ndropped events: 0\nread events: 0\n"


def record(kind: int, pid: int, *words: int, text: bytes = b"") -> bytes:
    raw = struct.pack(f"=HBBi{len(words)}i", kind, 0, 0, pid, *words) + text
    return raw + bytes(-len(raw) % 4)


ENTRY = record(225, 7, 34, 5 << 16 | 16, text=b"eth0\0")
EXIT = record(224, -1, 34, 1)


def small(delta_ns: int, raw: bytes) -> bytes:
    return struct.pack("=I", delta_ns << 5 | len(raw) // 4) + raw


def large(delta_ns: int, raw: bytes) -> bytes:
    return struct.pack("=II", delta_ns << 5, len(raw) + 4) + raw


def special(kind: int, delta: int, word: int, rest: bytes = b"") -> bytes:
    return struct.pack("=II", delta << 5 | kind, word) + rest


def page(data: bytes, time_ns: int = 1000, flags: int = 0) -> memoryview:
    whole = struct.pack("=QQ", time_ns, len(data) | flags) + data
    return memoryview(whole.ljust(4096, b"\0"))


def read(*whole: memoryview) -> list[pages.Raw]:
    decoders = dict(decoder_of(text) for text in (ENTRY_FORMAT, EXIT_FORMAT))
    return list(records(iter(whole), decoders))


def test_records_have_their_own_times_to_the_nanosecond() -> None:
    assert read(page(small(5, ENTRY) + large(7, EXIT)), page(small(0, EXIT), 2000)) == [
        (1005, 7, "irq_handler_entry", {"irq": 34, "name": "eth0"}),
        (1012, -1, "irq_handler_exit", {"irq": 34, "ret": 1}),
        (2000, -1, "irq_handler_exit", {"irq": 34, "ret": 1}),
    ]


def test_long_gaps_and_absolute_times() -> None:
    extended = special(pages.TIME_EXTEND, 3, 2) + small(0, EXIT)
    absolute = special(pages.TIME_STAMP, 9, 4) + small(1, EXIT)
    page_time_ns = (5 << 59) + 1000
    assert [raw[0] for raw in read(page(extended + absolute, page_time_ns))] == [
        page_time_ns + (2 << 27) + 3,
        (5 << 59) + (4 << 27) + 9 + 1,
    ]


def test_discarded_records_and_the_empty_rest_of_a_page_are_stepped_over() -> None:
    discarded = special(pages.PADDING, 2, 8, bytes(4))
    rest = special(pages.PADDING, 0, 0) + bytes(64)
    assert [raw[0] for raw in read(page(discarded + small(5, EXIT) + rest))] == [1005]


def test_a_page_that_missed_events_is_refused() -> None:
    with pytest.raises(EventsLost):
        read(page(small(5, EXIT), flags=pages.MISSED_EVENTS))


@pytest.mark.parametrize("count", ["overrun", "commit overrun", "dropped events"])
def test_any_count_of_lost_events_is_refused(count: str) -> None:
    check_nothing_lost("cpu0", STATS)
    with pytest.raises(EventsLost, match=r"cpu0.*3"):
        check_nothing_lost("cpu0", STATS.replace(f"\n{count}: 0", f"\n{count}: 3"))


def test_events_have_the_raw_tracepoints_arguments() -> None:
    queueing: dict[str, int | str] = {"work": 16, "function": 255, "workqueue": "wq", "req_cpu": 4}
    raws: list[pages.Raw] = [
        (1, 0, "irq_handler_entry", {"irq": 34, "name": "eth0"}),
        (2, 0, "irq_handler_exit", {"irq": 34, "ret": 1}),
        (3, 8, "workqueue_queue_work", queueing),
        (4, 8, "workqueue_activate_work", {"work": 16, "function": 255}),
        (5, 8, "workqueue_execute_start", {"work": 16, "function": 255}),
        (6, 8, "softirq_raise", {"vec": 3}),
    ]  # fmt: skip
    numbers = Numbers()
    found = list(ring_buffer.to_events(iter(raws), 1, numbers, lambda pid: (f"comm{pid}", False)))
    action, queue = numbers.of("action", 34, "eth0"), numbers.of("workqueue", "wq")
    assert action != queue
    assert [event.args for event in found] == [
        (34, action, "eth0"),
        (34, action, 1),
        (4, queue, queue, "wq", 16, "0xff"),
        (16,),
        (16, "0xff"),
        (3,),
    ]
    assert [(event.comm, event.is_kthread) for event in found[:3]] == [
        ("swapper/1", True),
        ("swapper/1", True),
        ("comm8", False),
    ]
