"""Recording → Snapshots: in turn, or from any sample on."""

import json
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO, TypeVar

from irqwatch.errors import RecordingError
from irqwatch.model.snapshot import SCHEMA, Snapshot
from irqwatch.record import blocks, bounds
from irqwatch.record.blocks import Block, CutOff, Damaged
from irqwatch.record.delta import apply, copies
from irqwatch.record.older import Older
from irqwatch.record.tree import Reader, Tree, Unfit

T = TypeVar("T")


class _Newer(Exception):
    """A sample whose fields mean what this version does not know."""


class _Decoder:
    """A whole sample and the changes after it, block by block: first the tree, then, where it is
    asked for, what takes most of the time, the Snapshot."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj()
        self._tree: Tree = None
        self._tally = bounds.Tally()
        self._older = Older()
        self._reader = Reader()

    def read(self, block: Block, payload: bytes) -> None:
        """Raises Damaged and _Newer."""
        with _said_damaged():
            self._tree = self._next_tree(block.kind, payload)
            _check(self._tree, block)

    def snapshot(self) -> Snapshot:
        """Of the block read last. Raises Damaged."""
        with _said_damaged():
            tree = self._older.brought_up(self._tree)
            return self._reader.snapshot(tree, self._tally.most_members)

    def _next_tree(self, kind: int, payload: bytes) -> Tree:
        is_change = kind == blocks.CHANGE
        if is_change and self._tree is None:
            raise Unfit("a change of nothing")
        text = self._text(payload)
        _refuse_unless(self._tally.add(len(payload), text, is_change=is_change))
        tree: Tree = json.loads(text)
        if not is_change:
            return tree
        _refuse_unless(self._tally.copy(copies(self._tree, tree)))
        return apply(self._tree, tree)

    def _text(self, payload: bytes) -> bytes:
        # 0 would be no limit.
        text = self._zlib.decompress(payload, max(1, self._tally.most_text(len(payload))))
        _refuse_unless(not self._zlib.unconsumed_tail)
        return text


def _refuse_unless(fits: bool) -> None:
    if not fits:
        raise Unfit("too large")


@contextmanager
def _said_damaged() -> Iterator[None]:
    try:
        yield
    except (zlib.error, ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, Unfit) else "not what irqwatch writes"
        raise Damaged(reason) from error


def _check(tree: Tree, block: Block) -> None:
    """What must be right before the fields are looked at: of a newer schema they may differ."""
    if not isinstance(tree, dict):
        raise Unfit("no sample")
    schema = tree.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise _Newer(f"schema {schema}, this one reads {SCHEMA}")
    if tree.get("monotonic_ns") != block.monotonic_ns:
        raise Unfit("two times for one sample")


@dataclass(frozen=True, slots=True)
class Index:
    """Where each sample is: its byte, its time, and the nearest whole sample not after it."""

    offsets: "array[int]" = field(default_factory=lambda: array("Q"))
    times_ns: "array[int]" = field(default_factory=lambda: array("Q"))
    keys: "array[int]" = field(default_factory=lambda: array("L"))

    def __len__(self) -> int:
        return len(self.offsets)

    def at(self, monotonic_ns: int) -> int:
        """The last sample not after ``monotonic_ns``; the first one if all are."""
        return max(0, bisect_right(self.times_ns, monotonic_ns) - 1)

    def add(self, block: Block) -> None:
        number = len(self.offsets)
        self.offsets.append(block.offset)
        self.times_ns.append(block.monotonic_ns)
        self.keys.append(number if block.kind == blocks.KEY or not number else self.keys[-1])


class Player:
    """Reads ``stream``, which is at its start; ``name`` is what errors call it. Keeps one sample.

    A file that is cut off ends with its last whole sample, and ``cut_off`` then says so in a line.
    One that is damaged raises RecordingError after its last whole sample.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        """Raises RecordingError for a file that is no recording or a newer one."""
        self._stream = stream
        self._name = name
        self._decoder = _Decoder()
        self._offset = len(blocks.first_line())
        self._time_ns = 0
        self.position = 0  # the sample that is read next
        self.cut_off = ""
        blocks.check_first_line(stream, name)

    def __iter__(self) -> Iterator[Snapshot]:
        while (snapshot := self.next()) is not None:
            yield snapshot

    def next(self) -> Snapshot | None:
        """The next sample, None after the last. Raises RecordingError."""
        return self._read(self._snapshot)

    def skip(self) -> bool:
        """Go past the next sample; False after the last. Raises RecordingError."""
        return self._read(lambda: True) or False

    def _snapshot(self) -> Snapshot:
        return self._decoder.snapshot()

    def _read(self, result: Callable[[], T]) -> T | None:
        """``result`` of the next sample; None after the last."""
        block = self._header()
        if block is None:
            return None
        try:
            if block.kind == blocks.KEY:
                self._decoder = _Decoder()
            self._decoder.read(block, blocks.read_payload(self._stream, block))
            made = result()
        except CutOff:
            self._note_cut_off()
            return None
        except Damaged as error:
            raise self._damaged(error) from error
        except _Newer as error:
            raise RecordingError(f"{self._name}: written by a newer irqwatch ({error})") from error
        self._pass(block)
        return made

    def index(self) -> Index:
        """Where all samples are, up to where the file is cut off or its headers are damaged. The
        stream must be one that can seek; it is at its first sample afterwards."""
        index = Index()
        end = self._stream.seek(0, 2)
        self.seek(len(blocks.first_line()), 0)
        try:
            while (block := self._header()) is not None:
                if block.end > end:
                    self._note_cut_off()
                    break
                index.add(block)
                self._pass(block)
                self._stream.seek(self._offset)
        except RecordingError:
            if not index:
                raise
        self.seek(len(blocks.first_line()), 0)
        return index

    def seek(self, offset: int, position: int) -> None:
        """Go to the whole sample at ``offset``, the one of that number."""
        self._stream.seek(offset)
        self._offset, self.position, self._time_ns = offset, position, 0
        self._decoder = _Decoder()

    def _header(self) -> Block | None:
        try:
            block = blocks.read_header(self._stream, self._offset)
        except CutOff:
            self._note_cut_off()
            return None
        except Damaged as error:
            raise self._damaged(error) from error
        if block and block.monotonic_ns < self._time_ns:
            raise self._damaged(Damaged("time goes back"))
        return block

    def _pass(self, block: Block) -> None:
        self._offset, self._time_ns = block.end, block.monotonic_ns
        self.position += 1

    def _damaged(self, error: Damaged) -> RecordingError:
        return RecordingError(f"{self._name}: damaged {self._place()}: {error}")

    def _note_cut_off(self) -> None:
        self.cut_off = f"{self._name}: cut off {self._place()}; read up to there"

    def _place(self) -> str:
        return f"at byte {self._offset} (sample {self.position + 1})"
