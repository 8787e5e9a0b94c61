"""Addresses and the sockets that listen on them: TCP, a Unix socket, or those that systemd hands
over (sd_listen_fds(3))."""

import errno
import os
import socket
import stat
from collections.abc import Mapping
from dataclasses import dataclass

from irqwatch.errors import IrqwatchError, UsageError

UNIX = "unix:"
FIRST_INHERITED = 3  # SD_LISTEN_FDS_START
BACKLOG = 1024
# Of a Unix socket: for its user and group.
UMASK = 0o117


@dataclass(frozen=True, slots=True)
class Tcp:
    host: str  # "" is every address
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Unix:
    path: str

    def __str__(self) -> str:
        return UNIX + self.path


Address = Tcp | Unix


def parse_address(text: str) -> Address:
    """Of "host:port", "[::1]:port", ":port" or "unix:/path". Raises UsageError."""
    if text.startswith(UNIX + "/"):
        return Unix(text.removeprefix(UNIX))
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    valid = colon and port.isascii() and port.isdigit() and int(port) < 1 << 16
    if not valid or (":" in host and not bracketed):
        raise UsageError(
            f"{text!r} is not an address: give host:port, [::1]:port, :port or unix:/path"
        )
    return Tcp(host[1:-1] if bracketed else host, int(port))


def listen(address: Address) -> socket.socket:
    """A listening socket; without a host one of IPv6 and IPv4. Raises IrqwatchError."""
    try:
        if isinstance(address, Unix):
            return _listen_unix(address.path)
        return _listen_tcp(address.host, address.port)
    except (OSError, UnicodeError) as error:
        # create_server puts the address into strerror too, so the text is of the number.
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        raise IrqwatchError(f"cannot listen on {address}: {reason}") from None


def _listen_tcp(host: str, port: int) -> socket.socket:
    if not host and socket.has_dualstack_ipv6():
        return socket.create_server(
            ("", port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True
        )
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    return socket.create_server((str(address[0]), port), family=family, backlog=BACKLOG)


def _listen_unix(path: str) -> socket.socket:
    """One that is left of a server that is gone is taken away first."""
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(UMASK)
    try:
        try:
            listener.bind(path)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or not _is_left_over(path):
                raise
            os.unlink(path)  # noqa: PTH108 (sinks have no Path)
            listener.bind(path)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener


def _is_left_over(path: str) -> bool:
    """Whether it is a socket that nobody listens on any more."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
        except OSError as error:
            return error.errno == errno.ECONNREFUSED and stat.S_ISSOCK(os.lstat(path).st_mode)
    return False


def inherited(environment: Mapping[str, str], pid: int) -> list[socket.socket]:
    """Those that systemd hands over. Raises IrqwatchError where it does not."""
    count = environment.get("LISTEN_FDS", "")
    if environment.get("LISTEN_PID") != str(pid) or not count.isdecimal() or not int(count):
        raise IrqwatchError("systemd hands over no socket: is there an irqwatch.socket?")
    listeners = []
    for fd in range(FIRST_INHERITED, FIRST_INHERITED + int(count)):
        try:
            listener = socket.socket(fileno=fd)
        except OSError as error:
            raise IrqwatchError(f"descriptor {fd} of systemd: {error.strerror}") from None
        os.set_inheritable(fd, False)
        listeners.append(listener)
    return listeners


def shown(listener: socket.socket) -> str:
    """The address it listens on."""
    address = listener.getsockname()
    if isinstance(address, tuple):
        return str(Tcp(*address[:2]))
    return str(Unix(os.fsdecode(address)))
