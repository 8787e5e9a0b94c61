"""Reads the loaded probe: maps in, ``irqwatch.model.snapshot.Probe`` out.

The reader moves the epoch of the worst events on, then reads the slot that is no longer written.
"""

import os
import struct
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from irqwatch import clock
from irqwatch.base.collector import Collector, Room
from irqwatch.base.layout import Layouts
from irqwatch.base.reading import NAMED_BY_ADDRESS, Reading, check_forms, string
from irqwatch.collectors import running
from irqwatch.errors import ProbeError
from irqwatch.model.snapshot import Probe, Program
from irqwatch.source import bpf_syscalls
from irqwatch.source.bpf_syscalls import MapShape
from irqwatch.source.idle import IdleEntries
from irqwatch.source.symbols import Symbols

KEY_0 = struct.pack("=I", 0)

# What all collectors share (bpf/common.c).
CPUS, EPOCHS = "cpus", "epochs"

# Members of the values of tables that put_function() of bpf/common.c writes.
NAMES_OF_FUNCTIONS = ("function", "callsite")

# A work item may wait long, where max_active holds it back; one that waits this long was most
# likely cancelled, and costs only its latency if not.
ABANDONED_NS = 600 * 10**9
ABANDONED_WHEN_CROWDED_NS = 10 * 10**9

