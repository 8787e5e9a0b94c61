"""What stands between ``serve``'s pages and its clients: a web configuration, and signals.

What is only of use with such a file is imported only with one: TLS takes memory.
"""

import contextlib
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from irqwatch.cli.log import Log
from irqwatch.sink.http.message import Request, Response
from irqwatch.sink.http.server import Stream

if TYPE_CHECKING:
    from irqwatch.source.web_config import WebConfigFile

Answer = Callable[[Request | None], Response | None]


class Wakes:
    """Ends a wait in the server's loop, from another thread (``wake``) and by a signal; a context
    manager, in the main thread."""

    def __init__(self) -> None:
        self.woken, self._waker = socket.socketpair()
        self.woken.setblocking(False)
        self._waker.setblocking(False)
        self._hung_up = False

    def __enter__(self) -> "Wakes":
        self._handler = signal.signal(signal.SIGHUP, self._on_hangup)
        self._fd = signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._fd)
        signal.signal(signal.SIGHUP, self._handler)
        self.woken.close()
        self._waker.close()

    def wake(self) -> None:
        with contextlib.suppress(OSError):  # it is full: woken already; or this has ended
            self._waker.send(b"\0")

    def hung_up(self) -> bool:
        """Whether SIGHUP came since this was last asked."""
        hung_up, self._hung_up = self._hung_up, False
        return hung_up

    def _on_hangup(self, signum: int, at: FrameType | None) -> None:
        self._hung_up = True


def web_config_file(path: Path | None, log: Log) -> "WebConfigFile | None":
    """Raises UsageError."""
    if path is None:
        return None
    # All that will be needed: the user that root becomes may not be let at where it is installed.
    from irqwatch.sink.http import gate, passwords, tls  # noqa: F401, PLC0415
    from irqwatch.source.web_config import WebConfigFile  # noqa: PLC0415

    with contextlib.suppress(ImportError):  # said where there are users
        import bcrypt  # noqa: F401, PLC0415
    return WebConfigFile(path, log.warn)


def guarded(
    config: "WebConfigFile | None", pages: Callable[[Request | None], Response], wakes: Wakes
) -> tuple[Answer, Callable[[socket.socket], Stream]]:
    """What the server is to answer, and how it talks to who comes."""
    if config is None:
        return pages, lambda plain: plain
    from irqwatch.sink.http.gate import Gate  # noqa: PLC0415
    from irqwatch.sink.http.passwords import Passwords  # noqa: PLC0415
    from irqwatch.sink.http.tls import TlsStream  # noqa: PLC0415

    def is_right(password: bytes, hashed: bytes) -> bool:
        import bcrypt  # noqa: PLC0415 (where there are users: then it is there)

        return bcrypt.checkpw(password, hashed)

    def stream(plain: socket.socket) -> Stream:
        web = config.current()
        return TlsStream(plain, web.tls, web.allowed_sans) if web.tls else plain

    return Gate(pages, config.current, Passwords(is_right, wakes.wake)).answer, stream
