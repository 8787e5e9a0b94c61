"""Snapshots → recording, one after the other."""

import json
import zlib
from typing import BinaryIO

from irqwatch.errors import RecordingError
from irqwatch.model.snapshot import Snapshot
from irqwatch.record import blocks, bounds
from irqwatch.record.delta import copies, difference
from irqwatch.record.tree import Tree, to_tree

# A jump reads at most this many samples; what a whole sample costs is spread over as many.
SAMPLES_PER_KEY = 60


class Recorder:
    """Writes each snapshot to ``stream`` (unbuffered) as soon as it is added. Keeps one sample."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._tree: Tree = None
        self._since_key = 0
        self._tally = bounds.Tally()
        self._zlib = zlib.compressobj()
        self.samples = 0
        self.text_bytes = 0  # before compression
        self.bytes = 0

    def add(self, snapshot: Snapshot) -> None:
        """Append one sample. Raises OSError if the stream takes no more (what is before stays
        readable) and RecordingError for a snapshot larger than any reader takes."""
        tree = to_tree(snapshot)
        made = self._change(tree) if self.samples and self._since_key < SAMPLES_PER_KEY else None
        payload, text = made or self._whole(tree)
        kind = blocks.CHANGE if made else blocks.KEY
        block = blocks.pack(kind, snapshot.monotonic_ns, payload)
        self._write(block if self.samples else blocks.first_line() + block)
        self._tree = tree
        self._since_key += 1
        self.samples += 1
        self.text_bytes += len(text)

    def _change(self, tree: Tree) -> tuple[bytes, bytes] | None:
        """Payload and text; None where no reader takes it."""
        change = difference(self._tree, tree)
        text = _json(change)
        payload = self._compressed(text)
        fits = self._tally.add(len(payload), text, is_change=True)
        return (payload, text) if fits and self._tally.copy(copies(self._tree, change)) else None

    def _whole(self, tree: Tree) -> tuple[bytes, bytes]:
        text = _json(tree)
        # A reader does not take what was packed too well.
        for level in (zlib.Z_DEFAULT_COMPRESSION, zlib.Z_NO_COMPRESSION):
            self._zlib = zlib.compressobj(level)
            self._tally = bounds.Tally()
            self._since_key = 0
            payload = self._compressed(text)
            if self._tally.add(len(payload), text, is_change=False):
                return payload, text
        raise RecordingError("this host is too large to record")

    def _compressed(self, text: bytes) -> bytes:
        return self._zlib.compress(text) + self._zlib.flush(zlib.Z_SYNC_FLUSH)

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[self._stream.write(left) :]
        self.bytes += len(data)


def _json(tree: Tree) -> bytes:
    return json.dumps(tree, separators=(",", ":")).encode("ascii")
