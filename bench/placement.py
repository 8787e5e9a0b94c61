"""How good placements are and what they take, over hosts made by chance: 2 to 256 CPUs, 1 to 8
nodes, 4 to 1,000 interrupts of heavy-tailed cost. ``python bench/placement.py`` prints these alone.

The gap is how far a plan is above a lower bound, which no placement may reach: it is the most that
the plan can be worse than the optimum, not how much it is. It has in it what the plan gives away
for fewer moves, and what is less than the noise of the measurement. Times are CPU time.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.row import Row, table
from irqwatch.advise.placement import Placement, Weights, place
from tests.hosts_random import RandomHost, carried_out, host

MANY = 1000
SMALL_CPUS, SMALL_INTERRUPTS = 4, 10
LARGE = 256, 1000  # CPUs, interrupts
LARGE_MANY = 10
PERCENT = 100
MS = 1e3
WEIGHTS = Weights()


def timed(of: RandomHost) -> tuple[Placement, float]:
    start = time.thread_time()
    placement = place(of.items, of.slots, of.distances, WEIGHTS)
    return placement, time.thread_time() - start


def spread(
    what: str,
    values: Sequence[float],
    unit: str,
    p95: float | None = None,
    most: float | None = None,
) -> Iterator[Row]:
    """Median, 95th percentile and worst, with the budgets of the last two."""
    known = sorted(values)
    yield Row(f"{what}, median", known[len(known) // 2], unit)
    yield Row(f"{what}, 95th percentile", known[len(known) * 95 // 100], unit, p95)
    yield Row(f"{what}, worst", known[-1], unit, most)


def settles(of: RandomHost, placement: Placement) -> bool:
    after = carried_out(of, placement, WEIGHTS)
    return not place(after.items, after.slots, after.distances, WEIGHTS).moves


def any_size(many: int) -> Iterator[Row]:
    hosts = [host(seed) for seed in range(many)]
    placements, seconds = zip(*map(timed, hosts), strict=True)
    name = f"placement, {many} hosts"
    yield from spread(f"{name}: gap", [p.gap * PERCENT for p in placements], "%", p95=5)
    yield from spread(f"{name}: time", [one * MS for one in seconds], "ms")
    yield from spread(f"{name}: moves", [len(p.moves) for p in placements], "")
    shares = [
        len(p.moves) / len(p.cpu_of) * PERCENT for p in placements if p.cpu_of
    ]  # of what may be moved
    yield from spread(f"{name}: moved of the movable", shares, "%")
    yield Row(f"{name}: nothing to move", sum(not p.moves for p in placements), "hosts")
    yield Row(f"{name}: bound known to be the optimum", sum(p.exact for p in placements), "hosts")
    unsettled = sum(not settles(*known) for known in zip(hosts, placements, strict=True))
    yield Row(f"{name}: a second plan has moves", unsettled, "hosts", 0)


def small(many: int) -> Iterator[Row]:
    sizes = [
        (seed, 2 + seed % (SMALL_CPUS - 1), 4 + seed % (SMALL_INTERRUPTS - 3))
        for seed in range(many)
    ]
    known = [timed(host(*size)) for size in sizes]
    name = f"placement, {many} of at most {SMALL_CPUS} x {SMALL_INTERRUPTS}"
    yield Row(f"{name}: not exact", sum(not p.exact for p, _ in known), "hosts", 0)
    yield Row(f"{name}: time, worst", max(seconds for _, seconds in known) * MS, "ms")


def large() -> Iterator[Row]:
    known = [timed(host(seed, *LARGE)) for seed in range(LARGE_MANY)]
    name = f"placement, {LARGE[0]} CPUs x {LARGE[1]}"
    yield from spread(f"{name}: time", [seconds for _, seconds in known], "s", most=2)
    yield Row(f"{name}: gap, worst", max(p.gap for p, _ in known) * PERCENT, "%")


def rows(many: int = MANY) -> Iterator[Row]:
    yield from any_size(many)
    yield from small(many)
    yield from large()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=MANY, help=f"how many (default {MANY})")
    print(table(list(rows(parser.parse_args().hosts))))
