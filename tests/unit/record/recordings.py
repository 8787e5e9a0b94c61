"""Recordings for tests, made in memory."""

import io
import json
import zlib
from collections.abc import Iterable

from irqwatch.model.snapshot import Snapshot
from irqwatch.record import blocks
from irqwatch.record.player import Player
from irqwatch.record.recorder import Recorder
from tests import hosts


def recorded(snapshots: Iterable[Snapshot]) -> bytes:
    stream = io.BytesIO()
    recorder = Recorder(stream)
    for snapshot in snapshots:
        recorder.add(snapshot)
    return stream.getvalue()


def busy(samples: int, cpus: int = 2) -> list[Snapshot]:
    return [hosts.busy(tick, cpus) for tick in range(samples)]


def player(raw: bytes) -> Player:
    return Player(io.BytesIO(raw), "host.irqw")


def block_ends(raw: bytes) -> list[int]:
    """Where each sample of a recording ends."""
    stream = io.BytesIO(raw)
    offset = stream.seek(len(blocks.first_line()))
    ends = []
    while block := blocks.read_header(stream, offset):
        offset = stream.seek(block.end)
        ends.append(offset)
    return ends


def forged(*texts: object, kind: int = blocks.KEY, time_ns: int = 0) -> bytes:
    """A recording whose checksums are right and whose blocks hold these as JSON (bytes: as is)."""
    parts = [blocks.first_line()]
    for text in texts:
        raw = text if isinstance(text, bytes) else json.dumps(text).encode()
        parts.append(blocks.pack(kind, time_ns, zlib.compress(raw)))
    return b"".join(parts)
