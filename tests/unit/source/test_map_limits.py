"""Room in the probe's maps, and what it takes where all of it is taken at once."""

import pytest

from irqwatch.base.layout import WORD_BYTES
from irqwatch.collectors import ALL, BY_NAME, DEFAULT_COLLECTORS
from irqwatch.source.loader import layouts, sizes

LAYOUTS = layouts(BY_NAME)

# struct htab_elem (kernel/bpf/hashtab.c), and a bucket's head for each.
ENTRY_BYTES = 48 + 16

# (lines, CPUs), and the most that default collectors may take, as megabytes.
HOSTS = [((40, 2), 4), ((300, 32), 6), ((500, 64), 8), ((2000, 256), 20)]


@pytest.mark.parametrize(("host", "most_mb"), HOSTS)
def test_what_tables_take_at_once(host: tuple[int, int], most_mb: int) -> None:
    lines, cpus = host
    limits = sizes(lines, range(cpus))
    tables = {t.name for one in ALL if one.name in DEFAULT_COLLECTORS for t in one.probed.tables}
    taken = 0
    for name in tables:
        types = LAYOUTS.maps[name]
        pair = sum(-(-LAYOUTS.size_bytes(t) // WORD_BYTES) * WORD_BYTES for t in types)
        taken += (pair + ENTRY_BYTES) * limits[f"MAX_{name.upper()}"][1]
    assert taken < most_mb * 10**6


@pytest.mark.parametrize("host", [*(host for host, _ in HOSTS), (1, 1), (20, 512), (60, 65)])
def test_each_line_and_the_vectors_of_each_cpu_have_room(host: tuple[int, int]) -> None:
    """A CPU has its timer, four kinds of IPI and an irq_work."""
    lines, cpus = host
    for limit in sizes(lines, range(cpus))["MAX_HARDIRQS"]:
        assert limit >= lines + 6 * cpus


def test_what_is_taken_at_once_is_never_more() -> None:
    for lines, cpus in ((1, 1), (40, 2), (2000, 256)):
        assert all(at_once <= later for later, at_once in sizes(lines, range(cpus)).values())