# Entries of processes: a compilation makes hundreds a second.
PROCESS_PATIENCE_NS = 5 * 10**9


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the loader handed over: descriptors by name, and the layouts of what it loaded."""

    collectors: frozenset[str]
    maps: Mapping[str, int]
    programs: Mapping[str, int]
    links: Mapping[str, int]
    attached_ns: int
    layouts: Layouts
    names_functions: bool = True  # the kernel itself, as it writes them into maps

    def close(self) -> None:
        """Detach and unload: with the last descriptor the kernel drops everything."""
        for fds in (self.links, self.programs, self.maps):
            for fd in fds.values():
                os.close(fd)


class Maps(Protocol):
    """How maps are read: ``irqwatch.source.bpf_syscalls``, where the probe is in the kernel."""

    def map_shape(self, fd: int) -> MapShape: ...
    def lookup(self, fd: int, key: bytes) -> memoryview: ...
    def update(self, fd: int, key: bytes, value: bytes) -> None: ...
    def delete(self, fd: int, key: bytes) -> None: ...
    def items(self, fd: int) -> Iterator[tuple[bytes, memoryview]]: ...
    def program_statistics(self, fd: int) -> tuple[int, int, int | None]: ...


@dataclass(frozen=True, slots=True)
class Capture:
    """Raw maps of one instant, and of each program (name, runs, ns, recursion misses)."""

    taken_ns: int
    reading: Reading
    programs: tuple[tuple[str, int, int, int | None], ...]


class ProbeReader:
    """Owns the descriptors. ``possible`` are the possible CPUs, in the order of a per-CPU value's
    parts; ``now_ns`` is the events' clock. Raises ProbeError and LayoutError where the maps are not
    those of bpf/."""

    def __init__(
        self,
        loaded: Loaded,
        possible: tuple[int, ...],
        maps: Maps = bpf_syscalls,
        now_ns: Callable[[], int] = clock.monotonic_ns,
    ) -> None:
        self.loaded = loaded
        self._possible = possible
        self._maps = maps
        self._now_ns = now_ns
        self._epoch = 0
        self._collectors = running(loaded.collectors)
        tables = {t.name: t for one in self._collectors for t in one.probed.tables if t.is_read}
        self._tables = tuple(tables)
        self._arrays = (
            CPUS,
            *(array for one in self._collectors for array in one.probed.arrays),
        )
        patience = {Room.IDLE: {}, Room.OF_PROCESSES: {"patience_ns": PROCESS_PATIENCE_NS}}
        self._symbols = None if loaded.names_functions else Symbols()
        self._idle = {
            name: IdleEntries(**patience[table.room])
            for name, table in tables.items()
            if table.room in patience
        }
        self._abandonable = [name for name, t in tables.items() if t.room is Room.ABANDONED]
        self._of_lines = {name: t.is_of_line for name, t in tables.items() if t.is_of_line}
        self._limits = self._check_shapes()

    def _check_shapes(self) -> dict[str, int]:
        """The limits of maps by name. A reader and a probe of different versions must not talk past
        each other: the kernel's word on each map is held against the layouts."""
        check_forms(self.loaded.layouts)
        limits = {}
        for name, fd in self.loaded.maps.items():
            shape = self._maps.map_shape(fd)
            limits[name] = shape.max_entries
            types = self.loaded.layouts.maps.get(name)
            if types is None:  # a ring buffer has neither
                continue
            sizes = tuple(map(self.loaded.layouts.size_bytes, (types.key, types.value)))
            if sizes != (shape.key_bytes, shape.value_bytes):
                raise ProbeError(
                    f"map {name} has keys and values of {shape.key_bytes} and "
                    f"{shape.value_bytes} bytes, not {sizes[0]} and {sizes[1]}: "
                    "bpf/ and irqwatch are of different versions"
                )
        return limits

    def may_read(self) -> bool:
        """Whether the kernel lets this process read maps whose descriptors it holds."""
        try:
            self._maps.lookup(self.loaded.maps[EPOCHS], KEY_0)
        except ProbeError:
            return False
        return True

    def capture(self) -> Capture:
        """The maps as they are now, not decoded: quick, so that the kernel's own counts can be read
        at almost the same instant. Raises ProbeError."""
        taken_ns = self._now_ns()
        epoch, self._epoch = self._epoch, (self._epoch + 1) & 0xFFFFFFFF
        fds = self.loaded.maps
        self._maps.update(fds[EPOCHS], KEY_0, struct.pack("=I", self._epoch))
        arrays = {name: self._lookup_parts(name) for name in self._arrays}
        tables = {name: list(self._maps.items(fds[name])) for name in self._tables}
        reading = Reading(
            layouts=self.loaded.layouts,
            possible=self._possible,
            machine=os.uname().machine,
            epoch=epoch,
            arrays=arrays,
            tables=tables,
        )
        programs = tuple(
            (name, *self._maps.program_statistics(fd)) for name, fd in self.loaded.programs.items()
        )
        return Capture(taken_ns, reading, programs)

    def _lookup_parts(self, name: str) -> memoryview:
        """The parts of all CPUs."""
        found = self._maps.lookup(self.loaded.maps[name], KEY_0)
        size = self.loaded.layouts.size_bytes(self.loaded.layouts.maps[name].value)
        if len(found) != size * len(self._possible):
            raise ProbeError(f"map {name} is not of the {len(self._possible)} CPUs there may be")
        return found

    def read(self, captured: Capture | None = None) -> Probe:
        """All that was counted since the probe was attached. Raises ProbeError."""
        start_ns = self._now_ns()
        captured = captured or self.capture()
        if self._symbols:
            captured.reading.symbols = self._symbols.names(self._unnamed(captured.reading))
        parts: dict[str, tuple[object, ...]] = {}
        for collector in self._collectors:
            parts |= decoded(collector, captured.reading)
        probe = Probe(
            collectors=self.loaded.collectors,
            attached_ns=self.loaded.attached_ns,
            parts=parts,
            losses=losses(self._collectors, captured.reading),
            programs=tuple(
                Program(name, misses, runs, run_ns)
                for name, runs, run_ns, misses in captured.programs
            ),
            read_ns=self._now_ns() - start_ns,
        )
        self._forget_abandoned(captured)
        self._forget_idle(captured)
        return probe

    def _unnamed(self, reading: Reading) -> set[int]:
        """The addresses of functions that the kernel could not name."""
        found = set()
        for name in reading.tables:
            kind, _, struct_name = self.loaded.layouts.maps[name].value.partition(" ")
            places = vars(reading.at(struct_name)) if kind == "struct" else {}
            for place in [places[field] for field in NAMES_OF_FUNCTIONS if field in places]:
                for _, value in reading.entries(name):
                    if value[place.start] == NAMED_BY_ADDRESS:
                        found.add(value[place.start + 1])
        return found

    def why_unnamed(self) -> str:
        """Why functions have addresses in place of names; "" where they have not."""
        return self._symbols.why_none if self._symbols else ""

    def function_name(self, address: int) -> str:
        """Of one that the kernel could not name."""
        return self._symbols.names([address])[address] if self._symbols else f"0x{address:x}"

    def forget_lines(self, gone: Callable[[int, str], bool]) -> None:
        """Remove the entries of (irq, action) for which ``gone`` says so: their line was freed, and
        its number or its struct irqaction may come back as another's. Raises ProbeError."""
        layouts = self.loaded.layouts
        for name, is_of_line in self._of_lines.items():
            types = layouts.maps[name]
            unpack = layouts.unpack_key(types.key)
            at = layouts.at(types.value.removeprefix("struct "))
            for raw, value in self._maps.items(self.loaded.maps[name]):
                key = unpack(raw)
                if is_of_line(key) and gone(key.irq, string(value.cast("Q"), at.name)):
                    self._maps.delete(self.loaded.maps[name], raw)

    def _forget_idle(self, captured: Capture) -> None:
        """Make room in a map that gets crowded."""
        for name, watched in self._idle.items():
            entries = list(captured.reading.tables[name])
            for key in watched.to_remove(entries, self._limits[name], captured.taken_ns):
                self._maps.delete(self.loaded.maps[name], key)

    def _forget_abandoned(self, captured: Capture) -> None:
        """Remove what nothing will take out: no tracepoint tells of a work item that is cancelled,
        nor of a signal that is never delivered."""
        for name in self._abandonable:
            entries = captured.reading.tables[name]
            waiting = [(key, struct.unpack_from("=Q", value)[0]) for key, value in entries]
            for key in abandoned(waiting, self._limits[name], captured.taken_ns):
                self._maps.delete(self.loaded.maps[name], key)

    def close(self) -> None:
        """Take the probe out of the kernel."""
        self.loaded.close()
        if self._symbols:
            self._symbols.close()


