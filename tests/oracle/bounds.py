"""When the probe must have looked at an event, and so what it must have measured.

The kernel calls those that look at an event one after the other, in the order in which they came.
So one ring buffer is enabled before the probe and another after it: of each event, the probe's own
time lies between their two, whatever came between them (an interrupt, or the hypervisor taking the
CPU away). That gives bounds to every value, with no tolerance assumed but one: a thread that left
its CPU has its time by the scheduler, which reads a clock of its own.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from tests.events import Event
from tests.oracle.reference import Span

# The scheduler reads its clock at a switch before it traces it, or has read it at the wakeup before
# (wakeup_preempt(), kernel/sched/core.c, spares it the second). Measured: 0.3 to 20 µs.
SCHEDULER_NS = 50_000


class Mismatch(Exception):
    """The two ring buffers do not hold the same events."""


class Bounds(NamedTuple):
    """What the probe may have measured for a span, and until when it had counted it."""

    low_ns: int
    high_ns: int
    latest_ns: int


def latest_times(first: Iterable[Event], second: Iterable[Event]) -> dict[Event, int]:
    """For each event of the first ring buffer, its time in the second. Raises Mismatch.

    An interrupt between the two turns the order of events around, but no event comes inside one
    that is equal to it in all but the time: those that are equal stand in the same order in both.
    The first was recording a little before the second: its events of then are left out, and so are
    switches that it has not got, which the reference can do without.
    """
    firsts, seconds = _alike(first), _alike(second)
    times: dict[Event, int] = {}
    for key, late in seconds.items():
        early = firsts.get(key, [])
        late_ns = [event.time_ns for event in late]
        start = bisect_right([event.time_ns for event in early], late_ns[0]) - 1
        if len(early) - max(start, 0) < len(late) and key[2] == "sched_switch":
            continue
        pairs = list(zip(early[max(start, 0) :], late_ns, strict=False))
        if start < 0 or len(pairs) < len(late) or any(e.time_ns > ns for e, ns in pairs):
            raise Mismatch(f"{key}: {len(early)} events and {len(late)}")
        times.update(pairs)
    return times


def _alike(events: Iterable[Event]) -> dict[tuple[object, ...], list[Event]]:
    alike: dict[tuple[object, ...], list[Event]] = defaultdict(list)
    for event in events:
        alike[event.cpu, event.pid, event.name, event.args].append(event)
    return alike


def bounds(span: Span, latest: Mapping[Event, int]) -> Bounds:
    """From the times of both ring buffers."""
    inside_low = sum(max(0, exit.time_ns - latest[entry]) for entry, exit in span.inside)
    inside_high = sum(latest[exit] - entry.time_ns for entry, exit in span.inside)
    perhaps = sum(latest[exit] - entry.time_ns for entry, exit in span.perhaps)
    scheduler = SCHEDULER_NS * span.scheduled
    low_ns = (
        span.end.time_ns - latest[latest_start(span, latest)] - inside_high - perhaps - scheduler
    )
    high_ns = latest[span.end] - span.start.time_ns - inside_low + scheduler
    return Bounds(max(0, low_ns), high_ns, latest[span.end])


def latest_start(span: Span, latest: Mapping[Event, int]) -> Event:
    """What the probe may have taken as the span's start. Softirqs are entered with interrupts on: a
    raise between an entry's two times came before that entry for the probe if it looked after it,
    and was served by it; then the next one is served by the next entry."""
    served_ns = latest[span.entry_before] if span.entry_before else 0
    starts = (span.start, *span.raised_again)
    return next((start for start in starts if start.time_ns > served_ns), starts[-1])


class Bounded:
    """A series' spans with their bounds, in the order of their ends."""

    def __init__(self, spans: Iterable[Span], latest: Mapping[Event, int]) -> None:
        self.spans = sorted(spans, key=lambda span: span.end.time_ns)
        self.bounds = [bounds(span, latest) for span in self.spans]
        self._ends_ns = [span.end.time_ns for span in self.spans]
        self._counted_ns = list(accumulate((b.latest_ns for b in self.bounds), max))

    def ended(self, from_ns: int, to_ns: int) -> slice:
        """Those that ended between the two times."""
        return slice(bisect_right(self._ends_ns, from_ns), bisect_left(self._ends_ns, to_ns))

    def is_quiet(self, from_ns: int, to_ns: int) -> bool:
        """Whether all that ended before ``to_ns`` had been counted by ``from_ns``."""
        ended = bisect_right(self._ends_ns, to_ns)
        return not ended or self._counted_ns[ended - 1] < from_ns


def between_bounds(limits: Sequence[Bounds], sum_ns: int) -> list[int]:
    """Values whose sum is about ``sum_ns``, each at the same relative place between its bounds."""
    low_ns = sum(b.low_ns for b in limits)
    high_ns = sum(b.high_ns for b in limits)
    place = (sum_ns - low_ns) / max(1, high_ns - low_ns)
    place = min(1.0, max(0.0, place))
    return [round(b.low_ns + place * (b.high_ns - b.low_ns)) for b in limits]
