"""/proc/stat (fs/proc/stat.c): the rows of CPUs.

``psutil.cpu_times(percpu=True)`` drops the CPU numbers, and only CPUs online have a row.
"""

from irqwatch.errors import ParseError
from irqwatch.model.snapshot import CpuTimes
from irqwatch.parse.numbers import decimal
from irqwatch.parse.rows import complete_rows

NS_PER_SECOND = 10**9

# The name, the times of CpuTimes, and what is left.
_COLUMNS = 9


def parse(raw: bytes, ticks_per_second: int) -> dict[int, CpuTimes]:
    """CPU → times since boot; ``ticks_per_second`` is sysconf(_SC_CLK_TCK). Raises ParseError."""
    times = {}
    for row in complete_rows(raw)[0]:
        if not row.startswith(b"cpu"):
            break  # the rows of CPUs come first
        name, *fields = row.split(None, _COLUMNS)
        if name != b"cpu":  # the sum of all
            times[decimal(name[3:])] = _to_times(fields, ticks_per_second)
    if not times:
        raise ParseError("no row of a CPU")
    return times


def _to_times(fields: list[bytes], ticks_per_second: int) -> CpuTimes:
    """The fields are in CpuTimes' own order; guest times follow and are part of user and nice."""
    if len(fields) < 8:
        raise ParseError("a CPU has fewer than 8 times")
    return CpuTimes(*(decimal(f) * NS_PER_SECOND // ticks_per_second for f in fields[:8]))
