"""How many samples a scrape of hosts of each size has: as it may be, and with everything happening
everywhere and taking much time, which is the most there can be. ``python bench/series.py`` prints
these rows alone. tests/unit/sink/test_prometheus_series.py holds the budgets."""

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.row import Row, table
from irqwatch.model.snapshot import Snapshot
from irqwatch.sink.prometheus import Exporter
from tests.scale import Size, snapshots
from tests.unit.sink.exported_hosts import large

COLLECTORS = frozenset({"hardirq", "softirq", "vector", "work"})

# And what they had before names were chosen by their time.
SIZES = {
    Size(2, 20, 1): (600, 1_900, 3_781),
    Size(65, 500, 2): (3_000, 4_024, 6_010),
    Size(256, 2_000, 8): (3_000, 6_667, 9_365),
    Size(1_024, 4_000, 8): (4_000, 13_567, 16_741),
}


def samples(*made: Snapshot) -> int:
    exporter = Exporter(made[0], COLLECTORS, "bench")
    bodies = []
    for one in made:
        exporter.update(one, {"hardirq": 1.0, "softirq": 1.0})
        bodies.append(exporter.render()[0])
    return sum(not line.startswith(b"#") for line in bodies[-1].splitlines())


def rows() -> Iterator[Row]:
    for size, (budget, before, most_before) in SIZES.items():
        as_it_may_be = samples(*islice(snapshots(size), 2))
        yield Row(f"{size}: samples", as_it_may_be, "", budget, f"{before:,} before")
        busy = (
            large(size.cpus, size.lines, devices=size.lines // 4, works=300, scale=scale)
            for scale in (1, 2)
        )
        yield Row(f"{size}: samples at most", samples(*busy), "", budget, f"{most_before:,} before")


if __name__ == "__main__":
    print(table(list(rows())))
