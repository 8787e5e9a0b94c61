"""The server against clients that hang, flood and leave. The server runs in the test's own thread,
turn by turn, and its clock is the test's."""

import contextlib
import errno
import os
import socket
from pathlib import Path

import pytest

from irqwatch.sink.http import server
from irqwatch.sink.http.listening import Tcp, listen
from irqwatch.sink.http.message import Response
from irqwatch.sink.http.server import (
    DEADLINE_NS,
    MAX_HEAD_BYTES,
    SPARE_FILES,
    STALL_NS,
    Server,
)
from tests.open_files import allow

GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
TURNS = 2000
MOST = 64  # clients at once


class Bench:
    """A server, its clients, and the time it is for them."""

    def __init__(self, cleanup):
        self.now_ns = 0
        self.requests = []
        self.body = b"metric 1\n"
        self._cleanup = cleanup
        self._listener = listen(Tcp("127.0.0.1", 0))
        self._server = Server([self._listener], self._answer, MOST, lambda: self.now_ns)
        cleanup.enter_context(self._server)

    def _answer(self, request):
        self.requests.append(request)
        return Response(200, self.body)

    def client(self, sent=b"", **options):
        """One that has connected and been accepted."""
        client = socket.socket()
        self._cleanup.callback(client.close)
        for option, value in options.items():
            client.setsockopt(socket.SOL_SOCKET, getattr(socket, option), value)
        client.connect(self._listener.getsockname())
        self._server.turn()
        client.setblocking(False)
        if sent:
            client.send(sent)
        return client

    def turn(self):
        """One turn that does not wait: another client leaves in it."""
        self.client().close()
        self._server.turn()

    @property
    def open_connections(self):
        return len(self._server._connections)

    def received(self, client):
        """All that a client is sent until the server says that this is all."""
        parts = []
        for _ in range(TURNS):
            try:
                part = client.recv(1 << 20)
            except BlockingIOError:
                self._server.turn()
                continue
            if not part:
                return b"".join(parts)
            parts.append(part)
        raise AssertionError(f"no end after {TURNS} turns")

    def closed(self, client):
        """Whether the server has let go of a client that asked nothing."""
        try:
            return client.recv(1) == b""
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True


@pytest.fixture
def bench():
    with contextlib.ExitStack() as cleanup:
        yield Bench(cleanup)


def test_scrape(bench):
    response = bench.received(bench.client(GET))

    assert response.startswith(b"HTTP/1.1 200 OK\r\n")
    assert response.endswith(b"\r\n\r\nmetric 1\n")


def test_request_in_small_pieces(bench):
    client = bench.client()
    for byte in GET:
        client.send(bytes([byte]))
        bench.turn()

    assert bench.received(client).endswith(b"metric 1\n")
    assert len(bench.requests) == 1


def test_client_that_has_sent_all_it_will_is_answered(bench):
    client = bench.client(GET)
    client.shutdown(socket.SHUT_WR)

    assert bench.received(client).endswith(b"metric 1\n")


def test_head_has_no_body(bench):
    response = bench.received(bench.client(GET.replace(b"GET", b"HEAD")))

    assert b"Content-Length: 9\r\n" in response
    assert response.endswith(b"\r\n\r\n")


def test_request_with_a_body_is_answered_not_reset(bench):
    client = bench.client(b"POST / HTTP/1.1\r\n\r\n" + b"x" * 10_000)
    bench.turn()
    client.send(b"x" * 50_000)

    assert bench.received(client).endswith(b"metric 1\n")


def test_garbage_reaches_the_answer_as_none(bench):
    bench.received(bench.client(b"\x16\x03\x01\r\n\r\n"))

    assert bench.requests == [None]


