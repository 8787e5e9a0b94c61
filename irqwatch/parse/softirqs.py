"""/proc/softirqs (fs/proc/softirqs.c). Its columns are the possible CPUs, not those online."""

from irqwatch.errors import ParseError
from irqwatch.model.snapshot import CpuCounts
from irqwatch.parse.cpu_columns import nonzero_counts, parse_header
from irqwatch.parse.text import clean, complete_rows


def parse(raw: bytes) -> dict[str, CpuCounts]:
    """Vector → CPU → count (32 bits wide, wraps). Raises ParseError."""
    rows, cut = complete_rows(raw)
    cpus = parse_header(rows[0] if rows else cut)
    return dict(_parse_row(row, cpus) for row in rows[1:])


def _parse_row(row: bytes, cpus: tuple[int, ...]) -> tuple[str, CpuCounts]:
    name, colon, values = row.partition(b":")
    if not colon:
        raise ParseError(f"a row has no name: {clean(row)}")
    return clean(name.strip()), nonzero_counts(values.split(), cpus)
