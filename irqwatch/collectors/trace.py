"""Single events that took long, as `irqwatch trace` lists them: bpf/trace.c. The programs of the
other collectors report them, with one comparison more each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from irqwatch.base.collector import Collector, Field, Probed
from irqwatch.base.layout import Layouts
from irqwatch.base.reading import text, unnamed
from irqwatch.collectors import hardirq, vector
from irqwatch.collectors.interrupt import vector_of
from irqwatch.model.slow_event import SlowEvent
from irqwatch.model.snapshot import SOFTIRQ_VECTORS

EVENTS = "slow_events"
DROPS = "slow_drops"


@dataclass(frozen=True, slots=True)
class LineName:
    """What the host says of a line: its actions, and the device they are of."""

    action: str
    device: str


NOT_LISTED = LineName("", "")

INTERRUPT_KINDS = (*hardirq.COLLECTOR.slow_kinds, *vector.COLLECTOR.slow_kinds)


def macro(kind: str) -> str:
    """The constant of bpf/trace.c for a kind of event: SLOW_WORK_WAIT of "work wait"."""
    return "SLOW_" + kind.upper().replace(" ", "_")


class Decoder:
    """Reads struct slow_event."""

    def __init__(self, layouts: Layouts) -> None:
        self._unpack = layouts.unpack_key("struct slow_event")
        names = layouts.enum("slow_kind")
        self._kinds = [name.removeprefix("SLOW_").lower().replace("_", " ") for name in names]

    def unnamed(self, record: bytes) -> int | None:
        """The address of its function, where the kernel could not name that."""
        return unnamed(self._unpack(record).name)

    def event(
        self,
        record: bytes,
        lines: Mapping[int, LineName],
        wall_offset_ns: int,
        function: str = "",
    ) -> SlowEvent:
        """``lines`` by irq; ``wall_offset_ns`` is wall time less CLOCK_MONOTONIC; ``function`` is
        the name of the address that ``unnamed`` has."""
        raw = self._unpack(record)
        if function:
            raw = raw._replace(name=function.encode())
        return _event(raw, self._kinds[raw.kind], lines, wall_offset_ns)


def _event(raw: Any, kind: str, lines: Mapping[int, LineName], wall_offset_ns: int) -> SlowEvent:
    action, irq = raw.cause_action, raw.cause_irq
    softirq = SOFTIRQ_VECTORS[raw.softirq] if raw.softirq < len(SOFTIRQ_VECTORS) else ""
    of_softirq = kind.partition(" ")[0] == "softirq"
    is_interrupt = kind in INTERRUPT_KINDS
    own_name = text(raw.name)
    line = lines.get(irq, NOT_LISTED) if action else NOT_LISTED
    own_action = own_name if is_interrupt and action else line.action
    cause = _cause(action, irq, own_action)
    return SlowEvent(
        kind=kind,
        name=softirq if of_softirq else own_name or cause,
        cpu=raw.cpu,
        ns=raw.ns,
        at_ns=raw.at_ns,
        wall_ns=raw.at_ns + wall_offset_ns,
        pid=raw.pid,
        comm=text(raw.comm),
        irq=irq if action else None,
        cause=cause,
        is_interrupt=is_interrupt,
        device=line.device,
        interrupted=softirq if is_interrupt else "",
        workqueue=text(raw.workqueue),
        waiting=tuple(v for bit, v in enumerate(SOFTIRQ_VECTORS) if raw.waiting >> bit & 1),
        waited_ns=raw.waited_ns,
    )


def _cause(action: int, irq: int, action_name: str) -> str:
    if not action and not irq:
        return ""
    return vector_of(action, irq, "") or action_name or "?"


COLLECTOR = Collector(
    name="trace",
    what="single events",
    is_hidden=True,
    probed=Probed(
        file=None,
        fields=(Field("hrtimer", "function", ("function *",)),),
        formats=("slow_format",),
        others=(EVENTS, DROPS),
        losses_in=None,
    ),
)
