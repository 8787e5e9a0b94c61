"""Reads a BPF ring buffer. Its layout is that of kernel/bpf/ringbuf.c: a page with the consumer's
position, a page with the producers', then the data, mapped twice so that no record is torn."""

import mmap
import select
import struct
from collections.abc import Iterator
from types import TracebackType

BUSY = 1 << 31
DISCARDED = 1 << 30
HEADER_BYTES = 8
PAGE = mmap.PAGESIZE


class RingBuffer:
    """Of the map ``fd``, with ``size`` bytes of data; the one consumer. Raises OSError."""

    def __init__(self, fd: int, size: int) -> None:
        self._size = size
        self._consumer = mmap.mmap(fd, PAGE)
        self._producer = mmap.mmap(fd, PAGE + 2 * size, prot=mmap.PROT_READ, offset=PAGE)
        self._poll = select.epoll()
        self._poll.register(fd, select.EPOLLIN)

    def __enter__(self) -> "RingBuffer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._poll.close()
        self._consumer.close()
        self._producer.close()

    def wait(self, seconds: float) -> None:
        """Until there is a record, or so long."""
        self._poll.poll(seconds)

    def records(self) -> Iterator[bytes]:
        """Those that are there now, each taken off as the next is asked for. Not those that come
        meanwhile: they may come faster than they are read, and there would be no end."""
        (at,) = struct.unpack_from("=Q", self._consumer)
        (end,) = struct.unpack_from("=Q", self._producer)
        while at < end:
            start = PAGE + at % self._size
            (head,) = struct.unpack_from("=I", self._producer, start)
            if head & BUSY:  # reserved, not yet written
                return
            length = head & ~DISCARDED
            start += HEADER_BYTES
            record = self._producer[start : start + length]
            at += HEADER_BYTES + (length + 7) // 8 * 8
            struct.pack_into("=Q", self._consumer, 0, at)
            if not head & DISCARDED:
                yield record
