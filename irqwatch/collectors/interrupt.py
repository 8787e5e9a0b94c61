"""What hard interrupts of lines and the architecture's own vectors share: bpf/interrupt.c and its
table.

An entry is of one action on one line, or of one vector, on one CPU. Whatever follows from an
interrupt names it by the same pair: (address of the action, irq).
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from irqwatch.base.collector import Room, Table
from irqwatch.base.follows import Follows
from irqwatch.base.reading import Reading, histogram, string
from irqwatch.base.series import OTHER, Bound, Groups, Labels
from irqwatch.base.sheet import Exporting
from irqwatch.model.histogram import Histogram
from irqwatch.model.snapshot import SOFTIRQ_VECTORS, CountAndTime, Probe, Worst

# arch/x86/include/asm/irq_vectors.h; the same from 5.10 to 7.3.
X86_VECTORS = {
    0xF4: "deferred_error_apic",
    0xF6: "irq_work",
    0xF7: "x86_platform_ipi",
    0xF9: "threshold_apic",
    0xFA: "thermal_apic",
    0xFB: "call_function_single",
    0xFC: "call_function",
    0xFD: "reschedule",
    0xFE: "error_apic",
    0xFF: "spurious_apic",
    0xEC: "local_timer",
}

# No line has this number: it stands for an IPI that came inside a line's handler (bpf/vector.c,
# arm64).
IPI_IRQ = 0xFFFFFFFF


def is_of_line(key: Any) -> bool:
    """Of a struct hardirq_key."""
    return bool(key.action) and key.irq != IPI_IRQ


TABLE = Table(
    "hardirqs",
    # A line that is moved about has an entry on each CPU it has been on; timers and IPIs, which
    # are vectors of their own on x86 and lines on arm64, are on every CPU: some six of them.
    lambda size: max(256, size.on_each_line() + max(8 * size.cpus, size.on_each_cpu(16))),
    Room.IDLE,
    is_of_line=is_of_line,
)

Actions = Mapping[tuple[int, int], str]

# A handler is that of all queues of a device.
HANDLERS_SHOWN_APART = Bound(4, 24)
HANDLERS_AT_ONCE = "of network and block devices, where the host has no more of them"


class InterruptEntry(NamedTuple):
    """One of the table. ``vector`` is None where it is of a line."""

    irq: int
    vector: str | None
    cpu: int
    name: str
    not_mine_count: int
    not_mine_ns: int
    worst: Worst | None
    handled: Histogram
    softirqs: Mapping[str, CountAndTime]


def entries(reading: Reading, *, of_lines: bool) -> Iterator[InterruptEntry]:
    """Those of lines, or those of vectors."""
    at = reading.at("hardirq")
    pairs = slice(at.softirqs.start, at.softirqs.stop)
    for key, value in reading.entries(TABLE.name):
        if of_lines != is_of_line(key):
            continue
        name = string(value, at.name)
        caused = value[pairs].tolist()
        yield InterruptEntry(
            irq=key.irq,
            vector=vector_of(key.action, key.irq, name),
            cpu=key.cpu,
            name=name,
            not_mine_count=value[at.not_mine_count],
            not_mine_ns=value[at.not_mine_ns],
            worst=reading.worst(value, at.worst, key.cpu),
            handled=histogram(value, at.handled),
            softirqs={
                softirq: CountAndTime(count, ns)
                for softirq, count, ns in zip(
                    SOFTIRQ_VECTORS, caused[::2], caused[1::2], strict=True
                )
                if count or ns
            },
        )


def vector_of(action: int, irq: int, name: str) -> str | None:
    """The name of one of the architecture's own vectors; None where the pair is of a line."""
    if irq == IPI_IRQ:
        return name
    return None if action else X86_VECTORS.get(irq, f"vector_{irq:#x}")


def action_names(reading: Reading) -> dict[tuple[int, int], str]:
    """By (action's address, irq)."""
    at = reading.at("hardirq")
    return {
        (key.action, key.irq): string(value, at.name) for key, value in reading.entries(TABLE.name)
    }


def named_cause(action: int, irq: int, actions: Actions) -> tuple[int | None, str]:
    """(irq, action) of a line, "" where it has gone; (None, vector), or (None, "") for none."""
    if not action and not irq:
        return None, ""
    vector = vector_of(action, irq, "")
    return (irq, actions.get((action, irq), "")) if vector is None else (None, vector)


def follows(
    irq: int | None, cause: str, cpu: int, softirqs: Mapping[str, CountAndTime]
) -> Iterator[Follows]:
    """The softirqs that an interrupt caused."""
    for softirq, runs in softirqs.items():
        yield Follows(irq, cause, "softirq", softirq, cpu, runs)


def handlers(
    exporting: Exporting, collector: str, called: Collection[tuple[int, str]], probe: Probe
) -> tuple[Groups, set[Labels]]:
    """Groups of the handlers of devices, and those that are shown apart from the start; ``called``
    are all (irq, action)."""
    other = (OTHER, OTHER)
    groups = exporting.groups(collector, collector, HANDLERS_SHOWN_APART, other, probe.attached_ns)
    carriers = exporting.labels.carriers
    found: set[Labels] = {
        exporting.labels.handler(*one) for one in called if exporting.device(one[0]) in carriers
    }
    return groups, found if len(found) <= groups.limit else set()
