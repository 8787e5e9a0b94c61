"""The binary pages of a trace ring buffer, whose times are whole nanoseconds.

Their layout is described in tracefs, in ``events/header_page`` and ``events/header_event``
(include/linux/ring_buffer.h), and each event's own in its ``format``.
"""

import os
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

# Values of an event header's type_len, include/linux/ring_buffer.h.
PADDING, TIME_EXTEND, TIME_STAMP = 29, 30, 31
MISSED_EVENTS = 1 << 31  # in a page's commit word, kernel/trace/ring_buffer.c
COMMIT_BYTES = (1 << 20) - 1

# A record without the times of others: (ns, pid, event name, fields by name).
Raw = tuple[int, int, str, dict[str, int | str]]
Decoder = Callable[[memoryview], tuple[str, dict[str, int | str]]]


class EventsLost(Exception):
    """The buffer was too small or was disturbed: what is in it proves nothing."""


def decoder_of(format_text: str) -> tuple[int, Decoder]:
    """The event's number and a function from a record to (event name, fields by name)."""
    name = re.findall(r"^name: (.+)$", format_text, re.M)[0]
    number = int(re.findall(r"^ID: (\d+)$", format_text, re.M)[0])
    fields = re.findall(
        r"^\s*field:(.+?)\s?(\w+)(?:\[\d*\])?;\s*offset:(\d+);\s*size:(\d+);\s*signed:([01]);",
        format_text,
        re.M,
    )
    letters = {("1", "1"): "b", ("1", "0"): "B", ("2", "1"): "h", ("2", "0"): "H"}
    letters |= {("4", "1"): "i", ("4", "0"): "I", ("8", "1"): "q", ("8", "0"): "Q"}
    plan = [
        (field, struct.Struct(f"={letters[size, signed]}"), int(offset), "__data_loc" in kind)
        for kind, field, offset, size, signed in fields
        if not field.startswith("common_") and (size, signed) in letters  # an array is left out
    ]  # fmt: skip

    def decode(record: memoryview) -> tuple[str, dict[str, int | str]]:
        values: dict[str, int | str] = {}
        for field, layout, offset, is_text in plan:
            (value,) = layout.unpack_from(record, offset)
            values[field] = _text(record, value) if is_text else value
        return name, values

    return number, decode


def _text(record: memoryview, location: int) -> str:
    """A ``__data_loc``: the length in its upper half, the offset in its lower."""
    start, length = location & 0xFFFF, location >> 16
    return (
        bytes(record[start : start + length]).partition(b"\0")[0].decode(errors="surrogateescape")
    )


def raw_pages(path: Path, page_bytes: int) -> Iterator[memoryview]:
    """Pages in the order in which they were filled; what is read is taken out of the buffer."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        while True:
            try:
                page = os.read(fd, page_bytes)
            except BlockingIOError:
                return
            if not page:
                return
            yield memoryview(page)
    finally:
        os.close(fd)


def records(pages: Iterator[memoryview], decoders: dict[int, Decoder]) -> Iterator[Raw]:
    """The records of one CPU's pages. Raises EventsLost."""
    for page in pages:
        time_ns, commit = struct.unpack_from("=QQ", page)
        if commit & MISSED_EVENTS:
            raise EventsLost("a page says that events before it were overwritten")
        for stamp_ns, record in records_of_page(page[16 : 16 + (commit & COMMIT_BYTES)], time_ns):
            number, _, _, pid = struct.unpack_from("=HBBi", record)
            yield (stamp_ns, pid, *decoders[number](record))


def records_of_page(data: memoryview, time_ns: int) -> Iterator[tuple[int, memoryview]]:
    """(time, bytes) of each record; ``time_ns`` is the page's own."""
    at = 0
    while at < len(data):
        (header,) = struct.unpack_from("=I", data, at)
        kind, delta = header & 31, header >> 5
        first = struct.unpack_from("=I", data, at + 4)[0] if at + 8 <= len(data) else 0
        at += 4
        if kind == PADDING:
            if not delta:
                return  # the rest of the page is empty
            at += first
        elif kind == TIME_EXTEND:
            time_ns += (first << 27) + delta
            at += 4
        elif kind == TIME_STAMP:  # absolute, but for its top five bits
            time_ns = (time_ns >> 59 << 59) | (first << 27) + delta
            at += 4
        else:
            time_ns += delta
            start, length = (at, 4 * kind) if kind else (at + 4, first - 4)
            yield time_ns, data[start : start + length]
            at = start + length
