"""A client's socket with TLS on it, for a loop that never waits for a single client."""

import contextlib
import selectors
import socket
import ssl
from collections.abc import Set
from typing import Any


class Blocked(BlockingIOError):
    """Nothing can be done before ``events`` (of selectors) come."""

    def __init__(self, events: int) -> None:
        super().__init__()
        self.events = events


class TlsStream:
    """As a socket that does not block. The handshake is part of the first read, so that one who
    does not go on with it holds up nobody. Errors of TLS are OSErrors."""

    def __init__(
        self, plain: socket.socket, context: ssl.SSLContext, allowed_sans: Set[str]
    ) -> None:
        """Takes ``plain`` over. Raises OSError."""
        self._socket = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        self._allowed_sans = allowed_sans
        self._is_known = not allowed_sans

    def fileno(self) -> int:
        return self._socket.fileno()

    def recv(self, most: int) -> bytes:
        try:
            received = self._socket.recv(most)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            raise _blocked(error) from None
        if not self._is_known:
            certificate: dict[str, Any] = self._socket.getpeercert() or {}
            names = {name for _, name in certificate.get("subjectAltName", ())}
            if not self._allowed_sans & names:
                raise OSError("its certificate has none of the names that may come in")
            self._is_known = True
        return received

    def send(self, data: memoryview) -> int:
        try:
            return self._socket.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as error:
            raise _blocked(error) from None

    def shutdown(self, how: int) -> None:
        """Say that this is all, to TLS and to TCP; from here on recv() gives what is under TLS."""
        with contextlib.suppress(ssl.SSLError):  # that the client has not said it yet
            self._socket.unwrap()
        self._socket.shutdown(how)
        self._is_known = True

    def close(self) -> None:
        self._socket.close()


def _blocked(error: OSError) -> Blocked:
    wants_read = isinstance(error, ssl.SSLWantReadError)
    return Blocked(selectors.EVENT_READ if wants_read else selectors.EVENT_WRITE)