def decoded(collector: Collector, reading: Reading) -> Mapping[str, tuple[object, ...]]:
    """Its parts by name. Raises ProbeError where its maps hold what no program of it writes."""
    if collector.decode is None:
        return {}
    try:
        return collector.decode(reading)
    except (IndexError, KeyError, ValueError) as error:
        why = f"the maps of {collector.name} hold what is not understood: {error!r}"
        raise ProbeError(why) from error


def losses(collectors: Collection[Collector], reading: Reading) -> dict[str, dict[str, int]]:
    """Collector → reason → events that it could not use, on all CPUs."""
    found = {}
    for collector in sorted(collectors, key=lambda one: one.name):
        if not collector.is_hidden:
            found[collector.name] = _losses(collector, reading)
    return found


def _losses(collector: Collector, reading: Reading) -> dict[str, int]:
    array = collector.probed.losses_in
    if array is None:
        return {}
    struct_name = reading.layouts.maps[array].value.removeprefix("struct ")
    counts = [value[reading.at(struct_name).losses] for _, value in reading.each_cpu(array)]
    reasons = loss_reasons(collector.name, reading.layouts)
    return {reason: sum(of_cpu[at] for of_cpu in counts) for reason, at in reasons.items()}


def loss_reasons(collector: str, layouts: Layouts) -> dict[str, int]:
    """The reasons of a collector, and where in ``losses`` each is counted: the constants
    LOSS_COLLECTOR_REASON of the source's enums."""
    prefix = f"LOSS_{collector.upper()}_"
    return {
        name.removeprefix(prefix).lower(): at
        for constants in layouts.enums().values()
        for name, at in constants.items()
        if name.startswith(prefix)
    }


def abandoned(waiting: list[tuple[bytes, int]], most: int, now_ns: int) -> list[bytes]:
    """Keys of the (key, queued_ns) that have waited too long to be still queued. ``most`` is how
    many there is room for: when it gets crowded, less patience."""
    limit_ns = ABANDONED_WHEN_CROWDED_NS if len(waiting) > most // 2 else ABANDONED_NS
    return [key for key, queued_ns in waiting if now_ns - queued_ns > limit_ns]
