"""What ends a session ends the transaction in good order."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def interrupting() -> Iterator[None]:
    """The first of ENDS is a KeyboardInterrupt, those after it are nothing."""

    def end(signum: int, at: FrameType | None) -> None:
        deafen()
        raise KeyboardInterrupt

    before = {one: signal.signal(one, end) for one in ENDS}
    try:
        yield
    finally:
        for one, was in before.items():
            signal.signal(one, was)


def deafen() -> None:
    """Putting back takes two seconds at most and is not to be cut short."""
    for one in ENDS:
        signal.signal(one, signal.SIG_IGN)
