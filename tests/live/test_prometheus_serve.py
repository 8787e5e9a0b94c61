"""``irqwatch serve`` with the probe on the running kernel."""

import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.serving import serving
from tests.live import load
from tests.live.kernel import counts_around, programs, softirq_count, softirqs_of, wait_for
from tests.live.rounds import mostly

pytestmark = pytest.mark.live

PACKETS = 50_000
MEMORY_BUDGET_KIB = 32 * 1024


def total(text, name, **labels):
    """The sum of a metric's samples that have the labels."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def status(process, field):
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return value.split()
    raise AssertionError(f"no {field}")


@pytest.mark.parametrize(
    "name", ["irqwatch_softirq_duration_seconds_count", "irqwatch_softirqs_total"]
)
def test_probe_and_kernel_count_the_same_packets(name):
    with serving() as server:

        def check():
            counts = counts_around(
                lambda: softirq_count("NET_RX"),
                lambda: total(server.get(), name, vector="NET_RX"),
                lambda: load.send_udp_packets(PACKETS),
                softirqs_of("NET_RX"),
            )
            assert counts.are_right, counts
            assert counts.seen >= PACKETS

        mostly(check, name)


def test_it_runs_as_nobody_without_a_capability_and_with_one_thread():
    with serving() as server:
        assert "; timing hardirq, softirq, work" in server.said
        assert set(status(server.process, "Uid")) != {"0"}
        assert status(server.process, "CapEff") == status(server.process, "CapPrm")
        assert int(status(server.process, "CapEff")[0], 16) == 0
        assert status(server.process, "Threads") == ["1"]


def test_memory_after_a_hundred_scrapes_is_within_budget():
    with serving() as server:
        for _ in range(100):
            server.get()
        resident, unit = status(server.process, "VmRSS")

    assert unit == "kB"
    assert int(resident) <= MEMORY_BUDGET_KIB


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_nothing_of_it_stays_in_the_kernel(number):
    before = programs()
    with serving() as server:
        assert programs() - before
        server.end(number)
        wait_for(lambda: not programs() - before, "the programs to go")


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_has_no_remark():
    with serving() as server:
        load.send_udp_packets(100)
        text = server.get()
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")
