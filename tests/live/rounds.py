"""How often a check on the live kernel must be right: in most of a few rounds, which are counted.

What is known to disturb is left out by rule (``tests/live/unseen.py``). What is left is an event at
the very moment of a reading, and what others do to the host: that is seldom. A wrong rule is wrong
in each round, and a race in many."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

ROUNDS = 3
MOST = ROUNDS // 2 + 1

# What was right of how many, in words; printed at the end (tests/live/conftest.py).
TOLD: list[str] = []


class Disturbed(Exception):
    """A round that could not be had: events never paused, or were more than a buffer holds."""


def mostly(check: Callable[[], T], what: str) -> T:
    """What the last right round gave. Ends as soon as it is known what most of them are."""
    results: list[T] = []
    wrong: list[BaseException] = []
    while len(results) < MOST and len(wrong) < MOST:
        try:
            results.append(check())
        except (AssertionError, Disturbed) as error:
            wrong.append(error)
    TOLD.append(f"{what}: {len(results)} of {len(results) + len(wrong)} right")
    if len(wrong) == MOST:
        said = "\n".join(f"{type(error).__name__}: {error}" for error in wrong)
        raise AssertionError(f"{TOLD[-1]}\n{said}")
    return results[-1]
