"""All that is known of one interrupt line."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from irqwatch.model.snapshot import Line, LineDevice, LineSetting, Thread
from irqwatch.model.topology import Topology
from irqwatch.model.view import Source


@dataclass(frozen=True, slots=True)
class LineStory:
    """``sources`` are the line's actions, of the interval; empty where it did not fire."""

    line: Line
    setting: LineSetting | None
    devices: tuple[LineDevice, ...]  # several where they share the line
    threads: tuple[Thread, ...]
    sources: tuple[Source, ...]
    topology: Topology
    interval_s: float
    is_counted: bool  # False: how often it fired is not known
    timed: bool  # whether the probe timed hard interrupts
    behind: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # as in Snapshot
