"""Threads of interrupts as sources: one an action on a line."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from irqwatch.derive.timed import timed, with_latency
from irqwatch.model.snapshot import ThreadTime
from irqwatch.model.view import Source


def threads(
    times: Iterable[ThreadTime], devices: Mapping[int, str], interval_ns: int
) -> list[Source]:
    """By line and action. ``devices`` is by interrupt number."""
    actions: dict[tuple[int, str], list[ThreadTime]] = {}
    for part in times:
        actions.setdefault((part.irq, part.action), []).append(part)
    return [
        _thread(irq, action, actions[irq, action], devices.get(irq), interval_ns)
        for irq, action in sorted(actions)
    ]


def _thread(
    irq: int, action: str, parts: list[ThreadTime], device: str | None, interval_ns: int
) -> Source:
    runs = ((part.cpu, part.run) for part in parts)
    source = timed("thread", action, runs, (part.worst_run for part in parts), interval_ns)
    return replace(
        with_latency(
            source, (part.latency for part in parts), (part.worst_latency for part in parts)
        ),
        irq=irq,
        device=device,
    )
