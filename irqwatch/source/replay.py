"""A recording as a source of Snapshots."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from irqwatch.errors import RecordingError
from irqwatch.model.snapshot import Snapshot
from irqwatch.record.player import Index, Player

STDIN = Path("-")


class Replay:
    """The recording at ``path`` ("-": standard input, from start to end only); a context manager.

    Iterating goes on from where it is. ``cut_off`` is a line for a person where the file ended
    inside a sample.
    """

    def __init__(self, path: Path) -> None:
        """Raises RecordingError where there is no such file, or none that can be read."""
        self.name = str(path) if path != STDIN else "standard input"
        self._index: Index | None = None
        self._stream = _open(path)
        with ExitStack() as on_error:
            on_error.callback(self._stream.close)
            with self._readable():
                self._player = Player(self._stream, self.name)
            on_error.pop_all()

    def __enter__(self) -> "Replay":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()

    def __iter__(self) -> Iterator[Snapshot]:
        """Raises RecordingError after the last sample before a damaged one."""
        with self._readable():
            yield from self._player

    @property
    def cut_off(self) -> str:
        return self._player.cut_off

    @property
    def index(self) -> Index:
        """Where each sample is. Raises RecordingError for standard input and an empty recording."""
        if self._index is None:
            if not self._stream.seekable():
                raise RecordingError(f"{self.name}: only a file can be gone back and forth in")
            with self._readable():
                self._index = self._player.index()
        return self._index

    def at(self, number: int) -> Snapshot:
        """The sample of that number, from 0; the sample after it is the next one iterated. Raises
        RecordingError where it is damaged, IndexError where there is none."""
        index = self.index
        if not 0 <= number < len(index):
            raise IndexError(number)
        key = index.keys[number]
        with self._readable():
            if not key <= self._player.position <= number:
                self._player.seek(index.offsets[key], key)
            while self._player.position < number and self._player.skip():
                pass
            if (snapshot := self._player.next()) is not None:
                return snapshot
        raise RecordingError(f"{self.name}: became shorter while it was read")

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RecordingError(f"{self.name}: {error.strerror}") from error


def _open(path: Path) -> BinaryIO:
    if path == STDIN:
        return sys.stdin.buffer
    try:
        return path.open("rb")
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}") from error
