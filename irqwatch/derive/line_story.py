"""Finds a line by what a person calls it, and gathers what is known of it."""

from irqwatch.base import names
from irqwatch.collectors.hardirq import HardirqSource
from irqwatch.collectors.thread import ThreadSource
from irqwatch.model.line_story import LineStory
from irqwatch.model.snapshot import Line, Snapshot
from irqwatch.model.view import View


def lines_called(word: str, snapshot: Snapshot) -> tuple[Line, ...]:
    """By number; else by action; else by any other name that a verb shows of it (its device, that
    one's bus address, a disk behind it); else by a part of an action's name. The first of these
    that finds any."""
    if not word:  # a part of every name
        return ()
    lines = [line for line in snapshot.lines if line.irq is not None]
    called = names.names_of_lines(lines, snapshot.devices, snapshot.behind)
    ways = (
        [line for line in lines if str(line.irq) == word],
        [line for line in lines if word in line.actions],
        [line for line in lines if line.irq is not None and word in called[line.irq]],
        [line for line in lines if any(word in action for action in line.actions)],
    )
    return next((tuple(found) for found in ways if found), ())


def story(line: Line, snapshot: Snapshot, view: View) -> LineStory:
    """``line`` is one of ``snapshot``, which is the end of ``view``."""
    return LineStory(
        line=line,
        setting=next((of for of in snapshot.settings if of.irq == line.irq), None),
        devices=tuple(of for of in snapshot.devices if of.irq == line.irq),
        behind=snapshot.behind,
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
