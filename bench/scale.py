"""How irqwatch's own work grows with the host: fixtures of 2 to 1,024 CPUs, and each step from
bytes to screen and scrape on them. ``python bench/scale.py`` prints these rows alone.

CPU time of this thread, the median of ``RUNS``. The files are in memory: what the kernel takes to
print a real /proc comes on top. How a figure grows is the exponent of CPUs times lines, which is
how many numbers /proc/interrupts holds: 1 is in proportion to it, less is better.
"""

import io
import itertools
import pickle
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from math import log
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.row import Row, table
from irqwatch.derive.coverage import coverage_by, of_coverage
from irqwatch.derive.interval import between
from irqwatch.derive.view import derive
from irqwatch.model.snapshot import Snapshot
from irqwatch.record.recorder import Recorder
from irqwatch.sink.prometheus import Exporter
from irqwatch.sink.top import frame
from irqwatch.sink.top.state import State
from irqwatch.sink.view_json import to_json
from irqwatch.source.host import HostReader
from irqwatch.source.root import Root
from tests.scale import SIZES, ProbeMaps, Size, snapshots, tree

RUNS = 7
SCREEN = (200, 60)
MS = 1e3
KB = 1e3
MB = 1e6

# By the number of CPUs.
BUDGETS = {
    2: {"a change as text": 20.0},
    256: {"read and parse": 64.0, "whole scrape": 200.0, "samples of a scrape": 3_000.0},
}

Figure = tuple[str, float, str]  # what, how much, unit


def cpu_ms(step: Callable[[], object]) -> float:
    times = []
    for _ in range(RUNS):
        start = time.thread_time()
        step()
        times.append(time.thread_time() - start)
    return statistics.median(times) * MS


def reading(root: Root) -> Iterator[Figure]:
    """What ``serve`` reads at each scrape, then what only other verbs read, or only at times."""
    reader = HostReader(root)
    lines = reader.read().lines
    now_ns = itertools.count()

    def read() -> None:
        reading = reader.read()
        reader.devices(reading.lines, 0)
        reader.threads(0)

    read()
    yield "read and parse", cpu_ms(read), "ms"
    yield "read the first time", cpu_ms(lambda: first_read(root)), "ms"
    yield "read /proc/irq", cpu_ms(lambda: reader.settings(lines, next(now_ns), 0)), "ms"


def first_read(root: Root) -> None:
    reader = HostReader(root)
    lines = reader.read().lines
    reader.devices(lines, 0)
    reader.threads(0)


def decoding(snapshot: Snapshot) -> Iterator[Figure]:
    assert snapshot.probe
    maps = ProbeMaps(snapshot.probe, snapshot.topology.possible)
    yield "decode the probe's maps", cpu_ms(lambda: maps.reader().read()), "ms"


def showing(previous: Snapshot, current: Snapshot) -> Iterator[Figure]:
    view = derive(current, previous)
    yield "derive", cpu_ms(lambda: derive(current, previous)), "ms"
    yield "top, a frame", cpu_ms(lambda: frame.lines(view, State(), *SCREEN)), "ms"
    yield "top, JSON", cpu_ms(lambda: to_json(view)), "ms"


def scraping(series: list[Snapshot]) -> Iterator[Figure]:
    first, *rest = series
    exporter = Exporter(first, frozenset({"hardirq", "softirq", "work"}), "bench")
    before = iter(series)
    after = iter(rest)
    bodies = []

    def render() -> None:
        current = next(after)
        coverage = coverage_by(between(of_coverage(current), of_coverage(next(before))))
        exporter.update(current, coverage)
        bodies.append(exporter.render()[0])

    yield "render for Prometheus", cpu_ms(render), "ms"
    samples = sum(not line.startswith(b"#") for line in bodies[-1].splitlines())
    yield "samples of a scrape", samples, ""
    yield "bytes of a scrape", len(bodies[-1]) / KB, "KB"


def recording(series: list[Snapshot]) -> Iterator[Figure]:
    stream = io.BytesIO()
    recorder = Recorder(stream)
    start = time.thread_time()
    recorder.add(series[0])
    yield "record, first sample", (time.thread_time() - start) * MS, "ms"
    whole = recorder.text_bytes, recorder.bytes
    yield "first sample as text", whole[0] / KB, "KB"
    rest = iter(series[1:])
    yield "record, a change", cpu_ms(lambda: recorder.add(next(rest))), "ms"
    changes = recorder.samples - 1
    yield "a change as text", (recorder.text_bytes - whole[0]) / changes / KB, "KB"
    yield "a change in the file", (recorder.bytes - whole[1]) / changes / KB, "KB"


def holding(series: list[Snapshot]) -> Iterator[Figure]:
    """Python's own memory; what the two share (topology, names of devices) is counted once."""
    pickled = pickle.dumps(series[:2])
    tracemalloc.start()
    held = pickle.loads(pickled)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(held) == 2
    yield "two snapshots in memory", size / MB, "MB"


def figures(size: Size) -> Iterator[Figure]:
    series = list(itertools.islice(snapshots(size), RUNS + 1))
    with tree(series[0]) as root:
        read = list(reading(root))
    rest = [*decoding(series[0]), *showing(*series[:2]), *scraping(series)]
    yield from read
    yield from rest
    parts = ("read and parse", "decode the probe's maps", "render for Prometheus")
    yield "whole scrape", sum(value for what, value, _ in [*read, *rest] if what in parts), "ms"
    yield from recording(series)
    yield from holding(series)


def rows() -> Iterator[Row]:
    before: dict[str, float] = {}
    cells_before = 0
    for size in SIZES.values():
        now = list(figures(size))
        cells = size.cpus * size.lines
        budgets = BUDGETS.get(size.cpus, {})
        for what, value, unit in now:
            note = ""
            if before.get(what):
                exponent = log(value / before[what]) / log(cells / cells_before)
                note = f"grew with exponent {exponent:.2f}"
            yield Row(f"{size}: {what}", value, unit, budgets.get(what), note)
        before = {what: value for what, value, _ in now}
        cells_before = cells


if __name__ == "__main__":
    print(table(list(rows())))
