"""Where the screen is in a recording, and what each key does to that. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace

SLOWEST, FASTEST = 1 / 8, 64


@dataclass(frozen=True, slots=True)
class Playback:
    """Interval ``number`` of ``count``, from 0; ``speed`` 2 is twice as fast as it happened."""

    count: int
    number: int = 0
    speed: float = 1

    @property
    def at_end(self) -> bool:
        return self.number == self.count - 1

    def moved(self, intervals: int) -> "Playback":
        return replace(self, number=max(0, min(self.number + intervals, self.count - 1)))

    def __str__(self) -> str:
        speed = f"{self.speed:g}" if self.speed >= 1 else f"1/{1 / self.speed:g}"
        return f"{self.number + 1}/{self.count} x{speed}"


def _faster(playback: Playback, factor: float) -> Playback:
    return replace(playback, speed=max(SLOWEST, min(playback.speed * factor, FASTEST)))


def _jump(playback: Playback, tenths: int) -> Playback:
    return playback.moved(tenths * max(1, playback.count // 10))


STEPS: dict[str, Callable[[Playback], Playback]] = {
    ".": lambda playback: playback.moved(1),
    ",": lambda playback: playback.moved(-1),
    "right": lambda playback: playback.moved(1),
    "left": lambda playback: playback.moved(-1),
    "]": lambda playback: _jump(playback, 1),
    "[": lambda playback: _jump(playback, -1),
    "}": lambda playback: playback.moved(playback.count),
    "{": lambda playback: playback.moved(-playback.count),
}
SPEEDS: dict[str, Callable[[Playback], Playback]] = {
    "+": lambda playback: _faster(playback, 2),
    "=": lambda playback: _faster(playback, 2),
    "-": lambda playback: _faster(playback, 1 / 2),
}
