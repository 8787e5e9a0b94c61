"""A collector's own counts of what it could not use."""

from collections.abc import Iterable, Sequence


def by_reason(reasons: Sequence[str], parts: Iterable[tuple[int, memoryview]]) -> dict[str, int]:
    """The sums over CPUs; a part's words are in the order of ``reasons``."""
    totals = dict.fromkeys(reasons, 0)
    for _, value in parts:
        for reason, count in zip(reasons, value, strict=True):
            totals[reason] += count
    return totals
