"""What is being looked at, how well it is seen, and what of it cannot be."""

from datetime import datetime, tzinfo

from irqwatch.cells import Span, TextLine, count, ratio
from irqwatch.collectors import COLLECTORS, DEFAULT_COLLECTORS
from irqwatch.model.view import View


def clock(wall_ns: int, zone: tzinfo | None, *, milliseconds: bool = False) -> str:
    """The time of day: "14:03:22"."""
    moment = datetime.fromtimestamp(wall_ns / 1e9, zone)
    return moment.time().isoformat("milliseconds" if milliseconds else "seconds")


def lines(view: View, zone: tzinfo | None, paused: bool = False) -> list[TextLine]:
    """The host, what is on, then a line for each thing that is missing or was lost."""
    host = view.host
    about = f"  {host.hostname}  {host.kernel}  {_cpus(len(view.cpus))}"
    when = f"  {clock(view.wall_ns, zone)}  over {view.interval_s:.3g} s"
    first = [Span("irqwatch", "title"), Span(about + when)]
    if paused:
        first += [Span("  "), Span("PAUSED", "selected")]
    missing: list[TextLine] = [
        (Span(f"{lack.part}: ", "warning"), Span(lack.reason)) for lack in view.unavailable
    ]
    return [tuple(first), _probe(view), *missing, *_losses(view)]


def _cpus(number: int) -> str:
    return "1 CPU" if number == 1 else f"{number} CPUs"


def _probe(view: View) -> TextLine:
    """How well it is seen comes first: what is on can be a long list."""
    spans: list[Span] = []
    if view.coverage is not None:
        each = ", ".join(f"{name} {ratio(seen)}" for name, seen in view.coverage_by.items())
        spans = [Span(f"coverage {ratio(view.coverage)}"), Span(f" ({each})  ", "dim")]
    on = [name for name in COLLECTORS if name in view.collectors]
    off = [name for name in COLLECTORS if name in DEFAULT_COLLECTORS - view.collectors]
    spans.append(Span("timed " + " ".join(on) if on else "nothing is timed, only counted"))
    if on and off:
        spans.append(Span("  off " + " ".join(off), "dim"))
    return tuple(spans)


def _losses(view: View) -> list[TextLine]:
    if not view.losses:
        return []
    each = ", ".join(f"{reason} {count(number)}" for reason, number in view.losses.items())
    return [(Span("lost: ", "warning"), Span(each))]
