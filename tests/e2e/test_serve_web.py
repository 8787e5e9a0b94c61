"""``irqwatch serve`` with a web configuration: TLS, client certificates, passwords; SIGHUP."""

import base64
import contextlib
import json
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
from pathlib import Path

import bcrypt
import pytest

from tests.e2e.serving import COMMAND, LIMIT_SECONDS, serving

PROC_ONLY = "--collector.disable-defaults"

needs_openssl = pytest.mark.skipif(
    not shutil.which("openssl"), reason="openssl is not installed: no certificates"
)


@pytest.fixture
def open_path():
    """A folder that all may use: the server may become another user, whom pytest's is closed to."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o777)
        yield Path(made)


@pytest.fixture
def folder(open_path):
    """With certificates of a server and a client, each its own authority."""
    for name, san in (("server", "IP:127.0.0.1"), ("client", "DNS:prometheus")):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-subj", f"/CN={name}", "-addext", f"subjectAltName={san}",
             "-keyout", open_path / f"{name}.key", "-out", open_path / f"{name}.pem"],
            check=True, capture_output=True,
        )  # fmt: skip
        (open_path / f"{name}.key").chmod(0o644)
    return open_path


def hashed(password):
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def config(folder, *tls, users=()):
    path = folder / "web.yml"
    lines = ["tls_server_config:", "  cert_file: server.pem", "  key_file: server.key"]
    lines += [f"  {line}" for line in tls]
    if users:
        lines += ["basic_auth_users:", *(f"  {name}: {hashed(word)}" for name, word in users)]
    path.write_text("\n".join(lines))
    return f"--web.config.file={path}"


def answered(server, folder, certificate=None, **headers):
    """Status and body over TLS; raises OSError."""
    context = ssl.create_default_context(cafile=folder / "server.pem")
    if certificate:
        context.load_cert_chain(folder / f"{certificate}.pem", folder / f"{certificate}.key")
    lines = ["GET /metrics HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    with (
        connected(server) as plain,
        context.wrap_socket(
            plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False
        ) as client,
    ):
        client.sendall("\r\n".join([*lines, "", ""]).encode())
        parts = []
        while part := client.recv(1 << 16):
            parts.append(part)
    head, _, body = b"".join(parts).partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def connected(server):
    host, port = server.address.split(":")
    return socket.create_connection((host, int(port)), timeout=LIMIT_SECONDS)


def basic(name, password):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@needs_openssl
def test_tls_and_passwords_beside_clients_that_do_not_go_on(folder):
    with serving(PROC_ONLY, config(folder, users=[("alice", "pw")])) as server:
        with contextlib.ExitStack() as held:
            for sent in (b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n") * 20:
                held.enter_context(connected(server)).sendall(sent)
            assert answered(server, folder)[0] == 401
            assert answered(server, folder, Authorization=basic("alice", "no"))[0] == 401
            assert answered(server, folder, Authorization=basic("bob", "pw"))[0] == 401
            for _ in range(2):
                status, body = answered(server, folder, Authorization=basic("alice", "pw"))
                assert status == 200 and b"irqwatch_build_info" in body
        assert server.end(signal.SIGTERM) == (0, "")


@needs_openssl
@pytest.mark.parametrize("san", ["prometheus", "somebody"])
def test_client_certificates(folder, san):
    wanted = config(
        folder,
        "client_auth_type: RequireAndVerifyClientCert",
        "client_ca_file: client.pem",
        f"client_allowed_sans: [{san}]",
    )
    with serving(PROC_ONLY, wanted) as server:
        for certificate in (None, "server"):
            with pytest.raises(OSError):
                answered(server, folder, certificate)
        if san == "prometheus":
            assert answered(server, folder, "client")[0] == 200
        else:
            with pytest.raises((OSError, IndexError)):
                answered(server, folder, "client")


@needs_openssl
def test_a_bad_change_is_said_and_the_last_one_kept(folder):
    wanted = config(folder)
    with serving(PROC_ONLY, wanted, "--log.format=plain") as server:
        (folder / "web.yml").write_text("tls_server_config: 3\n")
        assert answered(server, folder)[0] == 200
        status, said = server.end(signal.SIGTERM)
    assert status == 0
    assert said.endswith(", line 1: here go lines of name: value; what it said before holds on\n")
    assert said.count("\n") == 1


def test_a_bad_one_is_refused_at_start(tmp_path):
    path = tmp_path / "web.yml"
    path.write_text("\nnosuch: 1\n")
    with (
        pytest.raises(AssertionError, match=r"web\.yml, line 2: 'nosuch' is not known here"),
        serving(PROC_ONLY, f"--web.config.file={path}"),
    ):
        pass


def test_hangup_reads_again_at_once_and_is_told_to_systemd(open_path):
    path = open_path / "web.yml"
    path.write_text("")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(open_path / "notify"))
        (open_path / "notify").chmod(0o666)
        systemd.settimeout(20)
        environment = {"NOTIFY_SOCKET": str(open_path / "notify")}
        with serving(PROC_ONLY, f"--web.config.file={path}", env=environment) as server:
            assert systemd.recv(1000).startswith(b"READY=1\n")
            server.process.send_signal(signal.SIGHUP)
            assert systemd.recv(1000).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert systemd.recv(1000).startswith(b"READY=1\n")
            assert server.end(signal.SIGTERM) == (0, f"irqwatch: {path} was read again\n")


def test_json_lines():
    process = subprocess.Popen(
        [COMMAND, "serve", PROC_ONLY, "--web.listen-address=127.0.0.1:0", "--log.format=json"],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        found = json.loads(process.stderr.readline())
    finally:
        process.kill()
        process.communicate()
    assert found["level"] == "info" and found["msg"].startswith("listening on 127.0.0.1:")
