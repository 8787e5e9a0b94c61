"""Reads the loaded probe: maps in, ``irqwatch.model.snapshot.Probe`` out.

The reader moves the epoch of the worst events on, then reads the slot that is no longer written.
"""

import os
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from irqwatch import clock
from irqwatch.errors import ProbeError
from irqwatch.model.snapshot import (
    Blame,
    Probe,
    Program,
    SoftirqTime,
    WorkCause,
    WorkTime,
)
from irqwatch.source import abi, bpf_syscalls
from irqwatch.source.bpf_syscalls import MapShape
from irqwatch.source.decode import blame, exception, napi, signal, syscall, tasklet, thread, timer
from irqwatch.source.idle import IdleEntries
from irqwatch.source.interrupts import action_names, merge_interrupts, merge_work_causes
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
    "timers": (timer.CPU_WORDS,),
    "tasklet_cpus": (tasklet.CPU_WORDS,),
    "tasklets": (tasklet.WORDS,),
    "napis": (napi.WORDS,),
    "work_causes": (abi.COUNT_AND_NS_WORDS,),
    "exceptions": (exception.CPU_WORDS,),
    "exception_processes": (exception.PROCESS_WORDS,),
    "signals": (signal.WORDS,),
    "signal_losses": (len(signal.LOSSES),),
    "syscalls": (syscall.WORDS,),
    "syscall_losses": (len(syscall.LOSSES),),
    "threads": (thread.WORDS,),
    "thread_cpus": (thread.CPU_WORDS,),
    "blames": (blame.WORDS,),
    "blame_cpus": (blame.CPU_WORDS,),
}

TABLES = (
    "hardirqs",
    "works",
    "work_cpus",
    "work_causes",
    "works_waiting",
    "tasklets",
    "napis",
    "exception_processes",
    "signals_pending",
    "signals",
    "syscalls",
    "threads",
    "blames",
)

# Their keys can come and go for ever.
CROWDED = ("hardirqs", "works", "work_cpus", "work_causes", "tasklets", "napis", "threads")

# Keyed by struct hardirq_key; their values start with the action's name.
OF_LINES = frozenset({"hardirqs", "threads"})

# A compilation has hundreds a second of them.
PROCESS_PATIENCE_NS = 5 * 10**9
OF_PROCESSES = ("exception_processes", "blames")

# Their values start with when they were made; what nothing takes out again goes by its age.
ABANDONABLE = ("works_waiting", "signals_pending")


# Per-CPU arrays of one entry that collectors have to themselves.
PER_CPU = (
    "timers",
    "tasklet_cpus",
    "napi_losses",
    "exceptions",
    "signal_losses",
    "syscall_losses",
    "thread_cpus",
    "blame_cpus",
)

