"""Figures as the advice writes them, in ASCII."""

from collections.abc import Collection, Iterable

from irqwatch.cells import cpu_list as cpus
from irqwatch.model.evidence import NamedLine

__all__ = ["counted", "cpus", "line", "lines", "load", "mask", "seconds", "share", "some"]


def share(value: float) -> str:
    return f"{100 * value:.1f}%"


def load(value: float | None, weighed_by: str) -> str:
    """A share of a CPU, or interrupts per second where nothing was timed."""
    if value is None:
        return "not known"
    return share(value) if weighed_by == "time" else f"{value:.0f}/s"


def counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def seconds(value: float) -> str:
    for scale, unit in ((1e-6, "us"), (1e-3, "ms")):
        if value < 1000 * scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value:.3g} s"


def mask(numbers: Iterable[int]) -> str:
    """As the kernel takes one: groups of 32 bits in hexadecimal, the highest first."""
    bits = sum(1 << cpu for cpu in set(numbers))
    groups = [f"{bits & 0xFFFFFFFF:x}"]
    while bits := bits >> 32:
        groups[-1] = groups[-1].zfill(8)
        groups.append(f"{bits & 0xFFFFFFFF:x}")
    return ",".join(reversed(groups))


def some(listed: Collection[int | str]) -> str:
    """At most eight of them, as words."""
    more = f" and {len(listed) - 8} more" if len(listed) > 8 else ""
    return ", ".join(map(str, list(listed)[:8])) + more


def line(one: NamedLine) -> str:
    """ "24 (eth0-TxRx-0)"."""
    return f"{one.irq} ({one.name})"


def lines(listed: Iterable[NamedLine]) -> str:
    return some([line(one) for one in listed])
