"""Passwords, and what stands before the pages."""

import base64
import threading

import pytest

from irqwatch.model.web import Web
from irqwatch.sink.http.gate import Gate
from irqwatch.sink.http.message import Request, line
from irqwatch.sink.http.passwords import MOST_KEPT, MOST_WAITING, Busy, Passwords, credentials

LIMIT_SECONDS = 200


class Checked:
    """Passwords whose hash is the password; ``wait`` waits until so many were checked."""

    def __init__(self, held=False):
        self.asked = []
        self._may = threading.Semaphore(0 if held else 10_000)
        self._done = threading.Semaphore(0)
        self.slept_ns = []
        self.passwords = Passwords(
            self._is_right, self._done.release, lambda: len(self.asked), self.slept_ns.append
        )

    def _is_right(self, password, hashed):
        assert self._may.acquire(timeout=LIMIT_SECONDS)
        self.asked.append(password)
        if password == b"\0":
            raise ValueError
        return password == hashed

    def wait(self, count=1):
        for _ in range(count):
            assert self._done.acquire(timeout=LIMIT_SECONDS)

    def let(self, count):
        for _ in range(count):
            self._may.release()


def test_a_password_is_checked_once():
    checked = Checked()
    for password, verdict in ((b"a", True), (b"b", False), (b"\0", False)):
        assert checked.passwords.verdict(password, b"a") is None
        checked.wait()
        assert checked.passwords.verdict(password, b"a") is verdict
    assert checked.asked == [b"a", b"b", b"\0"]


def test_one_that_is_right_stays_so_whatever_is_guessed():
    checked = Checked()
    assert checked.passwords.verdict(b"a", b"a") is None
    checked.wait()
    for number in range(2 * MOST_KEPT):
        assert checked.passwords.verdict(str(number).encode(), b"a") is None
        checked.wait()
    assert checked.passwords.verdict(b"a", b"a") is True
    assert len(checked.passwords._wrong) <= MOST_KEPT


def test_another_hash_is_another_question():
    checked = Checked()
    checked.passwords.verdict(b"a", b"a")
    checked.wait()
    assert checked.passwords.verdict(b"a", b"b") is None


def test_few_wait_at_once():
    checked = Checked(held=True)
    for number in range(MOST_WAITING):
        for _ in range(2):  # the same one again is no more
            assert checked.passwords.verdict(str(number).encode(), b"a") is None
    with pytest.raises(Busy):
        checked.passwords.verdict(b"one more", b"a")
    checked.let(MOST_WAITING)
    checked.wait(MOST_WAITING)
    assert checked.passwords.verdict(b"one more", b"a") is None
    checked.let(1)


def test_it_rests_four_times_as_long_as_it_works():
    checked = Checked()
    for number in range(2):  # by its clock each takes 1
        checked.passwords.verdict(str(number).encode(), b"a")
        checked.wait()
    assert checked.slept_ns[0] == 1 + 4


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("Basic " + base64.b64encode(b"a:b:c").decode(), ("a", b"b:c")),
        ("basic " + base64.b64encode(b":").decode(), ("", b"")),
        ("Basic " + base64.b64encode(b"ab").decode(), None),
        ("Basic " + base64.b64encode(b"\xff:b").decode(), None),
        ("Basic !", None),
        ("Basic \xff", None),
        ("Bearer x", None),
        ("", None),
    ],
)
def test_credentials(header, found):
    assert credentials(header) == found


def ask(gate, name=None, password="right"):
    headers = {}
    if name is not None:
        headers["authorization"] = (
            "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
        )
    return gate.answer(Request("GET", "/", "", headers))


def gate(web, checked=None):
    return Gate(lambda _: line(200, "page"), lambda: web, (checked or Checked()).passwords)


def test_without_users_all_come_in_and_headers_are_added():
    web = Web(headers=(("X-Frame-Options", "deny"), ("X-Content-Type-Options", "nosniff")))
    response = ask(gate(web))
    assert response.status == 200
    encoded = response.encode(with_body=True)
    assert encoded.count(b"\r\nX-Frame-Options: deny\r\n") == 1
    assert encoded.count(b"X-Content-Type-Options") == 1


def test_users():
    checked = Checked()
    door = gate(Web(users={"alice": b"right"}), checked)
    refused = ask(door)
    assert refused.status == 401
    assert b"\r\nWWW-Authenticate: Basic\r\n" in refused.encode(with_body=True)
    for name, password, status in (
        ("alice", "right", 200),
        ("alice", "wrong", 401),
        ("bob", "other", 401),
    ):
        assert ask(door, name, password) is None
        checked.wait()
        assert ask(door, name, password).status == status
    # The hash that stands in for who is not known lets nobody in.
    assert ask(door, "bob", "right").status == 401
    assert ask(door, "alice", "right").status == 200


def test_too_many_passwords_are_told_so():
    checked = Checked(held=True)
    door = gate(Web(users={"alice": b"right"}), checked)
    for number in range(MOST_WAITING):
        assert ask(door, "alice", str(number)) is None
    assert ask(door, "alice", "x").status == 503
    checked.let(MOST_WAITING)


def test_what_is_not_http_needs_no_password():
    assert gate(Web(users={"a": b"b"})).answer(None).status == 200
