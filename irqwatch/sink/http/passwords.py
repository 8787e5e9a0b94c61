"""Basic authentication (RFC 7617) against bcrypt hashes, which take a tenth of a second each: in a
thread of its own, for a fifth of its time, so that who guesses passwords neither stops scrapes nor
takes a CPU."""

import base64
import binascii
import hashlib
import queue
import secrets
import threading
from collections.abc import Callable

from irqwatch import clock

MOST_WAITING = 8
MOST_KEPT = 64
REST = 4  # for each second of work
BCRYPT_BYTES = 72  # what bcrypt looks at of a password


def credentials(authorization: str) -> tuple[str, bytes] | None:
    """Name and password of the header; None where it is not of this scheme."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else None
    except (binascii.Error, ValueError):
        return None


class Busy(Exception):
    """More wait for the check of a password than may."""


class Passwords:
    """``is_right(password, hash)`` is bcrypt's; ``wake`` is called when one was checked."""

    def __init__(
        self,
        is_right: Callable[[bytes, bytes], bool],
        wake: Callable[[], None],
        now_ns: Callable[[], int] = clock.monotonic_ns,
        sleep_until: Callable[[int], None] = clock.sleep_until,
    ) -> None:
        self._is_right = is_right
        self._wake = wake
        self._now_ns = now_ns
        self._sleep_until = sleep_until
        self._key = secrets.token_bytes(32)  # what was checked is kept as digests of this process
        # Apart, so that no number of wrong ones makes a right one be checked again.
        self._right: dict[bytes, None] = {}
        self._wrong: dict[bytes, None] = {}
        self._waiting: set[bytes] = set()
        self._asked: queue.SimpleQueue[tuple[bytes, bytes, bytes]] = queue.SimpleQueue()
        threading.Thread(target=self._work, name="passwords", daemon=True).start()

    def verdict(self, password: bytes, hashed: bytes) -> bool | None:
        """Whether it is right; None where that is not known yet: ask again when woken. Raises
        Busy."""
        digest = hashlib.blake2b(hashed + b"\0" + password, key=self._key).digest()
        if digest in self._right:
            return True
        if digest in self._wrong:
            return False
        if digest not in self._waiting:
            if len(self._waiting) >= MOST_WAITING:
                raise Busy
            self._waiting.add(digest)
            self._asked.put((digest, password, hashed))
        return None

    def _work(self) -> None:
        while True:
            digest, password, hashed = self._asked.get()
            began_ns = self._now_ns()
            try:
                is_right = self._is_right(password[:BCRYPT_BYTES], hashed)
            except (
                Exception
            ):  # whatever it is, this password lets nobody in, and others are checked
                is_right = False
            kept = self._right if is_right else self._wrong
            if len(kept) >= MOST_KEPT:
                kept.clear()
            kept[digest] = None
            self._waiting.discard(digest)
            ended_ns = self._now_ns()
            self._wake()
            self._sleep_until(ended_ns + REST * (ended_ns - began_ns))
