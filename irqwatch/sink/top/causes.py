"""What each interrupt caused, as rows: the interrupt, and under it what followed."""

from collections.abc import Callable

from irqwatch.model.view import Caused, Source, View

NO_INTERRUPT = "no interrupt: tasks, loopback"


def tree(view: View, wanted: Callable[[Source], bool]) -> tuple[Source, ...]:
    """Interrupts with most time first, all of it counted; last what followed from none. One is
    shown, with all that is under it, where it or a part of it is ``wanted``."""
    timed = [source for source in view.sources if source.whole_share is not None]
    timed.sort(key=lambda source: (-(source.whole_share or 0.0), source.name, source.irq or 0))
    groups = [(source, *_under(source, source.caused, view)) for source in timed]
    if view.uncaused:
        none = _no_interrupt(view)
        groups.append((none, *_under(none, view.uncaused, view)))
    return tuple(row for group in groups if any(map(wanted, group)) for row in group)


def _no_interrupt(view: View) -> Source:
    seconds = sum(part.seconds for part in view.uncaused)
    count = sum(part.count for part in view.uncaused)
    return Source(
        kind="-",
        name=NO_INTERRUPT,
        count=count,
        seconds=seconds,
        rate=_per_second(count, view),
        cpus={},
        whole_share=_per_second(seconds, view),
    )


def _under(source: Source, caused: tuple[Caused, ...], view: View) -> tuple[Source, ...]:
    return tuple(
        Source(
            kind=part.kind,
            name=f"  {part.name}",
            count=part.count,
            seconds=part.seconds,
            rate=_per_second(part.count, view),
            cpus=part.cpus,
            irq=source.irq,
            workqueue=part.workqueue,
            share=_per_second(part.seconds, view),
            via=part.via or None,
            cause=source.name,
        )
        for part in caused
    )


def _per_second(amount: float, view: View) -> float:
    return amount / view.interval_s if view.interval_s else 0.0
