"""/proc/softirqs (fs/proc/softirqs.c). Its columns are the possible CPUs, not those online."""

from collections.abc import Mapping
from dataclasses import dataclass

from irqwatch.base.text import clean
from irqwatch.errors import ParseError
from irqwatch.model.snapshot import CpuCounts
from irqwatch.parse.cpu_columns import nonzero_counts, parse_header
from irqwatch.parse.rows import complete_rows


@dataclass(frozen=True, slots=True)
class Softirqs:
    """Vector → CPU → count (32 bits wide, wraps), and the CPUs that there are counts of."""

    counts: Mapping[str, CpuCounts]
    cpus: frozenset[int]


def parse(raw: bytes) -> Softirqs:
    """The whole file; raises ParseError."""
    rows, cut = complete_rows(raw)
    cpus = parse_header(rows[0] if rows else cut)
    return Softirqs(dict(_parse_row(row, cpus) for row in rows[1:]), frozenset(cpus))


def _parse_row(row: bytes, cpus: tuple[int, ...]) -> tuple[str, CpuCounts]:
    name, colon, values = row.partition(b":")
    if not colon:
        raise ParseError(f"a row has no name: {clean(row)}")
    return clean(name.strip()), nonzero_counts(values.split(None, len(cpus)), cpus)
