"""irqwatch on the running kernel, by its command line: true numbers, and bad luck of all kinds."""

import contextlib
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from irqwatch.parse import cpulist
from tests.e2e.serving import LIMIT_SECONDS
from tests.live import lines, load
from tests.live.agent import (
    IRQWATCH,
    count_of,
    next_frame,
    running,
    scrape,
    serving,
    total,
)
from tests.live.kernel import (
    Counts,
    Kind,
    added,
    interrupt_counts,
    interrupts_of,
    programs,
    softirq_count,
    softirqs_of,
    wait_for,
)
from tests.live.rounds import mostly
from tests.live.unseen import in_process_1

pytestmark = pytest.mark.live

CPUS = Path("/sys/devices/system/cpu")
RNG_DRIVER = Path("/sys/bus/virtio/drivers/virtio_rng")
ENDED_BY_TERM = 0
MOST_FRAMES = 15

# Where a count is not the point, so many may be missing.
FEW = 10


def watch(
    top: subprocess.Popen[str],
    make: Callable[[], None],
    kernel_count: Callable[[], int],
    of: Kind,
    **wanted: object,
) -> tuple[list[Any], Counts]:
    """What ``top`` says of one source in the frames that ``make`` falls into, and its count over
    them. At most it is what the kernel counted since before the first of them began."""
    next_frame(top)
    with in_process_1(*of) as unseen:
        before = kernel_count()
        next_frame(top)
        made_before = kernel_count()
        make()
        made = added(kernel_count(), made_before)
        parts: list[Any] = []
        for _ in range(MOST_FRAMES):
            parts += [s for s in next_frame(top)["sources"] if wanted.items() <= s.items()]
            if sum(part["count"] for part in parts) >= made:
                break
        seen = sum(part["count"] for part in parts)
        return parts, Counts(made, seen, added(kernel_count(), before), unseen())


def test_net_rx_of_300_000_packets_is_the_kernels_own_count() -> None:
    with running("top", "--json", "-d", "2") as top:

        def check() -> None:
            _, counts = watch(
                top,
                lambda: load.send_udp_packets(300_000),
                lambda: softirq_count("NET_RX"),
                softirqs_of("NET_RX"),
                name="NET_RX",
            )
            assert counts.are_right, counts
            assert counts.seen >= 300_000

        mostly(check, "top: softirqs of 300,000 packets")


@pytest.mark.parametrize("of", [lines.RNG, lines.DISK])
def test_interrupts_are_the_kernels_own_count(of: lines.Load) -> None:
    line = lines.driven_by(of)
    with running("top", "--json", "-d", "2") as top:

        def check() -> None:
            parts, counts = watch(
                top,
                lambda: line.interrupt(400),
                lambda: interrupt_counts()[line.irq],
                interrupts_of(line.irq),
                irq=line.irq,
            )
            assert counts.are_right, counts
            assert counts.seen >= 200
            for part in parts:
                assert part["name"] == line.action
                assert 0 < part["p50_s"] <= part["p99_s"] <= part["max_s"] <= part["seconds"]

        mostly(check, f"top: interrupts of {line.action}")


def wait_for_count(top: subprocess.Popen[str], name: str, least: int) -> None:
    """The events may be in a later frame than the next one, and in two."""
    counts: list[int] = []
    while sum(counts) < least:
        assert len(counts) < MOST_FRAMES, f"{name}: {counts}"
        counts.append(count_of(next_frame(top), name))


def test_two_agents_at_once_see_the_same() -> None:
    before = programs()
    with running("top", "--json", "-d", "2") as one, running("top", "--json", "-d", "2") as other:
        next_frame(one), next_frame(other)
        load.send_udp_packets(10_000)
        for top in (one, other):
            wait_for_count(top, "NET_RX", 10_000)
    wait_for(lambda: not programs() - before, "the programs to go")


@pytest.mark.parametrize("verb", [("top", "--json", "-d", "0.5"), ("top", "-b", "-d", "0.5")])
def test_top_killed_leaves_nothing(verb: tuple[str, ...]) -> None:
    before = programs()
    with running(*verb) as top:
        assert top.stdout and top.stdout.readline()
        assert programs() - before
        top.kill()
        top.wait()
        wait_for(lambda: not programs() - before, "the programs to go")


def test_serve_killed_leaves_nothing() -> None:
    before = programs()
    with serving() as (server, address):
        scrape(address)
        assert programs() - before
        server.kill()
        server.wait()
        wait_for(lambda: not programs() - before, "the programs to go")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_clean_on_a_signal(number: signal.Signals) -> None:
    before = programs()
    with serving() as (server, address):
        scrape(address)
        server.send_signal(number)
        _, errors = server.communicate(timeout=LIMIT_SECONDS)
        assert server.returncode == ENDED_BY_TERM
        assert "Traceback" not in errors
    wait_for(lambda: not programs() - before, "the programs to go")


def test_serve_runs_unprivileged() -> None:
    with serving() as (server, _):
        status = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{server.pid}/status").read_text().splitlines()
            if ":\t" in line
        )
        assert set(status["Uid"].split()) != {"0"}
        assert "0" not in status["Uid"].split()
        assert int(status["CapEff"], 16) == 0
        assert int(status["CapPrm"], 16) == 0


