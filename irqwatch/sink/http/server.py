"""The server: one thread, a bounded number of clients, each with a deadline, so that no client can
keep another from its scrape. asyncio would be half of this code and 2.3 MB more of resident memory.

Where there is no room for one more client, one goes that has its answer; else the one that has got
on with nothing for the longest time, if that is a quarter of a second; if all are getting on, the
new one is told so (503).
"""

import contextlib
import errno
import resource
import selectors
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from irqwatch import clock
from irqwatch.sink.http.message import Request, Response, line, parse_request

MOST_CLIENTS = 512
ACCEPTED_A_TURN = 16
MAX_HEAD_BYTES = 16 * 1024
DEADLINE_NS = 10 * 10**9
# A client that has got on with nothing for so long may have to go for another.
STALL_NS = 250 * 10**6
# Files left for a scrape to read /proc and /sys with, when clients have taken all others.
SPARE_FILES = 8
NO_FILE_PAUSE_NS = 10**8

END_OF_HEAD = b"\r\n\r\n"


class Stream(Protocol):
    """What a client is talked to by: a socket that does not block, or TLS on one. BlockingIOError
    may say which ``events`` of selectors it waits for; each other OSError ends the client."""

    def fileno(self) -> int: ...
    def recv(self, most: int, /) -> bytes: ...
    def send(self, data: memoryview, /) -> int: ...
    def shutdown(self, how: int, /) -> None: ...
    def close(self) -> None: ...


@dataclass(slots=True, eq=False)
class Connection:
    """A client: it asks (``unsent`` is None), waits while its password is checked (``asked``), is
    sent its answer, and is waited for to leave."""

    stream: Stream
    deadline_ns: int
    got_on_ns: int  # when it last sent or took something
    received: bytearray = field(default_factory=bytearray)
    asked: Request | None = None  # for as long as it is in no selector
    unsent: memoryview | None = None


