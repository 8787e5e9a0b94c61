"""/proc/net/softnet_stat (net/core/net-procfs.c, softnet_seq_show): a row for each CPU online,
columns in hexadecimal."""

from collections.abc import Collection, Iterable

from irqwatch.errors import ParseError
from irqwatch.model.snapshot import Softnet
from irqwatch.parse.numbers import hexadecimal
from irqwatch.parse.rows import complete_rows

# 3 to 7 are always zero (fastroute once), 8 is cpu_collision.
RECEIVED_RPS = 9  # with receive packet steering
FLOW_LIMIT = 10  # since 3.11
BACKLOG = 11  # since 5.10, as is the next
CPU = 12

# Linux 6.10 has 15.
_MOST_COLUMNS = 64


def parse(raw: bytes, online: Iterable[Collection[int]]) -> tuple[Softnet, ...]:
    """``online`` are the CPUs online as other files have them, for kernels that do not say whose a
    row is: the first with as many as there are rows. Raises ParseError."""
    rows = [row.split(None, _MOST_COLUMNS) for row in complete_rows(raw)[0] if row.strip()]
    if not rows:
        raise ParseError("no row of a CPU")
    if all(len(row) > CPU for row in rows):
        cpus = [hexadecimal(row[CPU]) for row in rows]
    else:
        cpus = next((sorted(one) for one in online if len(one) == len(rows)), [])
    if not cpus:
        raise ParseError(f"{len(rows)} rows, which is not the number of CPUs online")
    return tuple(_to_softnet(cpu, row) for cpu, row in zip(cpus, rows, strict=True))


def _to_softnet(cpu: int, row: list[bytes]) -> Softnet:
    if len(row) < 3:
        raise ParseError("a row has fewer than 3 columns")
    values = [hexadecimal(column) for column in row]
    optional = dict(enumerate(values))
    return Softnet(
        cpu=cpu,
        processed=values[0],
        dropped=values[1],
        time_squeeze=values[2],
        received_rps=optional.get(RECEIVED_RPS),
        flow_limit=optional.get(FLOW_LIMIT),
        backlog=optional.get(BACKLOG),
    )
