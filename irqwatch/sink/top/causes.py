"""What each interrupt caused, as rows: the interrupt, and under it what followed."""

from collections.abc import Callable

from irqwatch.model.view import InterruptSource, View
from irqwatch.sink.top.row import Row, caused_by, no_interrupt, of_source


def tree(view: View, wanted: Callable[[Row], bool]) -> tuple[Row, ...]:
    """Interrupts with most time first, all of it counted; last what followed from none. One is
    shown, with all that is under it, where it or a part of it is ``wanted``."""
    timed = [
        source
        for source in view.sources
        if isinstance(source, InterruptSource) and source.whole_share is not None
    ]
    timed.sort(key=lambda source: (-(source.whole_share or 0.0), source.name, source.irq or 0))
    groups = []
    for source in timed:
        row = of_source(source, view)
        groups.append((row, *caused_by(row, source.caused, view)))
    if view.uncaused:
        none = no_interrupt(view)
        groups.append((none, *caused_by(none, view.uncaused, view)))
    return tuple(row for group in groups if any(map(wanted, group)) for row in group)
