"""Snapshots → recording, one after the other."""

import json
import zlib
from typing import BinaryIO

from irqwatch.errors import RecordingError
from irqwatch.model.snapshot import Snapshot
from irqwatch.record import blocks, bounds
from irqwatch.record.delta import difference
from irqwatch.record.tree import Tree, to_tree

# A jump reads at most this many samples; what a whole sample costs is spread over as many.
SAMPLES_PER_KEY = 60


class Recorder:
    """Writes each snapshot to ``stream`` (unbuffered) as soon as it is added. Keeps one sample."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._tree: Tree = None
        self._since_key = 0
        self._text_since_key = 0
        self._values_since_key = 0
        self._zlib = zlib.compressobj()
        self.samples = 0
        self.text_bytes = 0  # before compression
        self.bytes = 0

    def add(self, snapshot: Snapshot) -> None:
        """Append one sample. Raises OSError if the stream takes no more (what is before stays
        readable) and RecordingError for a snapshot larger than any reader takes."""
        tree = to_tree(snapshot)
        kind, text = self._text(tree)
        values = bounds.values_in(text)
        if len(text) > bounds.LARGEST_TEXT or values > bounds.MOST_VALUES:
            raise RecordingError("this host is too large to record")
        if kind == blocks.KEY:
            self._zlib = zlib.compressobj()
            self._since_key = self._text_since_key = self._values_since_key = 0
        payload = self._zlib.compress(text) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
        block = blocks.pack(kind, snapshot.monotonic_ns, payload)
        self._write(block if self.samples else blocks.first_line() + block)
        self._tree = tree
        self._since_key += 1
        if kind == blocks.CHANGE:
            self._text_since_key += len(text)
            self._values_since_key += values
        self.samples += 1
        self.text_bytes += len(text)

    def _text(self, tree: Tree) -> tuple[int, bytes]:
        if self.samples and self._since_key < SAMPLES_PER_KEY:
            text = _json(difference(self._tree, tree))
            values = self._values_since_key + bounds.values_in(text)
            if (
                self._text_since_key + len(text) <= bounds.LARGEST_TEXT
                and values <= bounds.MOST_VALUES
            ):
                return blocks.CHANGE, text
        return blocks.KEY, _json(tree)

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[self._stream.write(left) :]
        self.bytes += len(data)


def _json(tree: Tree) -> bytes:
    return json.dumps(tree, separators=(",", ":")).encode("ascii")
