"""Exceptions as rows: one of a kind, and under it the processes that took most of it."""

from collections.abc import Iterable

from irqwatch.model.view import Source

OTHERS = "others"


def by_process(exceptions: Iterable[Source]) -> tuple[Source, ...]:
    """In their order. The processes of one, if it has any, add up to it: the last is the rest."""
    return tuple(row for source in exceptions for row in (source, *_under(source)))


def _under(source: Source) -> tuple[Source, ...]:
    counts = [(f"{part.comm}[{part.pid}]", part.count) for part in source.processes]
    others = source.count - sum(count for _, count in counts)
    if counts and others > 0:
        counts.append((OTHERS, others))
    return tuple(_part(source, name, count) for name, count in counts)


def _part(source: Source, name: str, count: int) -> Source:
    """Its CPUs are not known."""
    return Source(
        kind=source.kind,
        name=f"  {name}",
        count=count,
        seconds=None,
        rate=source.rate * count / source.count,
        cpus={},
        cause=source.name,
    )
