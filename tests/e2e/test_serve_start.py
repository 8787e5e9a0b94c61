"""How ``irqwatch serve`` starts: what it gives up, and whether it needs to be heard."""

import signal
import subprocess
import time
import urllib.error
from pathlib import Path

from tests.e2e.serving import COMMAND, HTTP, LIMIT_SECONDS, free_port, serving

# No collector of the probe: nothing here depends on who runs it.
PROC_ONLY = "--collector.disable-defaults"


def wait_for_health(process, port):
    """Until it answers; fails at once when it has ended."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"it ended with {process.returncode}"
        try:
            with HTTP.open(f"http://127.0.0.1:{port}/-/healthy", timeout=LIMIT_SECONDS):
                return
        except urllib.error.URLError:
            time.sleep(0.05)
    raise AssertionError("it does not listen")


def test_it_gives_up_capabilities_whoever_runs_it():
    with serving(PROC_ONLY) as server:
        status = Path(f"/proc/{server.process.pid}/status").read_text()

    for field in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert f"{field}:\t0000000000000000\n" in status
    assert "NoNewPrivs:\t1\n" in status


def test_it_serves_where_its_line_cannot_be_written():
    port = free_port()
    with Path("/dev/full").open("w") as full:
        process = subprocess.Popen(
            [COMMAND, "serve", PROC_ONLY, f"--web.listen-address=127.0.0.1:{port}"], stderr=full
        )
    try:
        wait_for_health(process, port)
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_SECONDS) == 0
    finally:
        process.kill()
        process.wait()
