"""Reads the loaded probe: maps in, ``irqwatch.model.snapshot.Probe`` out.

The reader moves the epoch of the worst events on, then reads the slot that is no longer written.
"""

import os
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from irqwatch import clock
from irqwatch.errors import ProbeError
from irqwatch.model.histogram import merge
from irqwatch.model.snapshot import (
    HardirqTime,
    Probe,
    Program,
    SoftirqTime,
    WorkTime,
)
from irqwatch.source import abi, bpf_syscalls
from irqwatch.source.bpf_syscalls import MapShape
from irqwatch.source.idle import IdleEntries
from irqwatch.source.works import merge_works

KEY_0 = struct.pack("=I", 0)

# A work item may wait long, where max_active holds it back; one that waits this long was most
# likely cancelled, and costs only its latency if not.
ABANDONED_NS = 600 * 10**9
ABANDONED_WHEN_CROWDED_NS = 10 * 10**9

VALUE_WORDS = {
    "cpus": (abi.CPU_WORDS, abi.CPU_WORDS_WITH_SOFTIRQS),
    "hardirqs": (abi.HARDIRQ_WORDS,),
    "works": (abi.WORK_WORDS,),
    "work_cpus": (abi.WORK_CPU_WORDS,),
}

TABLES = ("hardirqs", "works", "work_cpus", "works_waiting")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the loader handed over: descriptors by name."""

    collectors: frozenset[str]
    maps: Mapping[str, int]
    programs: Mapping[str, int]
    links: Mapping[str, int]
    attached_ns: int

    def close(self) -> None:
        """Detach and unload: with the last descriptor the kernel drops everything."""
        for fds in (self.links, self.programs, self.maps):
            for fd in fds.values():
                os.close(fd)


class Maps(Protocol):
    """How maps are read: ``irqwatch.source.bpf_syscalls``, where the probe is in the kernel."""

    def map_shape(self, fd: int) -> MapShape: ...
    def lookup(self, fd: int, key: bytes, value_bytes: int) -> memoryview: ...
    def update(self, fd: int, key: bytes, value: bytes) -> None: ...
    def delete(self, fd: int, key: bytes) -> None: ...
    def items(self, fd: int, shape: MapShape) -> Iterator[tuple[bytes, memoryview]]: ...
    def program_statistics(self, fd: int) -> tuple[int, int, int]: ...


@dataclass(frozen=True, slots=True)
class Capture:
    """Raw maps of one instant: all CPUs' struct cpu, the entries of the hash maps, and of each
    program (name, runs, ns, recursion misses)."""

    taken_ns: int
    epoch: int
    cpus: memoryview
    tables: Mapping[str, list[tuple[bytes, memoryview]]]
    programs: tuple[tuple[str, int, int, int], ...]


class ProbeReader:
    """Owns the descriptors. ``possible`` are the possible CPUs, in the order of a per-CPU value's
    parts; ``now_ns`` is the events' clock."""

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
        self._idle = {name: IdleEntries() for name in ("hardirqs", "works", "work_cpus")}
        self._shapes = {name: self._maps.map_shape(fd) for name, fd in loaded.maps.items()}
        self._check_shapes()

    def _check_shapes(self) -> None:
        """A reader and a probe of different versions must not talk past each other."""
        for name, shape in self._shapes.items():
            expected = VALUE_WORDS.get(name)
            if expected and shape.value_bytes not in [8 * words for words in expected]:
                raise ProbeError(
                    f"map {name} has values of {shape.value_bytes} bytes, which is not known: "
                    "bpf/ and irqwatch are of different versions"
                )

    def capture(self) -> Capture:
        """The maps as they are now, not decoded: quick, so that the kernel's own counts can be read
        at almost the same instant. Raises ProbeError."""
        taken_ns = self._now_ns()
        epoch, self._epoch = self._epoch, (self._epoch + 1) & 0xFFFFFFFF
        fds = self.loaded.maps
        self._maps.update(fds["epochs"], KEY_0, struct.pack("=I", self._epoch))
        size = self._shapes["cpus"].value_bytes
        return Capture(
            taken_ns=taken_ns,
            epoch=epoch,
            cpus=self._maps.lookup(fds["cpus"], KEY_0, size * len(self._possible)),
            tables={name: list(self._items(name)) for name in TABLES if name in fds},
            programs=tuple(
                (name, *self._maps.program_statistics(fd))
                for name, fd in self.loaded.programs.items()
            ),
        )

    def read(self, captured: Capture | None = None) -> Probe:
        """All that was counted since the probe was attached. Raises ProbeError."""
        start_ns = self._now_ns()
        captured = captured or self.capture()
        softirqs, losses = self._decode_cpus(captured)
        probe = Probe(
            collectors=self.loaded.collectors,
            attached_ns=self.loaded.attached_ns,
            hardirqs=tuple(_decode_hardirqs(captured)),
            softirqs=softirqs,
            works=self._decode_works(captured),
            losses=losses,
            programs=tuple(
                Program(name, misses, runs, run_ns)
                for name, runs, run_ns, misses in captured.programs
            ),
            read_ns=self._now_ns() - start_ns,
        )
        self._forget_cancelled_works(captured)
        self._forget_idle(captured)
        return probe

    def forget_hardirqs(self, gone: Callable[[int, str], bool]) -> None:
        """Remove the entries of (irq, action) for which ``gone`` says so: their line was freed, and
        its number or its struct irqaction may come back as another's."""
        for key, value in self._items("hardirqs"):
            _, irq, _ = struct.unpack("=QII", key)
            if gone(irq, abi.string(abi.words(value), 0, abi.NAME_WORDS)):
                self._maps.delete(self.loaded.maps["hardirqs"], key)

    def _items(self, name: str) -> Iterator[tuple[bytes, memoryview]]:
        return self._maps.items(self.loaded.maps[name], self._shapes[name])

    def _decode_cpus(
        self, captured: Capture
    ) -> tuple[tuple[SoftirqTime, ...], dict[str, dict[str, int]]]:
        size = self._shapes["cpus"].value_bytes
        softirqs: list[SoftirqTime] = []
        totals = [0] * len(abi.LOSSES)
        for index, cpu in enumerate(self._possible):
            part = abi.words(captured.cpus[index * size : (index + 1) * size])
            totals = [total + n for total, n in zip(totals, abi.losses(part), strict=True)]
            if "softirq" in self.loaded.collectors:
                softirqs += abi.softirqs(part, cpu, captured.epoch)
        losses: dict[str, dict[str, int]] = {name: {} for name in sorted(self.loaded.collectors)}
        for (collector, reason), total in zip(abi.LOSSES, totals, strict=True):
            if collector in losses:
                losses[collector][reason] = total
        return tuple(softirqs), losses

    def _decode_works(self, captured: Capture) -> tuple[WorkTime, ...]:
        shared = [
            (abi.work_key(key), abi.work(abi.words(value)))
            for key, value in captured.tables.get("works", ())
        ]
        by_cpu = []
        for key, value in captured.tables.get("work_cpus", ()):
            named, cpu = abi.work_cpu_key(key)
            by_cpu.append((named, cpu, abi.work_cpu(abi.words(value), cpu, captured.epoch)))
        return merge_works(shared, by_cpu)

    def _forget_idle(self, captured: Capture) -> None:
        """Make room in a map that gets crowded."""
        for name, watched in self._idle.items():
            entries = captured.tables.get(name, [])
            most = self._shapes[name].max_entries if entries else 0
            for key in watched.to_remove(entries, most, captured.taken_ns):
                self._maps.delete(self.loaded.maps[name], key)

    def _forget_cancelled_works(self, captured: Capture) -> None:
        """Remove waiting items that will never start: nothing traces a cancellation."""
        if "works_waiting" not in captured.tables:
            return
        waiting = [
            (key, struct.unpack_from("=Q", value)[0])
            for key, value in captured.tables["works_waiting"]
        ]
        most = self._shapes["works_waiting"].max_entries
        for key in abandoned(waiting, most, captured.taken_ns):
            self._maps.delete(self.loaded.maps["works_waiting"], key)

    def close(self) -> None:
        """Take the probe out of the kernel."""
        self.loaded.close()