# Collectors that count their losses in such a map.
LOSSES_IN = {
    "timer": ("timers", timer.losses),
    "tasklet": ("tasklet_cpus", tasklet.losses),
    "napi": ("napi_losses", napi.losses),
    "signal": ("signal_losses", signal.losses),
    "syscall": ("syscall_losses", syscall.losses),
    "thread": ("thread_cpus", thread.losses),
}


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
    """Raw maps of one instant: all CPUs' struct cpu, the same of other per-CPU maps, the entries of
    the hash maps, and of each program (name, runs, ns, recursion misses)."""

    taken_ns: int
    epoch: int
    cpus: memoryview
    per_cpu: Mapping[str, memoryview]
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
        self._idle = {name: IdleEntries() for name in CROWDED}
        self._idle |= {name: IdleEntries(PROCESS_PATIENCE_NS) for name in OF_PROCESSES}
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
            per_cpu={name: self._lookup_per_cpu(name) for name in PER_CPU if name in fds},
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
        hardirqs, vectors = merge_interrupts(captured.tables.get("hardirqs", ()), captured.epoch)
        probe = Probe(
            collectors=self.loaded.collectors,
            attached_ns=self.loaded.attached_ns,
            hardirqs=hardirqs,
            softirqs=softirqs,
            works=self._decode_works(captured),
            vectors=vectors,
            work_causes=_decode_work_causes(captured),
            losses=losses,
            programs=tuple(
                Program(name, misses, runs, run_ns)
                for name, runs, run_ns, misses in captured.programs
            ),
            read_ns=self._now_ns() - start_ns,
            timers=timer.times(self._parts(captured, "timers"), captured.epoch),
            tasklets=tasklet.times(_entries(captured, "tasklets"), captured.epoch),
            napis=napi.counts(_entries(captured, "napis")),
            exceptions=exception.counts(self._parts(captured, "exceptions")),
            faulting=exception.processes(_entries(captured, "exception_processes")),
            signals=signal.times(_entries(captured, "signals"), captured.epoch),
            syscalls=syscall.times(
                _entries(captured, "syscalls"), captured.epoch, os.uname().machine
            ),
            irq_threads=thread.times(_entries(captured, "threads"), captured.epoch),
            blames=self._decode_blames(captured),
        )
        self._forget_abandoned(captured)
        self._forget_idle(captured)
        return probe

    def forget_hardirqs(self, gone: Callable[[int, str], bool]) -> None:
        """Remove the entries of (irq, action) for which ``gone`` says so: their line was freed, and
        its number or its struct irqaction may come back as another's."""
        for name in OF_LINES & self.loaded.maps.keys():
            for key, value in self._items(name):
                action, irq, _ = abi.hardirq_key(key)
                if abi.vector(action, irq, "") is None and gone(
                    irq, abi.string(abi.words(value), 0, abi.NAME_WORDS)
                ):
                    self._maps.delete(self.loaded.maps[name], key)

    def _lookup_per_cpu(self, name: str) -> memoryview:
        size = self._shapes[name].value_bytes
        return self._maps.lookup(self.loaded.maps[name], KEY_0, size * len(self._possible))

    def _parts(self, captured: Capture, name: str) -> Iterator[tuple[int, memoryview]]:
        """(CPU, its value as words) of a per-CPU map; nothing where its collector is off."""
        if name in captured.per_cpu:
            size = self._shapes[name].value_bytes
            for index, cpu in enumerate(self._possible):
                part = captured.per_cpu[name][index * size : (index + 1) * size]
                yield cpu, abi.words(part)

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
        for collector, (name, losses_of) in LOSSES_IN.items():
            if collector in losses:
                losses[collector] = losses_of(self._parts(captured, name))
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

    def _decode_blames(self, captured: Capture) -> tuple[Blame, ...]:
        if "blames" not in captured.tables:
            return ()
        parts = self._parts(captured, "blame_cpus")
        actions = action_names(captured.tables.get("hardirqs", ()))
        return blame.blames(_entries(captured, "blames"), parts, actions)

    def _forget_idle(self, captured: Capture) -> None:
        """Make room in a map that gets crowded."""
        for name, watched in self._idle.items():
            entries = captured.tables.get(name, [])
            most = self._shapes[name].max_entries if entries else 0
            for key in watched.to_remove(entries, most, captured.taken_ns):
                self._maps.delete(self.loaded.maps[name], key)

    def _forget_abandoned(self, captured: Capture) -> None:
        """Remove what nothing will take out: no tracepoint tells of a work item that is cancelled,
        nor of a signal that is never delivered."""
        for name in ABANDONABLE:
            entries = captured.tables.get(name, [])
            waiting = [(key, struct.unpack_from("=Q", value)[0]) for key, value in entries]
            most = self._shapes[name].max_entries if entries else 0
            for key in abandoned(waiting, most, captured.taken_ns):
                self._maps.delete(self.loaded.maps[name], key)

    def close(self) -> None:
        """Take the probe out of the kernel."""
        self.loaded.close()


def _entries(captured: Capture, name: str) -> Iterator[tuple[bytes, memoryview]]:
    """(key, value as words) of a hash table; nothing where its collector is off."""
    for key, value in captured.tables.get(name, ()):
        yield key, abi.words(value)


def _decode_work_causes(captured: Capture) -> tuple[WorkCause, ...]:
    functions = (
        (abi.work_key(key), abi.work_name(abi.words(value)))
        for key, value in captured.tables.get("works", ())
    )
    entries = captured.tables.get("work_causes", ())
    return merge_work_causes(entries, captured.tables.get("hardirqs", ()), functions)


def abandoned(waiting: list[tuple[bytes, int]], most: int, now_ns: int) -> list[bytes]:
    """Keys of the (key, queued_ns) that have waited too long to be still queued. ``most`` is how
    many there is room for: when it gets crowded, less patience."""
    limit_ns = ABANDONED_WHEN_CROWDED_NS if len(waiting) > most // 2 else ABANDONED_NS
    return [key for key, queued_ns in waiting if now_ns - queued_ns > limit_ns]
