"""One event that took longer than was asked for, and its story."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SlowEvent:
    """``kind`` is one that a collector's record has: a wait is from raised or queued to run,
    "timer" is how late one fired. ``irq`` and ``cause`` are the interrupt itself, or what the event
    follows from: an action on a line, or a vector where ``irq`` is None; "" where no interrupt
    caused it."""

    kind: str
    name: str  # action, vector, softirq vector, or work function
    cpu: int
    ns: int
    at_ns: int  # when it ended, CLOCK_MONOTONIC
    wall_ns: int
    pid: int  # of the task that ran, or was interrupted; 0 is the idle task
    comm: str
    irq: int | None = None
    cause: str = ""
    is_interrupt: bool = False  # is one itself, and follows from none
    device: str = ""
    interrupted: str = ""  # the softirq vector an interrupt came into; "" where it was a task
    workqueue: str = ""
    waiting: tuple[str, ...] = ()  # softirqs that were raised and had to wait meanwhile
    waited_ns: int = 0  # since the first of them was raised
