"""What followed from an interrupt. Pure."""

from typing import NamedTuple

from irqwatch.model.snapshot import CountAndTime


class Follows(NamedTuple):
    """Runs on one CPU of what followed from an interrupt: the action ``cause`` of line ``irq``, or
    the vector ``cause`` where ``irq`` is None; from none where that is "". ``via`` is what queued a
    work item. The time in ``runs`` is not known where it is not ``is_timed``."""

    irq: int | None
    cause: str
    kind: str
    name: str
    cpu: int
    runs: CountAndTime
    via: str = ""
    workqueue: str | None = None
    is_timed: bool = True
