"""The kernel's events over which it calls no BPF program: some virtual machines' kernels call none
while a thread of their supervisor, process 1, is the current task (docs/oracle.md). The trace ring
buffer has them."""

import contextlib
from collections.abc import Callable, Iterator

import psutil

from tests.live.rounds import Disturbed
from tests.oracle.pages import EventsLost
from tests.oracle.ring_buffer import RingBuffer

MEGABYTES_PER_CPU = 4


def threads_of_1() -> frozenset[int]:
    return frozenset(thread.id for thread in psutil.Process(1).threads())


@contextlib.contextmanager
def in_process_1(event: str, condition: str) -> Iterator[Callable[[], int]]:
    """Counts them from now on: of the ``event`` of tracefs ("irq/softirq_entry") those of which the
    ``condition`` on its fields holds. Whoever asks for the count ends the counting. Where BPF
    programs do see them, they were seen: so this is how many may be missing."""
    pids = " || ".join(f"common_pid == {pid}" for pid in sorted(threads_of_1()))
    with RingBuffer("unseen", MEGABYTES_PER_CPU, [event]) as buffer:
        buffer.filter(event, f"({pids}) && ({condition})")
        buffer.enable()
        buffer.start()

        def count() -> int:
            buffer.stop()
            try:
                return sum(1 for _, raws in buffer.raws() for _ in raws)
            except EventsLost as error:
                raise Disturbed(str(error)) from error

        yield count
