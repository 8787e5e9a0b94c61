"""The ring buffer's reader, over a file that is laid out as the kernel's map."""

import os
import struct
from collections.abc import Iterator

import pytest

from irqwatch.source.ring_buffer import BUSY, DISCARDED, PAGE, RingBuffer

SIZE = PAGE


class NoPoll:
    """epoll refuses plain files."""

    def register(self, fd: int, events: int) -> None: ...
    def close(self) -> None: ...


@pytest.fixture(name="fd")
def file(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr("select.epoll", NoPoll)
    fd = os.memfd_create("ring")
    os.ftruncate(fd, 2 * PAGE + 2 * SIZE)
    yield fd
    os.close(fd)


def put(fd: int, record: bytes, flags: int = 0) -> None:
    """What a producer does; the record in both copies of the data."""
    (at,) = struct.unpack("=Q", os.pread(fd, 8, PAGE))
    for start in (at % SIZE, at % SIZE + SIZE):
        text = struct.pack("=II", len(record) | flags, 0) + record
        os.pwrite(fd, text[: 2 * SIZE - start], 2 * PAGE + start)
        os.pwrite(fd, text[2 * SIZE - start :], 2 * PAGE)
    os.pwrite(fd, struct.pack("=Q", at + 8 + (len(record) + 7) // 8 * 8), PAGE)


def taken(fd: int) -> int:
    """Up to where the reader has taken records off."""
    (at,) = struct.unpack("=Q", os.pread(fd, 8, 0))
    return int(at)


def test_records_come_in_order_round_and_round(fd: int) -> None:
    with RingBuffer(fd, SIZE) as ring:
        for number in range(500):
            put(fd, b"%03d" % number + bytes(number % 90))
            assert [record[:3] for record in ring.records()] == [b"%03d" % number]
        assert taken(fd) > 3 * SIZE


def test_what_comes_while_it_is_read_is_the_next_readings(fd: int) -> None:
    """Where events come faster than they are read there would be no end."""
    put(fd, b"first")
    with RingBuffer(fd, SIZE) as ring:
        read = []
        for record in ring.records():
            read.append(record)
            assert len(read) < 3, "it does not end"
            put(fd, b"next")
        assert read == [b"first"]
        assert list(ring.records()) == [b"next"]


def test_a_discarded_record_is_stepped_over_and_a_busy_one_waited_for(fd: int) -> None:
    put(fd, b"not this", DISCARDED)
    put(fd, b"this")
    put(fd, b"not yet", BUSY)
    put(fd, b"after")
    with RingBuffer(fd, SIZE) as ring:
        assert list(ring.records()) == [b"this"]
        assert list(ring.records()) == []