def test_headers_that_are_too_long_are_refused(bench):
    client = bench.client(b"GET / HTTP/1.1\r\nX: ")
    for _ in range(MAX_HEAD_BYTES // 4096):
        client.send(b"x" * 4096)

    assert bench.received(client).startswith(b"HTTP/1.1 431 ")
    assert bench.requests == []


def test_three_hundred_idle_clients_do_not_stop_a_scrape(bench):
    allow(600)  # both ends are here
    idle = []
    for bench.now_ns in range(0, 300 * STALL_NS // 10, STALL_NS // 10):
        idle.append(bench.client())

    assert bench.received(bench.client(GET)).endswith(b"metric 1\n")
    assert bench.open_connections == MOST
    assert bench.closed(idle[0]) and not bench.closed(idle[-1])


def test_where_all_are_getting_on_one_more_is_told_so_at_once(bench):
    first = [bench.client() for _ in range(MOST)]
    bench.now_ns = STALL_NS - 1
    more = bench.client()
    assert more.recv(1 << 16).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert not any(map(bench.closed, first))
    assert bench.requests == []


def test_who_has_an_answer_makes_room_and_keeps_it(bench):
    answered = [bench.client(GET) for _ in range(MOST)]
    for _ in range(TURNS):
        bench._server.turn(0)
    assert len(bench.requests) == MOST

    more = [bench.client(GET) for _ in range(MOST)]
    for client in [*more, *answered]:
        assert bench.received(client).endswith(b"metric 1\n")


def test_the_one_that_got_on_with_nothing_for_longest_goes(bench):
    clients = [bench.client() for _ in range(MOST)]
    bench.now_ns = STALL_NS
    clients[0].send(b"GET")
    bench.turn()  # for which one that stalls has gone
    assert bench.received(bench.client(GET)).endswith(b"metric 1\n")
    assert not bench.closed(clients[0])
    assert bench.closed(clients[1]) and not bench.closed(clients[-1])


def test_a_client_that_has_asked_is_answered_before_room_is_made(bench):
    """They come in one turn: it is full, and the oldest has just sent its request."""
    clients = [bench.client() for _ in range(MOST)]
    bench.now_ns = 2 * STALL_NS
    clients[0].send(GET)
    bench.client()
    assert bench.received(clients[0]).endswith(b"metric 1\n")


def out_of_files(monkeypatch, reason):
    """From now on nothing can be accepted; the pauses that were made."""

    def accept(_):
        raise OSError(reason, os.strerror(reason))

    pauses = []
    monkeypatch.setattr(socket.socket, "accept", accept)
    monkeypatch.setattr(server.clock, "sleep_until", pauses.append)
    return pauses


@pytest.mark.parametrize("reason", [errno.EMFILE, errno.ENFILE])
def test_without_a_file_for_a_client_the_oldest_that_is_idle_goes(bench, monkeypatch, reason):
    idle = [bench.client() for _ in range(3)]
    with monkeypatch.context() as patch:
        pauses = out_of_files(patch, reason)
        waiting = bench.client(GET)

    assert [bench.closed(client) for client in idle] == [True, False, False]
    assert pauses == []
    assert bench.received(waiting).endswith(b"metric 1\n")


def test_without_a_file_and_without_a_client_it_does_not_spin(bench, monkeypatch):
    with monkeypatch.context() as patch:
        pauses = out_of_files(patch, errno.EMFILE)
        waiting = bench.client(GET)

    assert len(pauses) == 1
    assert bench.received(waiting).endswith(b"metric 1\n")


def test_clients_leave_files_for_the_scrape(bench, monkeypatch):
    idle = [bench.client() for _ in range(3)]
    most = idle[-1].fileno() + SPARE_FILES  # not the highest: one far above may be inherited
    monkeypatch.setattr(server.resource, "getrlimit", lambda _: (most, most))
    bench.now_ns = STALL_NS
    idle += [bench.client() for _ in range(20)]

    assert bench.closed(idle[0])
    assert bench.open_connections < len(idle) - 10
    bench.now_ns = 2 * STALL_NS
    assert bench.received(bench.client(GET)).endswith(b"metric 1\n")


def test_client_being_answered_keeps_its_place_before_the_idle(bench):
    bench.body = b"x" * 8_000_000
    slow = bench.client(GET)
    bench.turn()
    for _ in range(2 * MOST):
        bench.client()

    assert len(bench.received(slow)) > len(bench.body)


def test_clients_that_never_read_do_not_stop_a_scrape(bench):
    bench.body = b"x" * 8_000_000
    stuck = [bench.client(GET, SO_RCVBUF=4096) for _ in range(MOST)]
    bench.turn()
    bench.now_ns = STALL_NS

    assert len(bench.received(bench.client(GET))) > len(bench.body)
    assert len(stuck) == MOST


@pytest.mark.parametrize("sent", [b"", b"GET /met", GET], ids=["idle", "half", "does not read"])
def test_no_client_stays_beyond_its_deadline(bench, sent):
    bench.body = b"x" * 8_000_000
    client = bench.client(sent, SO_RCVBUF=4096)
    bench.turn()
    bench.now_ns = DEADLINE_NS - 1
    early = bench.client()
    bench.turn()
    assert bench.open_connections == 2

    bench.now_ns = DEADLINE_NS
    bench.turn()

    assert bench.open_connections == 1
    assert not bench.closed(early)
    client.close()


def test_slow_loris_has_no_longer_than_others(bench):
    client = bench.client(b"GET / HTTP/1.1\r\n")
    for second in range(10):
        bench.now_ns = second * DEADLINE_NS // 10
        client.send(b"X: y\r\n")
        bench.turn()
    bench.now_ns = DEADLINE_NS
    bench.turn()

    assert bench.closed(client)


def test_client_that_resets_its_connection_is_forgotten(bench):
    client = bench.client()
    linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # struct linger {1, 0}: close is a reset
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    client.close()
    bench.turn()

    assert bench.open_connections == 0
    assert bench.received(bench.client(GET))


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_nothing_stays_open_after_the_server():
    before = open_files()
    with contextlib.ExitStack() as cleanup:
        bench = Bench(cleanup)
        bench.received(bench.client(GET))
        bench.client()

    assert open_files() == before
