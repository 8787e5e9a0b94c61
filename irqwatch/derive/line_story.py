"""Finds a line by what a person calls it, and gathers what is known of it."""

from irqwatch.collectors.hardirq import HardirqSource
from irqwatch.collectors.thread import ThreadSource
from irqwatch.model.line_story import LineStory
from irqwatch.model.snapshot import Line, Snapshot
from irqwatch.model.view import View


def lines_called(word: str, snapshot: Snapshot) -> tuple[Line, ...]:
    """By number; else by action; else by device or its bus address; else by a part of an action's
    name. The first of these that finds any."""
    if not word:  # a part of every name
        return ()
    lines = [line for line in snapshot.lines if line.irq is not None]
    of_device = {
        device.irq for device in snapshot.devices if word in (device.device, device.bus_address)
    }
    ways = (
        [line for line in lines if str(line.irq) == word],
        [line for line in lines if word in line.actions],
        [line for line in lines if line.irq in of_device],
        [line for line in lines if any(word in action for action in line.actions)],
    )
    return next((tuple(found) for found in ways if found), ())


def story(line: Line, snapshot: Snapshot, view: View) -> LineStory:
    """``line`` is one of ``snapshot``, which is the end of ``view``."""
    return LineStory(
        line=line,
        setting=next((of for of in snapshot.settings if of.irq == line.irq), None),
        devices=tuple(of for of in snapshot.devices if of.irq == line.irq),
        threads=tuple(of for of in snapshot.threads if of.irq == line.irq),
        sources=tuple(
            source
            for source in view.sources
            if isinstance(source, HardirqSource | ThreadSource) and source.irq == line.irq
        ),
        topology=snapshot.topology,
        interval_s=view.interval_s,
        is_counted=line.irq not in view.unknown_lines,
        timed="hardirq" in view.collectors,
    )
