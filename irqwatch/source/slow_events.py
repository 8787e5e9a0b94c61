"""The live host as a source of single events that took longer than asked for."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from mmap import PAGESIZE
from types import TracebackType

from irqwatch import clock
from irqwatch.base.columns import refuse_unlisted, why_unlisted
from irqwatch.base.names import device_names, names_of_lines
from irqwatch.collectors import ALL, DEFAULT_COLLECTORS
from irqwatch.collectors.trace import DROPS, EVENTS, NOT_LISTED, Decoder, LineName, macro
from irqwatch.errors import IrqwatchError, ProbeError, UsageError
from irqwatch.model.slow_event import SlowEvent
from irqwatch.model.snapshot import SOFTIRQ_VECTORS, Line, LineDevice, Unavailable
from irqwatch.source import bpf_syscalls, loader
from irqwatch.source.capabilities import why_no_bpf
from irqwatch.source.host import HostReader, HostReading
from irqwatch.source.probe import KEY_0, ProbeReader
from irqwatch.source.ring_buffer import RingBuffer
from irqwatch.source.root import Root

COLLECTORS = DEFAULT_COLLECTORS & {one.name for one in ALL if one.slow_kinds}

# A power of two, as the kernel asks for; at 4 KB a page room for 1,300 events.
RING_PAGES = 64

# The maps of the collectors, which nobody asks for here, fill up unless they are read now and then.
READ_MAPS_EVERY_NS = 10 * 10**9


@dataclass(frozen=True, slots=True)
class WantedEvents:
    """An empty set lets all pass. An event has to pass every filter, and passes one that has it in
    its set."""

    slower_ns: int
    irqs: frozenset[int] = frozenset()
    softirqs: frozenset[str] = frozenset()
    cpus: frozenset[int] = frozenset()
    devices: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()


class SlowEvents:
    """Owns the probe for as long as it is open; a context manager. Raises ProbeError; UsageError
    where a filter names what this host has not, IrqwatchError where that cannot be told."""

    def __init__(self, wanted: WantedEvents) -> None:
        if reason := why_no_bpf():
            raise ProbeError(reason)
        self._host = HostReader(Root())
        reading = self._host.read()
        self._lines = self._line_names(reading)
        found = self._host.devices(reading.lines, clock.monotonic_ns())
        called = names_of_lines(reading.lines, found.devices, found.behind)
        lines = lines_of(wanted, called, reading.unavailable)
        defines = filters(wanted, lines, reading.topology.possible)
        bpf_syscalls.check_possible(reading.topology.possible)
        limits = loader.sizes(len(reading.lines), reading.topology.possible)
        loaded, refused = loader.load((*COLLECTORS, "trace"), limits, defines)
        self.unavailable = (
            *(lack for lack in reading.unavailable if lack.part == "interrupts"),
            *(Unavailable(name, why) for name, why in sorted(refused.items())),
        )
        try:
            self._reader = ProbeReader(loaded, reading.topology.possible)
            self._decoder = Decoder(loaded.layouts)
            self._ring = RingBuffer(loaded.maps[EVENTS], RING_PAGES * PAGESIZE)
        except (IrqwatchError, OSError, KeyError) as error:
            loaded.close()
            raise ProbeError(f"single events cannot be read: {error}") from error
        self._maps_read_ns = clock.monotonic_ns()

    def __enter__(self) -> "SlowEvents":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._ring:
            self._reader.close()

    def read(self, wait_seconds: float) -> Iterator[SlowEvent]:
        """Those that are there, or come within ``wait_seconds``, in the order they ended on each
        CPU."""
        self._ring.wait(wait_seconds)
        offset_ns = clock.wall_ns() - clock.monotonic_ns()
        for record in self._ring.records():
            function = self._function(record)
            event = self._decoder.event(record, self._lines, offset_ns, function)
            if event.irq is not None and event.irq not in self._lines:
                # Asked once: a line that is hidden (IPIs on arm64) is never listed.
                listed = self._line_names(self._host.read())
                self._lines = {**self._lines, event.irq: NOT_LISTED, **listed}
                event = self._decoder.event(record, self._lines, offset_ns, function)
            yield event
        self._keep_maps()

    def _function(self, record: bytes) -> str:
        """Its name, where the kernel could only give the address; else "" """
        address = self._decoder.unnamed(record)
        return "" if address is None else self._reader.function_name(address)

    def dropped(self) -> int:
        """Events so far that found the ring buffer full."""
        value = bpf_syscalls.lookup(self._reader.loaded.maps[DROPS], KEY_0)
        return sum(value.cast("Q"))

    def _keep_maps(self) -> None:
        now_ns = clock.monotonic_ns()
        if now_ns - self._maps_read_ns > READ_MAPS_EVERY_NS:
            self._maps_read_ns = now_ns
            self._reader.read()

    def _line_names(self, reading: HostReading) -> dict[int, LineName]:
        found = self._host.devices(reading.lines, clock.monotonic_ns())
        return line_names(reading.lines, found.devices)


def line_names(lines: Iterable[Line], devices: Iterable[LineDevice]) -> dict[int, LineName]:
    """By interrupt number; of a shared line all its actions and all their devices."""
    names = device_names(devices)
    return {
        line.irq: LineName(", ".join(line.actions), names.get(line.irq, ""))
        for line in lines
        if line.irq is not None
    }


def lines_of(
    wanted: WantedEvents,
    called: Mapping[int, Collection[str]],
    unavailable: Collection[Unavailable] = (),
) -> frozenset[int]:
    """The lines of ``wanted.irqs`` that are of ``wanted.devices`` too; empty is all. ``called`` is
    what each line is found by. Raises UsageError where there are none, IrqwatchError where that
    cannot be told."""
    missing = sorted(wanted.irqs - called.keys())
    if missing and not why_unlisted(unavailable):
        raise UsageError(f"there is no interrupt {missing[0]} (see /proc/interrupts)")
    of_devices: set[int] = set()
    for device in sorted(wanted.devices):
        found = {irq for irq, names in called.items() if device in names}
        if not found:
            refuse_unlisted(unavailable, has_some=bool(called))
            raise UsageError(f"no interrupt belongs to a device {device}")
        of_devices |= found
    if not (wanted.irqs and wanted.devices):
        return wanted.irqs | of_devices
    if not wanted.irqs & of_devices:
        if missing:
            refuse_unlisted(unavailable, has_some=bool(called))
        raise UsageError("no interrupt passes both --irq and --device")
    return wanted.irqs & of_devices


def filters(
    wanted: WantedEvents, irqs: Collection[int], possible: Collection[int]
) -> dict[str, int | str]:
    """The macros of bpf/trace.c. Raises UsageError."""
    if missing := sorted(wanted.cpus - set(possible)):
        raise UsageError(f"there is no CPU {missing[0]}")
    vectors = [SOFTIRQ_VECTORS.index(name) for name in wanted.softirqs]
    of_lines = _any_of("irq", irqs)
    return {
        "TRACE_SLOWER_NS": wanted.slower_ns,
        "TRACE_PAGES": RING_PAGES,
        "PAGE_SIZE": PAGESIZE,
        "TRACE_KIND(kind)": _any_of("kind", map(macro, wanted.kinds)),
        "TRACE_CPU(cpu)": _any_of("cpu", wanted.cpus),
        "TRACE_IRQ(irq,action)": f"((action)&&{of_lines})" if irqs else of_lines,
        "TRACE_SOFTIRQ(softirq)": _any_of("softirq", vectors),
    }


def _any_of(name: str, values: Iterable[int | str]) -> str:
    """A C expression: the parameter ``name`` is one of ``values``; true where there are none."""
    chosen = sorted(values, key=str)
    return f"({'||'.join(f'({name})=={value}' for value in chosen)})" if chosen else "1"
