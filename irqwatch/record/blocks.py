"""The recording as a file: a first line, then blocks. Knows nothing of what is in a block."""

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from irqwatch.errors import RecordingError

FORMAT = 1
FIRST_LINE = b"irqwatch recording %d\n"
_NAME = FIRST_LINE.partition(b"%")[0]
_LONGEST_FIRST_LINE = 32

# A claimed length is not trusted with more memory than this.
LARGEST_PAYLOAD = 32 << 20

KEY = ord("K")  # a whole sample, readable without those before it
CHANGE = ord("C")  # what changed since the sample before

# Kind, bytes of payload, CLOCK_MONOTONIC of the sample, CRC-32 of the payload, and of these fields.
_FIELDS = struct.Struct("<BIQI")
_CRC = struct.Struct("<I")
HEADER_BYTES = _FIELDS.size + _CRC.size


@dataclass(frozen=True, slots=True)
class Block:
    """Where a block is, and what its header says."""

    kind: int
    payload_bytes: int
    monotonic_ns: int
    payload_crc: int
    offset: int  # of its header, in the file

    @property
    def end(self) -> int:
        return self.offset + HEADER_BYTES + self.payload_bytes


class Damaged(Exception):
    """Bytes that irqwatch did not write; the text says how it knows."""


class CutOff(Exception):
    """The file ends inside of something."""


def first_line() -> bytes:
    return FIRST_LINE % FORMAT


def pack(kind: int, monotonic_ns: int, payload: bytes) -> bytes:
    """One block, ready to be written."""
    fields = _FIELDS.pack(kind, len(payload), monotonic_ns, zlib.crc32(payload))
    return fields + _CRC.pack(zlib.crc32(fields)) + payload


def check_first_line(stream: BinaryIO, name: str) -> None:
    """Read past the first line; raises RecordingError if what follows is not for this reader."""
    line = stream.readline(_LONGEST_FIRST_LINE)
    if not line:
        raise RecordingError(f"{name}: is empty")
    digits = line.removeprefix(_NAME).removesuffix(b"\n")
    if (_NAME + digits + b"\n").startswith(line) and not line.endswith(b"\n"):
        raise RecordingError(f"{name}: cut off in its first line")
    if not line.startswith(_NAME) or not digits.isdigit():
        raise RecordingError(f"{name}: not an irqwatch recording")
    if int(digits) > FORMAT:
        raise RecordingError(
            f"{name}: written by a newer irqwatch (format {int(digits)}, this one reads {FORMAT})"
        )
    if line != first_line():
        raise RecordingError(f"{name}: not an irqwatch recording")


def read_header(stream: BinaryIO, offset: int) -> Block | None:
    """The header at ``offset``, where ``stream`` is; None at the end of the file. Raises Damaged
    and CutOff."""
    raw = stream.read(HEADER_BYTES)
    if not raw:
        return None
    if len(raw) < HEADER_BYTES:
        raise CutOff
    fields, crc = raw[: _FIELDS.size], raw[_FIELDS.size :]
    if _CRC.pack(zlib.crc32(fields)) != crc:
        raise Damaged("checksum")
    kind, payload_bytes, monotonic_ns, payload_crc = _FIELDS.unpack(fields)
    if kind not in (KEY, CHANGE) or payload_bytes > LARGEST_PAYLOAD:
        raise Damaged("no such block")
    return Block(kind, payload_bytes, monotonic_ns, payload_crc, offset)


def read_payload(stream: BinaryIO, block: Block) -> bytes:
    """What follows the header just read. Raises Damaged and CutOff."""
    payload = stream.read(block.payload_bytes)
    if len(payload) < block.payload_bytes:
        raise CutOff
    if zlib.crc32(payload) != block.payload_crc:
        raise Damaged("checksum")
    return payload
