"""/proc/PID/stat: what of it says how a task is scheduled (fs/proc/array.c, do_task_stat)."""

from dataclasses import dataclass

from irqwatch.errors import ParseError
from irqwatch.parse import numbers

# Of include/uapi/linux/sched.h.
SCHED_FIFO, SCHED_RR, SCHED_DEADLINE = 1, 2, 6

# proc_pid_stat(5) numbers fields from 1; the third is the first after the name.
_PARENT, _UTIME, _STIME, _CPU, _PRIORITY, _POLICY = (n - 3 for n in (4, 14, 15, 39, 40, 41))


@dataclass(frozen=True, slots=True)
class TaskStat:
    name: bytes
    parent: int
    ticks: int  # user + system
    cpu: int
    priority: int  # 1 to 99; 0 where it is not real-time, 100 for a deadline


def parse(raw: bytes) -> TaskStat:
    """Raises ParseError. The name may hold spaces and parentheses: it ends at the last one."""
    start, end = raw.find(b"("), raw.rfind(b")")
    fields = raw[end + 1 :].split()
    if start < 0 or end < start or len(fields) <= _POLICY:
        raise ParseError("not the stat of a task")
    policy = numbers.decimal(fields[_POLICY])
    is_realtime = policy in (SCHED_FIFO, SCHED_RR)
    priority = numbers.decimal(fields[_PRIORITY]) if is_realtime else 0
    return TaskStat(
        name=raw[start + 1 : end],
        parent=numbers.decimal(fields[_PARENT]),
        ticks=numbers.decimal(fields[_UTIME]) + numbers.decimal(fields[_STIME]),
        cpu=numbers.decimal(fields[_CPU]),
        priority=100 if policy == SCHED_DEADLINE else priority,
    )
