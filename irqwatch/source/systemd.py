"""What systemd is told by a service, where it asks for it (sd_notify(3), sd_watchdog_enabled(3)).

The protocol is a datagram of lines to a Unix socket; libsystemd would be one more library.
"""

import contextlib
import os
import socket

from irqwatch import clock

# A name that begins with this is in the abstract namespace (unix(7)).
ABSTRACT = "@"


class Notifier:
    """Does nothing where NOTIFY_SOCKET names no socket."""

    def __init__(self) -> None:
        name = os.environ.get("NOTIFY_SOCKET", "")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if name else None
        if self._socket:
            self._socket.setblocking(False)
            address = "\0" + name[1:] if name.startswith(ABSTRACT) else name
            # As root; later it may not be let at it.
            with contextlib.suppress(OSError):
                self._socket.connect(address)
        self._every_ns = _watchdog_ns() // 2
        self._next_ns = clock.monotonic_ns()

    def __enter__(self) -> "Notifier":
        return self

    def __exit__(self, *_: object) -> None:
        self._say("STOPPING=1")
        if self._socket:
            self._socket.close()

    def ready(self, status: str) -> None:
        self._say(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        """To be followed by ``ready``."""
        self._say(f"RELOADING=1\nMONOTONIC_USEC={clock.monotonic_ns() // 1000}")

    def seconds_to_next(self) -> float | None:
        """How long one may wait before ``alive``; None where nobody watches."""
        if not self._every_ns:
            return None
        return max(0, self._next_ns - clock.monotonic_ns()) / 1e9

    def alive(self) -> None:
        """To be called after each turn of the loop that is watched."""
        now_ns = clock.monotonic_ns()
        if self._every_ns and now_ns >= self._next_ns:
            self._next_ns = now_ns + self._every_ns
            self._say("WATCHDOG=1")

    def _say(self, message: str) -> None:
        if self._socket:
            with contextlib.suppress(OSError):  # it is systemd's loss
                self._socket.send(message.encode())


def _watchdog_ns() -> int:
    """0 where nobody watches, or it is another process that is watched."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    pid = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    if not microseconds.isdecimal() or pid != str(os.getpid()):
        return 0
    return int(microseconds) * 1000
