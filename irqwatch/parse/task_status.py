"""/proc/PID/status: as whom a task writes files (fs/proc/array.c, task_state)."""

from irqwatch.errors import ParseError
from irqwatch.parse import numbers


def fs_uid(raw: bytes) -> int:
    """The last of "Uid:", after the real, effective and saved one. Raises ParseError."""
    for line in raw.splitlines():
        key, *uids = line.split()
        if key == b"Uid:" and len(uids) == 4:
            return numbers.decimal(uids[3])
    raise ParseError("not the status of a task")
