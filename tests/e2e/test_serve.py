"""``irqwatch serve`` as its users see it, without the probe: each runs for itself on any host."""

import errno
import os
import resource
import signal
import socket
import subprocess
import urllib.error

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests import open_files
from tests.e2e.prometheus import wait_for
from tests.e2e.serving import COMMAND, LIMIT_SECONDS, serving

# No collector of the probe: nothing here depends on who runs it.
PROC_ONLY = "--collector.disable-defaults"


def names(text):
    return {
        sample.name for family in text_string_to_metric_families(text) for sample in family.samples
    }


def run(*arguments):
    return subprocess.run(
        [COMMAND, "serve", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )


def test_it_says_where_it_listens_and_what_is_off():
    with serving(PROC_ONLY) as server:
        assert server.said.startswith(
            f"irqwatch: listening on {server.address}; timing nothing; off: hardirq, softirq, work"
        )


def test_scrape_gives_the_kernels_counts_and_the_process():
    with serving(PROC_ONLY) as server:
        assert {
            "irqwatch_interrupts_total",
            "irqwatch_softirqs_total",
            "irqwatch_build_info",
            "process_resident_memory_bytes",
        } <= names(server.get())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_signal_ends_it_clean_while_clients_hang(number):
    with serving(PROC_ONLY) as server:
        host, port = server.address.split(":")
        with socket.create_connection((host, int(port))) as hanging:
            hanging.send(b"GET /metrics")
            server.get()
            assert server.end(number) == (0, "")


def test_three_hundred_idle_clients_do_not_stop_a_scrape():
    open_files.allow(300)
    with serving(PROC_ONLY) as server:
        host, port = server.address.split(":")
        idle = [socket.create_connection((host, int(port))) for _ in range(300)]
        try:
            assert "irqwatch_build_info" in server.get()
        finally:
            for client in idle:
                client.close()


def scraped(server):
    """None where it is full of clients of which none has stalled for long enough to go."""
    try:
        return server.get()
    except urllib.error.HTTPError as error:
        assert error.code == 503
        return None


def test_clients_that_take_all_files_do_not_stop_a_scrape():
    def allow_few_files():
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))

    with serving(PROC_ONLY, preexec_fn=allow_few_files) as server:
        host, port = server.address.split(":")
        idle = [socket.create_connection((host, int(port))) for _ in range(64)]
        try:
            text = wait_for(lambda: scraped(server), "an answer but 503")
        finally:
            for client in idle:
                client.close()

    assert "irqwatch_softirqs_total{" in text
    assert os.strerror(errno.EMFILE) not in text


def test_several_addresses_and_a_unix_socket(tmp_path):
    path = tmp_path / "socket"
    more = ("--web.listen-address=127.0.0.1:0", f"--web.listen-address=unix:{path}")
    with serving(PROC_ONLY, *more) as server:
        addresses = (
            server.said.partition("; ")[0].removeprefix("irqwatch: listening on ").split(", ")
        )
        assert addresses[2] == f"unix:{path}"
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.send(b"GET /-/ready HTTP/1.1\r\n\r\n")
            assert client.recv(1 << 16).endswith(b"irqwatch is ready\n")
        for address in addresses[:2]:
            server.address = address
            assert server.get("/-/healthy") == "irqwatch is healthy\n"


def test_sighup_does_not_end_it():
    with serving(PROC_ONLY) as server:
        server.process.send_signal(signal.SIGHUP)
        assert server.get("/-/ready") == "irqwatch is ready\n"
        assert server.end(signal.SIGTERM) == (0, "")


def uptime_of(text):
    """What changes from one sample to the next."""
    return [line for line in text.splitlines() if "collector_duration_seconds{" in line]


def test_a_scrape_that_comes_too_soon_is_the_last_one_again():
    with serving(PROC_ONLY, "--min-interval=3600") as server:
        assert uptime_of(server.get()) == uptime_of(server.get())
    with serving(PROC_ONLY, "--min-interval=0") as server:
        assert uptime_of(server.get()) != uptime_of(server.get())


def test_a_probe_that_is_required_and_cannot_be_had_is_an_error():
    done = subprocess.run(
        [COMMAND, "serve", "--web.listen-address=127.0.0.1:0", "--require-probe", PROC_ONLY],
        capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == ("irqwatch: no probe, which --require-probe asks for: none asked for\n")


def test_path_that_is_not_utf_8(tmp_path):
    folder = tmp_path / os.fsdecode(b"\xff")
    with serving(PROC_ONLY, f"--path.procfs={folder}") as server:
        assert r"\\xff/interrupts " in server.get()


def test_host_without_anything_still_serves(tmp_path):
    with serving(f"--path.procfs={tmp_path}", f"--path.sysfs={tmp_path}") as server:
        assert "; probe: " in server.said
        assert f"; interrupts: {tmp_path}/interrupts " in server.said
        assert server.said.count("\n") == 1
        text = server.get()
        assert 'irqwatch_collector_success{collector="interrupts"} 0.0\n' in text
        assert 'irqwatch_unavailable_info{part="probe",reason="' in text
        assert server.end(signal.SIGTERM) == (0, "")


def test_other_path_of_the_metrics():
    with serving(PROC_ONLY, "--web.telemetry-path=/m") as server:
        assert "irqwatch_build_info" in server.get("/m")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            server.get("/metrics")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
@pytest.mark.parametrize("address", ["[::1]:0", ":0"])
def test_ipv6(address):
    with serving(PROC_ONLY, address=address) as server:
        assert server.address.startswith("[::")
        assert "irqwatch_build_info" in server.get()


def test_address_in_use_is_one_line():
    with serving(PROC_ONLY) as server:
        done = run(f"--web.listen-address={server.address}")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"irqwatch: cannot listen on {server.address}: Address already in use\n"


@pytest.mark.parametrize(
    "option",
    [
        "--web.listen-address=9919",
        "--web.telemetry-path=metrics",
        "--web.telemetry-path=/",
        "--collector.hardirq.include=(",
        "--collector.bogus",
    ],
)
def test_wrong_usage_is_one_line(option):
    done = run(option)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
