"""Tasklets as sources: a function each."""

from collections.abc import Iterable

from irqwatch.derive.timed import timed
from irqwatch.model.snapshot import TaskletTime
from irqwatch.model.view import Source


def tasklets(times: Iterable[TaskletTime], interval_ns: int) -> list[Source]:
    """One a function, by name."""
    functions: dict[str, list[TaskletTime]] = {}
    for part in times:
        functions.setdefault(part.function, []).append(part)
    return [_tasklet(name, functions[name], interval_ns) for name in sorted(functions)]


def _tasklet(function: str, parts: list[TaskletTime], interval_ns: int) -> Source:
    runs = ((part.cpu, part.run) for part in parts)
    return timed("tasklet", function, runs, (part.worst for part in parts), interval_ns)
