"""One collector in the running kernel beside two of the kernel's own trace ring buffers.

The kernel calls those that look at an event in the order in which they were attached: the first
buffer, the probe, the second buffer. So what the probe measured from event to event is between what
the two buffers have for it. The probe is read often before and after the load: a reading counts
while none of the events happened, so that those between two of them are known exactly.
"""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from irqwatch.model.snapshot import Probe
from irqwatch.source import bpf_syscalls, loader
from irqwatch.source.probe import ProbeReader
from tests.live.rounds import Disturbed
from tests.live.unseen import threads_of_1
from tests.oracle.pages import EventsLost
from tests.oracle.ring_buffer import RingBuffer

READINGS_AT_EACH_END = 25


class Seen(NamedTuple):
    """An event with its fields as the ring buffer has them."""

    time_ns: int
    cpu: int
    pid: int
    name: str
    fields: dict[str, int | str]


class Reading(NamedTuple):
    """A reading of the probe, somewhere between the two times."""

    before_ns: int
    after_ns: int
    probe: Probe


class Recording(NamedTuple):
    """Both buffers' events and the readings; ``unseen`` are the threads of process 1, over which
    some virtual machines' kernels call no BPF program."""

    first: list[Seen]
    second: list[Seen]
    at_the_start: list[Reading]
    at_the_end: list[Reading]
    unseen: frozenset[int]


class Interval(NamedTuple):
    """From one quiet reading to another: the probe's two states, and the events between them."""

    before: Probe
    after: Probe
    first: list[Seen]
    second: list[Seen]


class NoQuietReading(Disturbed):
    """Events never paused for as long as a reading takes."""


def record(
    collector: str,
    events: Sequence[str],
    load: Callable[[], object],
    needed: Sequence[str] = (),
) -> Recording:
    """``needed`` are collectors that it sees through."""
    possible = tuple(range(bpf_syscalls.possible_cpus()))
    unseen = threads_of_1()
    with (
        RingBuffer("first", recorded=events) as first,
        RingBuffer("second", recorded=events) as second,
    ):
        first.enable()
        loaded, unavailable = loader.load([collector, *needed], loader.sizes(64, possible))
        reader = ProbeReader(loaded, possible)
        try:
            assert not unavailable
            second.enable()
            first.start()
            second.start()
            at_the_start = _read_often(reader)
            load()
            at_the_end = _read_often(reader)
            second.stop()
            first.stop()
        finally:
            reader.close()
        try:
            events_of = _seen(first), _seen(second)
        except EventsLost as error:
            raise Disturbed(str(error)) from error
        return Recording(*events_of, at_the_start, at_the_end, unseen | threads_of_1())


def quiet_interval(
    recording: Recording,
    events: Iterable[str],
    are_compared: Callable[[Seen], bool] = lambda _: True,
) -> Interval:
    """The longest interval whose ends are quiet of those of ``events`` that are compared. Raises
    NoQuietReading."""
    names = frozenset(events)
    times_ns = sorted(
        seen.time_ns for seen in recording.first if seen.name in names and are_compared(seen)
    )
    start = _quiet(recording.at_the_start, times_ns)
    end = _quiet(recording.at_the_end[::-1], times_ns)

    def between(buffer: list[Seen]) -> list[Seen]:
        return [seen for seen in buffer if start.after_ns < seen.time_ns < end.before_ns]

    return Interval(start.probe, end.probe, between(recording.first), between(recording.second))


def _quiet(readings: Sequence[Reading], times_ns: list[int]) -> Reading:
    for reading in readings:
        if not any(reading.before_ns <= time_ns <= reading.after_ns for time_ns in times_ns):
            return reading
    raise NoQuietReading


def _read_often(reader: ProbeReader) -> list[Reading]:
    """Out of step with the timer tick."""
    dice = random.Random(1)
    readings = []
    for _ in range(READINGS_AT_EACH_END):
        time.sleep(dice.uniform(0.01, 0.03))
        before_ns = time.monotonic_ns()
        captured = reader.capture()
        after_ns = time.monotonic_ns()
        readings.append(Reading(before_ns, after_ns, reader.read(captured)))
    return readings


def _seen(buffer: RingBuffer) -> list[Seen]:
    found = [
        Seen(time_ns, cpu, pid, name, fields)
        for cpu, raws in buffer.raws()
        for time_ns, pid, name, fields in raws
    ]
    return sorted(found, key=lambda seen: seen.time_ns)
