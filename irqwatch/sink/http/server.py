"""The server: one thread, few connections, each with a deadline, so that no client can keep another
from its scrape. asyncio would be half of this code and 2.3 MB more of resident memory."""

import errno
import os
import resource
import selectors
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from irqwatch import clock
from irqwatch.errors import IrqwatchError, UsageError
from irqwatch.sink.http.message import Request, Response, line, parse_request

MAX_CONNECTIONS = 64
MAX_HEAD_BYTES = 16 * 1024
DEADLINE_NS = 10 * 10**9
# Files left for a scrape to read /proc and /sys with, when clients have taken all others.
SPARE_FILES = 8
NO_FILE_PAUSE_NS = 10**8

END_OF_HEAD = b"\r\n\r\n"


def parse_address(text: str) -> tuple[str, int]:
    """Host ("" is every address) and port of "host:port", "[::1]:port" or ":port". Raises
    UsageError."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    valid = colon and port.isascii() and port.isdigit() and int(port) < 1 << 16
    if not valid or (":" in host and not bracketed):
        raise UsageError(f"{text!r} is not an address: give host:port, [::1]:port or :port")
    return host[1:-1] if bracketed else host, int(port)


def show_address(host: str, port: int) -> str:
    """The inverse of parse_address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; without a host one of IPv6 and IPv4. Raises IrqwatchError."""
    try:
        if not host and socket.has_dualstack_ipv6():
            return socket.create_server(
                ("", port), family=socket.AF_INET6, backlog=1024, dualstack_ipv6=True
            )
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, address = found[0]
        return socket.create_server((str(address[0]), port), family=family, backlog=1024)
    except (OSError, UnicodeError) as error:
        # create_server puts the address into strerror too, so the text is of the number.
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        raise IrqwatchError(f"cannot listen on {show_address(host, port)}: {reason}") from None


@dataclass(slots=True, eq=False)
class Connection:
    """A client: it asks (``unsent`` is None), is sent its answer, and is waited for to leave."""

    socket: socket.socket
    deadline_ns: int
    received: bytearray = field(default_factory=bytearray)
    unsent: memoryview | None = None


class Server:
    """Serves what ``answer`` gives; its argument is None for a request that is not HTTP."""

    def __init__(
        self,
        listener: socket.socket,
        answer: Callable[[Request | None], Response],
        now_ns: Callable[[], int] = clock.monotonic_ns,
    ) -> None:
        self._listener = listener
        self._answer = answer
        self._now_ns = now_ns
        self._connections: dict[Connection, None] = {}  # the oldest first
        self._selector = selectors.DefaultSelector()
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        for connection in list(self._connections):
            self._close(connection)
        self._selector.close()
        self._listener.close()

    def turn(self) -> None:
        """Wait until a client wants something or has had its time, and see to it."""
        for key, _ in self._selector.select(self._seconds_to_deadline()):
            if key.data is None:
                self._accept()
            elif key.data in self._connections:  # else closed to make room in this same turn
                self._attend(key.data)
        now_ns = self._now_ns()
        for connection in [c for c in self._connections if c.deadline_ns <= now_ns]:
            self._close(connection)

    def _seconds_to_deadline(self) -> float | None:
        oldest = next(iter(self._connections), None)
        return max(0, oldest.deadline_ns - self._now_ns()) / 1e9 if oldest else None

    def _accept(self) -> None:
        try:
            accepted, _ = self._listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._free_a_file()  # else the listener stays ready, and turns never wait
            return  # or it left before its turn came
        if len(self._connections) >= MAX_CONNECTIONS or _is_among_last_files(accepted):
            self._make_room()
        accepted.setblocking(False)
        connection = Connection(accepted, self._now_ns() + DEADLINE_NS)
        self._connections[connection] = None
        self._selector.register(accepted, selectors.EVENT_READ, connection)

    def _make_room(self) -> None:
        """The oldest of those that have not asked goes, or else of all."""
        asking = (c for c in self._connections if c.unsent is None)
        leaving = next(asking, None) or next(iter(self._connections), None)
        if leaving:
            self._close(leaving)

    def _free_a_file(self) -> None:
        """So that the next turn can accept."""
        if self._connections:
            self._make_room()
        else:  # the files are others', and nobody is here to wait longer for it
            clock.sleep_until(clock.monotonic_ns() + NO_FILE_PAUSE_NS)

    def _attend(self, connection: Connection) -> None:
        try:
            if connection.unsent is None:
                self._receive(connection)
            elif connection.unsent:
                self._send(connection)
            elif not connection.socket.recv(MAX_HEAD_BYTES):
                self._close(connection)
        except BlockingIOError:
            pass
        except OSError:
            self._close(connection)  # it has left

    def _receive(self, connection: Connection) -> None:
        chunk = connection.socket.recv(MAX_HEAD_BYTES)
        connection.received += chunk
        head, end, _ = connection.received.partition(END_OF_HEAD)
        if end and len(head) <= MAX_HEAD_BYTES:
            request = parse_request(bytes(head))
            with_body = request is None or request.method != "HEAD"
            self._respond(connection, self._answer(request).encode(with_body=with_body))
        elif len(connection.received) > MAX_HEAD_BYTES:
            response = line(431, f"the request's headers are over {MAX_HEAD_BYTES} bytes")
            self._respond(connection, response.encode(with_body=True))
        elif not chunk:
            self._close(connection)

    def _respond(self, connection: Connection, response: bytes) -> None:
        connection.unsent = memoryview(response)
        self._selector.modify(connection.socket, selectors.EVENT_WRITE, connection)
        self._send(connection)

    def _send(self, connection: Connection) -> None:
        assert connection.unsent is not None
        connection.unsent = connection.unsent[connection.socket.send(connection.unsent) :]
        if not connection.unsent:
            # To close with input unread would reset the connection, and may cost the client its
            # answer: so say that this is all, and wait for it to leave.
            connection.unsent = memoryview(b"")  # let go of the response
            connection.socket.shutdown(socket.SHUT_WR)
            self._selector.modify(connection.socket, selectors.EVENT_READ, connection)

    def _close(self, connection: Connection) -> None:
        del self._connections[connection]
        self._selector.unregister(connection.socket)
        connection.socket.close()


def _is_among_last_files(accepted: socket.socket) -> bool:
    """A new file has the lowest number that is free: those below are all taken."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most != resource.RLIM_INFINITY and accepted.fileno() >= most - SPARE_FILES