class Server:
    """Serves what ``answer`` gives on each of ``listeners``, to so many clients at once (0 is any
    number); the argument of ``answer`` is None for a request that is not HTTP. Where it gives None,
    it is asked again once ``woken`` can be read from. ``stream`` is what a client that came is
    talked to by; where it is none, it raises OSError, and takes the socket with it."""

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        answer: Callable[[Request | None], Response | None],
        most_clients: int = MOST_CLIENTS,
        now_ns: Callable[[], int] = clock.monotonic_ns,
        *,
        stream: Callable[[socket.socket], Stream] = lambda plain: plain,
        woken: socket.socket | None = None,
    ) -> None:
        self._listeners = listeners
        self._answer = answer
        self._most_clients = most_clients
        self._stream = stream
        self._woken = woken
        self._now_ns = now_ns
        self._connections: dict[Connection, None] = {}  # the oldest first
        self._selector = selectors.DefaultSelector()
        for listener in listeners:
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ)
        if woken:
            self._selector.register(woken, selectors.EVENT_READ)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        for connection in list(self._connections):
            self._close(connection)
        self._selector.close()
        for listener in self._listeners:
            listener.close()

    def turn(self, most_seconds: float | None = None) -> None:
        """Wait until a client wants something or has had its time, and see to it; no longer than
        that."""
        waits = [wait for wait in (self._seconds_to_deadline(), most_seconds) if wait is not None]
        ready = self._selector.select(min(waits, default=None))
        for key, _ in ready:
            if key.data is not None:
                self._attend(key.data)
        # After those who are here already: one that has just asked is not to go for another.
        for key, _ in ready:
            if key.fileobj is self._woken:
                self._ask_again()
            elif key.data is None:
                self._accept_some(key.fileobj)
        now_ns = self._now_ns()
        for connection in [c for c in self._connections if c.deadline_ns <= now_ns]:
            self._close(connection)

    def _seconds_to_deadline(self) -> float | None:
        oldest = next(iter(self._connections), None)
        return max(0, oldest.deadline_ns - self._now_ns()) / 1e9 if oldest else None

    def _accept_some(self, listener: object) -> None:
        assert isinstance(listener, socket.socket)
        for _ in range(ACCEPTED_A_TURN):
            try:
                accepted, _ = listener.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    self._free_a_file()  # else the listener stays ready, and turns never wait
                return  # or no more are there
            self._take(accepted)

    def _take(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        has_most = 0 < self._most_clients <= len(self._connections)
        if (has_most or _is_among_last_files(accepted)) and not self._make_room():
            _refuse(accepted)
            return
        try:
            stream = self._stream(accepted)
        except OSError:
            accepted.close()
            return
        now_ns = self._now_ns()
        connection = Connection(stream, now_ns + DEADLINE_NS, now_ns)
        self._connections[connection] = None
        self._selector.register(stream, selectors.EVENT_READ, connection)

    def _make_room(self) -> bool:
        """Whether one could go."""
        answered = (one for one in self._connections if one.unsent is not None and not one.unsent)
        if leaving := next(answered, None):
            self._close(leaving)  # what it was sent is with the kernel, which goes on with it
            return True
        slowest = self._slowest()
        if slowest is None or self._now_ns() - slowest.got_on_ns < STALL_NS:
            return False
        self._close(slowest)
        return True

    def _slowest(self) -> Connection | None:
        return min(self._connections, key=lambda one: one.got_on_ns, default=None)

    def _free_a_file(self) -> None:
        """So that the next turn can accept."""
        if slowest := self._slowest():
            self._close(slowest)
        else:  # the files are others', and nobody is here to wait longer for it
            clock.sleep_until(clock.monotonic_ns() + NO_FILE_PAUSE_NS)

    def _attend(self, connection: Connection) -> None:
        try:
            if connection.unsent is None:
                self._receive(connection)
            elif connection.unsent:
                self._send(connection)
            elif not connection.stream.recv(MAX_HEAD_BYTES):
                self._close(connection)
        except BlockingIOError as blocked:
            if events := getattr(blocked, "events", 0):
                connection.got_on_ns = self._now_ns()
                self._selector.modify(connection.stream, events, connection)
        except OSError:
            self._close(connection)  # it has left

    def _receive(self, connection: Connection) -> None:
        chunk = connection.stream.recv(MAX_HEAD_BYTES)
        connection.got_on_ns = self._now_ns()
        connection.received += chunk
        head, end, _ = connection.received.partition(END_OF_HEAD)
        if end and len(head) <= MAX_HEAD_BYTES:
            self._ask(connection, parse_request(bytes(head)))
        elif len(connection.received) > MAX_HEAD_BYTES:
            response = line(431, f"the request's headers are over {MAX_HEAD_BYTES} bytes")
            self._respond(connection, response.encode(with_body=True))
        elif not chunk:
            self._close(connection)

    def _ask(self, connection: Connection, request: Request | None) -> None:
        response = self._answer(request)
        if response is None:
            connection.asked = request
            self._selector.unregister(connection.stream)
        else:
            with_body = request is None or request.method != "HEAD"
            self._respond(connection, response.encode(with_body=with_body))

    def _ask_again(self) -> None:
        assert self._woken is not None
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(MAX_HEAD_BYTES)
        for connection in [one for one in self._connections if one.asked]:
            request, connection.asked = connection.asked, None
            self._selector.register(connection.stream, selectors.EVENT_READ, connection)
            try:
                self._ask(connection, request)
            except BlockingIOError:
                pass
            except OSError:
                self._close(connection)

    def _respond(self, connection: Connection, response: bytes) -> None:
        connection.unsent = memoryview(response)
        self._selector.modify(connection.stream, selectors.EVENT_WRITE, connection)
        self._send(connection)

    def _send(self, connection: Connection) -> None:
        assert connection.unsent is not None
        connection.unsent = connection.unsent[connection.stream.send(connection.unsent) :]
        connection.got_on_ns = self._now_ns()
        if not connection.unsent:
            # To close with input unread would reset the connection, and may cost the client its
            # answer: so say that this is all, and wait for it to leave.
            connection.unsent = memoryview(b"")  # let go of the response
            connection.stream.shutdown(socket.SHUT_WR)
            self._selector.modify(connection.stream, selectors.EVENT_READ, connection)

    def _close(self, connection: Connection) -> None:
        del self._connections[connection]
        if not connection.asked:
            self._selector.unregister(connection.stream)
        connection.stream.close()


def _refuse(accepted: socket.socket) -> None:
    """Say so at once, and wait for nothing."""
    response = line(503, "too many clients at once").encode(with_body=True)
    with accepted, contextlib.suppress(OSError):
        accepted.send(response)
        accepted.shutdown(socket.SHUT_WR)
        accepted.recv(MAX_HEAD_BYTES)  # to close with input unread would reset the connection


def _is_among_last_files(accepted: socket.socket) -> bool:
    """A new file has the lowest number that is free: those below are all taken."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most != resource.RLIM_INFINITY and accepted.fileno() >= most - SPARE_FILES
