"""The sockets that are listened on."""

import errno
import os
import socket
import subprocess
import sys

import pytest

from irqwatch.errors import IrqwatchError
from irqwatch.sink.http.listening import Tcp, Unix, inherited, listen, shown


def test_address_in_use_is_one_line():
    with listen(Tcp("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(IrqwatchError) as error:
            listen(Tcp("127.0.0.1", port))

    assert str(error.value) == (
        f"cannot listen on 127.0.0.1:{port}: {os.strerror(errno.EADDRINUSE)}"
    )


@pytest.mark.parametrize("host", ["a" * 70, "192.0.2.1"])
def test_host_that_is_not_ours_is_one_line(host):
    with pytest.raises(IrqwatchError, match=r"^cannot listen on .*: .+$"):
        listen(Tcp(host, 0))


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_without_a_host_it_is_both_kinds_of_address():
    with listen(Tcp("", 0)) as listener:
        for host in ("127.0.0.1", "::1"):
            socket.create_connection((host, listener.getsockname()[1])).close()


def connects(path):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    return True


def test_unix_socket(tmp_path):
    path = tmp_path / "socket"
    with listen(Unix(str(path))) as listener:
        assert connects(path)
        assert path.stat().st_mode & 0o777 == 0o660
        assert shown(listener) == f"unix:{path}"


def test_socket_that_is_left_over_is_taken_away_and_nothing_else_is(tmp_path):
    path = tmp_path / "socket"
    listen(Unix(str(path))).close()
    with listen(Unix(str(path))):
        assert connects(path)
        with pytest.raises(IrqwatchError, match=os.strerror(errno.EADDRINUSE)):
            listen(Unix(str(path)))
        assert connects(path)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(IrqwatchError, match=os.strerror(errno.EADDRINUSE)):
        listen(Unix(str(tmp_path / "file")))
    assert (tmp_path / "file").read_text() == "mine"


def test_path_that_is_too_long_is_one_line(tmp_path):
    with pytest.raises(IrqwatchError, match=r"^cannot listen on unix:/.*: .+$"):
        listen(Unix(f"{tmp_path}/{'x' * 200}"))


HANDED_OVER = """
import os, socket, sys
from irqwatch.sink.http.listening import inherited, shown
os.environ["LISTEN_PID"] = str(os.getpid())
(listener,) = inherited(os.environ, os.getpid())
print(shown(listener), os.get_inheritable(listener.fileno()))
"""


def test_socket_of_systemd():
    with listen(Tcp("127.0.0.1", 0)) as listener:
        program = f"import os; os.dup2({listener.fileno()}, 3); exec({HANDED_OVER!r})"
        done = subprocess.run(
            [sys.executable, "-c", program],
            pass_fds=[listener.fileno()],
            env={**os.environ, "LISTEN_FDS": "1"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == f"{shown(listener)} False\n"


@pytest.mark.parametrize(
    "environment",
    [{}, {"LISTEN_FDS": "1"}, {"LISTEN_FDS": "1", "LISTEN_PID": "8"},
     {"LISTEN_FDS": "0", "LISTEN_PID": "7"}, {"LISTEN_FDS": "x", "LISTEN_PID": "7"}],
)  # fmt: skip
def test_without_a_socket_of_systemd_it_is_said(environment):
    with pytest.raises(IrqwatchError, match="systemd hands over no socket"):
        inherited(environment, 7)