def test_serve_counts_what_the_kernel_counts() -> None:
    with serving() as (_, address):
        before = scrape(address)
        load.send_udp_packets(20_000)
        after = scrape(address)

        def added(metric: str) -> float:
            return total(after, metric, vector="NET_RX") - total(before, metric, vector="NET_RX")

        assert added("irqwatch_softirq_duration_seconds_count") >= 20_000 - FEW
        assert added("irqwatch_softirq_latency_seconds_count") >= 20_000 - FEW
        assert added("irqwatch_softirqs_total") >= 20_000


@contextlib.contextmanager
def offline(cpu: int) -> Iterator[None]:
    switch = CPUS / f"cpu{cpu}" / "online"
    switch.write_text("0")
    try:
        yield
    finally:
        switch.write_text("1")


def online() -> list[int]:
    return sorted(cpulist.parse((CPUS / "online").read_bytes()))


def shown(top: subprocess.Popen[str]) -> list[int]:
    return [cpu["cpu"] for cpu in next_frame(top)["cpus"]]


def test_a_cpu_goes_offline_and_comes_back() -> None:
    every = online()
    cpu = every[-1]
    if len(every) < 2 or not (CPUS / f"cpu{cpu}" / "online").exists():
        pytest.skip(f"a CPU that can be taken offline is wanted; online are {every}")
    with running("top", "--json", "-d", "0.5") as top, serving() as (_, address):
        assert shown(top) == every
        scrape(address)
        with offline(cpu):
            wait_for(lambda: shown(top) == every[:-1], f"CPU {cpu} to go")
            assert total(scrape(address), "irqwatch_softirqs_total")
        wait_for(lambda: shown(top) == every, f"CPU {cpu} to be back")
        frame = next_frame(top)
        # Not exactly 1 at most: the kernel's counts are read a moment after the clock.
        assert all(
            share is None or 0 <= share <= 1.5
            for cpu in frame["cpus"]
            for share in (cpu["hardirq"], cpu["softirq"], cpu["idle"])
        )
        assert total(scrape(address), "irqwatch_cpu_interrupt_seconds_total", cpu=str(cpu))


def line_of_rng() -> int:
    """Of a driver that can be taken off its device and put back, without harm to anybody."""
    if not RNG_DRIVER.is_dir():
        pytest.skip(f"the driver of virtio-rng is wanted: there is no {RNG_DRIVER}")
    return lines.driven_by(lines.RNG).irq


@contextlib.contextmanager
def rng_unbound() -> Iterator[None]:
    device = next(path.name for path in RNG_DRIVER.iterdir() if path.name.startswith("virtio"))
    (RNG_DRIVER / "unbind").write_text(device)
    try:
        yield
    finally:
        (RNG_DRIVER / "bind").write_text(device)


# Each handler is shown apart, whatever time it takes.
ALL_HANDLERS = "--collector.hardirq.include="


def seen_of(address: str, irq: int) -> float:
    """How many interrupts of its handler were timed."""
    samples = scrape(address)  # fails on a series that is there twice
    info = next(
        name
        for name in samples
        if name.startswith("irqwatch_interrupt_info{") and f'interrupt="{irq}"' in name
    )
    labels = dict(re.findall(r'(device|action)="([^"]*)"', info))
    return total(samples, "irqwatch_hardirq_duration_seconds_count", **labels)


def test_a_line_vanishes_and_its_number_comes_back() -> None:
    irq = line_of_rng()
    with running("top", "--json", "-d", "0.5") as top, serving(ALL_HANDLERS) as (_, address):
        next_frame(top)
        load.read_hwrng(100)
        before = seen_of(address, irq)
        assert before >= 90
        with rng_unbound():
            scrape(address)  # here the agent learns that the line is gone
            next_frame(top), next_frame(top)
        load.read_hwrng(50)
        wait_for(lambda: next_frame(top)["sources"], "a frame")
        counted = interrupt_counts()[irq]  # from zero again: it is a new line
        seen = seen_of(address, irq) - before
        assert 50 <= counted < 100
        assert counted - FEW <= seen <= interrupt_counts()[irq] + FEW
        assert top.poll() is None


def test_a_line_that_comes_back_unseen_is_counted_once() -> None:
    """Freed and set up again between two scrapes: a new struct irqaction under the old name."""
    irq = line_of_rng()
    with serving(ALL_HANDLERS) as (_, address):
        load.read_hwrng(20)
        scrape(address)
        with rng_unbound():
            pass
        load.read_hwrng(20)
        assert seen_of(address, irq) >= 2 * 20 - FEW


def test_without_privilege_top_says_so_and_counts() -> None:
    process = subprocess.run(
        [
            "setpriv", "--bounding-set=-all", "--inh-caps=-all", "--",
            IRQWATCH, "top", "--json", "-n", "1", "-d", "0.5",
        ],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        timeout=LIMIT_SECONDS,
    )  # fmt: skip
    assert '"part": "probe"' in process.stdout or '"part":"probe"' in process.stdout
    assert '"seconds": null' in process.stdout or '"seconds":null' in process.stdout
