"""What bpf/trace.c reports: struct slow_event."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from irqwatch.model.slow_event import KINDS, SlowEvent
from irqwatch.model.snapshot import SOFTIRQ_VECTORS
from irqwatch.source import abi

RECORD = "=QQQQQIIIIQ16s64s32s"


@dataclass(frozen=True, slots=True)
class LineName:
    """What the host says of a line: its actions, and the device they are of."""

    action: str
    device: str


NOT_LISTED = LineName("", "")


def event(record: bytes, lines: Mapping[int, LineName], wall_offset_ns: int) -> SlowEvent:
    """``lines`` by irq; ``wall_offset_ns`` is wall time less CLOCK_MONOTONIC."""
    (at_ns, ns, action, irq, waited_ns, kind, cpu, pid, softirq, waiting, comm, name, workqueue) = (
        struct.unpack(RECORD, record)
    )
    of_kind = KINDS[kind]
    vector = SOFTIRQ_VECTORS[softirq] if softirq < len(SOFTIRQ_VECTORS) else ""
    own_name = abi.text(name)
    line = lines.get(irq, NOT_LISTED) if action else NOT_LISTED
    cause = _cause(action, irq, own_name if of_kind == "hardirq" else line.action)
    return SlowEvent(
        kind=of_kind,
        name=_name(of_kind, own_name, vector, cause),
        cpu=cpu,
        ns=ns,
        at_ns=at_ns,
        wall_ns=at_ns + wall_offset_ns,
        pid=pid,
        comm=abi.text(comm),
        irq=irq if action else None,
        cause=cause,
        device=line.device,
        interrupted=vector if of_kind in ("hardirq", "vector") else "",
        workqueue=abi.text(workqueue),
        waiting=tuple(v for bit, v in enumerate(SOFTIRQ_VECTORS) if waiting >> bit & 1),
        waited_ns=waited_ns,
    )


def _cause(action: int, irq: int, action_name: str) -> str:
    if not action and not irq:
        return ""
    return abi.vector(action, irq, "") or action_name or "?"


def _name(kind: str, own_name: str, vector: str, cause: str) -> str:
    if kind in ("softirq", "softirq wait"):
        return vector
    return own_name or cause
