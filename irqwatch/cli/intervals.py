"""The intervals of a recording as Views. Apart from ``recorded``: ``serve`` needs none of it."""

from collections.abc import Iterator
from itertools import pairwise

from irqwatch.cli.recorded import too_short
from irqwatch.derive.view import derive
from irqwatch.model.snapshot import Snapshot
from irqwatch.model.view import View
from irqwatch.source.replay import Replay


def recorded_views(replay: Replay) -> Iterator[View]:
    """All intervals, as fast as they can be read. Raises RecordingError where there is none."""
    empty = True
    for previous, current in pairwise(replay):
        empty = False
        yield derive(current, previous)
    if empty:
        raise too_short(replay)


class Intervals:
    """The intervals of a recording, by number."""

    def __init__(self, replay: Replay) -> None:
        """Raises RecordingError where there is none."""
        times_ns = replay.index.times_ns
        self.lengths_ns = [after - before for before, after in pairwise(times_ns)]
        if not self.lengths_ns:
            raise too_short(replay)
        self._replay = replay
        self._latest: tuple[int, Snapshot] | None = None

    def view(self, number: int) -> View:
        """Raises RecordingError where the recording is damaged."""
        before = self._at(number)
        after = self._at(number + 1)
        return derive(after, before)

    def _at(self, number: int) -> Snapshot:
        if not self._latest or self._latest[0] != number:
            self._latest = (number, self._replay.at(number))
        return self._latest[1]
