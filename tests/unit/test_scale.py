"""Hosts of up to 1,024 CPUs: the fixtures are what they say, and every step works on them."""

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path

import pytest

from irqwatch.cells import text_of
from irqwatch.derive.coverage import coverage_by
from irqwatch.derive.interval import between
from irqwatch.derive.view import derive
from irqwatch.model.snapshot import Snapshot
from irqwatch.sink.prometheus import Exporter
from irqwatch.sink.top import frame
from irqwatch.sink.top.state import State
from irqwatch.sink.view_json import to_json
from irqwatch.source.host import HostReader
from tests.scale import SIZES, ProbeMaps, Size, snapshots, tree

REPOSITORY = Path(__file__).parents[2]
COLLECTORS = frozenset({"hardirq", "softirq", "work"})
SAMPLES_AT_256_CPUS = 3_000


@cache
def pair(cpus: int) -> tuple[Snapshot, Snapshot]:
    """Two snapshots of a host, a second apart."""
    first, second = islice(snapshots(SIZES[cpus]), 2)
    return first, second


def test_one_seed_makes_one_host() -> None:
    size = Size(cpus=16, lines=60, nodes=2)

    def series(seed: int) -> list[Snapshot]:
        return list(islice(snapshots(size, seed), 3))

    assert series(7) == series(7)
    assert series(7) != series(8)


@pytest.mark.parametrize("size", SIZES.values(), ids=str)
def test_a_host_is_as_large_as_asked(size: Size) -> None:
    snapshot = pair(size.cpus)[0]
    assert len(snapshot.topology.online) == size.cpus
    assert len([line for line in snapshot.lines if line.irq is not None]) == size.lines
    assert {cpu.node for cpu in snapshot.topology.cpus.values()} == set(range(size.nodes))
    assert snapshot.probe
    assert {part.cpu for part in snapshot.probe.parts["softirqs"]} == set(range(size.cpus))
    assert len(snapshot.probe.parts["hardirqs"]) > size.lines / 2


PRINT_A_VIEW = """
from itertools import islice
from irqwatch.derive.view import derive
from irqwatch.sink.view_json import to_json
from tests.scale import SIZES, snapshots
first, second = islice(snapshots(SIZES[2]), 2)
print(to_json(derive(second, first)), end="")
"""


def test_another_process_makes_the_same_host() -> None:
    """One whose strings hash otherwise."""
    first, second = pair(2)
    there = subprocess.run(
        [sys.executable, "-c", PRINT_A_VIEW],
        env={**os.environ, "PYTHONHASHSEED": "77"},
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert there.stdout == to_json(derive(second, first))


def host_parts(snapshot: Snapshot) -> Snapshot:
    """Without what is not read from files."""
    return replace(snapshot, monotonic_ns=0, wall_ns=0, probe=None)


@pytest.mark.parametrize("cpus", [2, 64, 256])
def test_the_tree_reads_as_the_snapshot_it_was_made_of(cpus: int) -> None:
    made = pair(cpus)[1]
    with tree(made) as root:
        reader = HostReader(root)
        reading = reader.read()
        read = Snapshot(
            schema=made.schema,
            monotonic_ns=0,
            wall_ns=0,
            host=reading.host,
            topology=reading.topology,
            lines=reading.lines,
            softirq_counts=reading.softirq_counts,
            cpu_times=reading.cpu_times,
            settings=reader.settings(reading.lines, 0, 0),
            devices=reader.devices(reading.lines, 0).devices,
            softnet=reading.softnet,
            threads=reader.threads(0),
            unavailable=reading.unavailable,
        )
    assert read == host_parts(made)


@pytest.mark.parametrize("cpus", [2, 256, 1024])
def test_the_maps_decode_to_the_probe_they_were_made_of(cpus: int) -> None:
    snapshot = pair(cpus)[1]
    assert snapshot.probe
    maps = ProbeMaps(snapshot.probe, snapshot.topology.possible)
    assert maps.reader().read() == snapshot.probe


@pytest.mark.parametrize("cpus", SIZES)
def test_the_probe_and_the_kernel_count_the_same(cpus: int) -> None:
    first, second = pair(cpus)
    assert coverage_by(between(second, first)) == {"hardirq": 1.0, "softirq": 1.0}


def samples(first: Snapshot, second: Snapshot) -> list[bytes]:
    exporter = Exporter(first, COLLECTORS, "test")
    exporter.update(second, coverage_by(between(second, first)))
    body, _ = exporter.render()
    return [line for line in body.splitlines() if not line.startswith(b"#")]


@pytest.mark.parametrize("cpus", [256, 1024])
def test_a_large_host_from_files_to_screen_and_scrape(cpus: int) -> None:
    first, second = pair(cpus)
    with tree(second) as root:
        reading = HostReader(root).read()
    assert not reading.unavailable
    second = replace(second, lines=reading.lines, cpu_times=reading.cpu_times)
    view = derive(second, first)
    shown = [text_of(line) for line in frame.lines(view, State(), 200, 60)]
    assert len(shown) <= 60
    assert any("NET_RX" in line for line in shown)
    assert '"name":"NET_RX"' in to_json(view)
    assert any(
        line.startswith(b"irqwatch_softirq_duration_seconds") for line in samples(first, second)
    )


def test_a_scrape_of_256_cpus_and_2000_lines_is_of_bounded_size() -> None:
    assert len(samples(*pair(256))) <= SAMPLES_AT_256_CPUS