def _decode_hardirqs(captured: Capture) -> Iterable[HardirqTime]:
    """One per (irq, action, cpu). A line that was freed and set up again has a new struct irqaction
    under the same name, and a line may be shared by actions of one name: they count together."""
    found: dict[tuple[int, str, int], HardirqTime] = {}
    for key, value in captured.tables.get("hardirqs", ()):
        _, irq, cpu = struct.unpack("=QII", key)
        part = abi.hardirq(abi.words(value), cpu, captured.epoch)
        one = HardirqTime(
            irq=irq,
            action=part.name,
            cpu=cpu,
            handled=part.handled,
            not_mine_count=part.not_mine_count,
            not_mine_ns=part.not_mine_ns,
            worst=part.worst,
        )
        identity = (irq, part.name, cpu)
        found[identity] = _together(found[identity], one) if identity in found else one
    return found.values()


def _together(one: HardirqTime, other: HardirqTime) -> HardirqTime:
    return replace(
        one,
        handled=merge((one.handled, other.handled)),
        not_mine_count=one.not_mine_count + other.not_mine_count,
        not_mine_ns=one.not_mine_ns + other.not_mine_ns,
        worst=abi.longer(one.worst, other.worst),
    )


def abandoned(waiting: list[tuple[bytes, int]], most: int, now_ns: int) -> list[bytes]:
    """Keys of the (key, queued_ns) that have waited too long to be still queued. ``most`` is how
    many there is room for: when it gets crowded, less patience."""
    limit_ns = ABANDONED_WHEN_CROWDED_NS if len(waiting) > most // 2 else ABANDONED_NS
    return [key for key, queued_ns in waiting if now_ns - queued_ns > limit_ns]
