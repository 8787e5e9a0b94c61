"""Reads the loaded probe: maps in, ``irqwatch.model.snapshot.Probe`` out.

The reader moves the epoch of the worst events on, then reads the slot that is no longer written.
"""

import os
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from irqwatch import clock
from irqwatch.errors import ProbeError
from irqwatch.model.histogram import EMPTY, Histogram, merge
from irqwatch.model.snapshot import (
    CountAndTime,
    HardirqTime,
    Probe,
    Program,
    SoftirqTime,
    WorkTime,
    Worst,
)
from irqwatch.source import abi, bpf_syscalls
from irqwatch.source.bpf_syscalls import MapShape

KEY_0 = struct.pack("=I", 0)

# A work item may wait long, where max_active holds it back; one that waits this long was most
# likely cancelled, and costs only its latency if not.
ABANDONED_NS = 600 * 10**9
ABANDONED_WHEN_CROWDED_NS = 10 * 10**9

VALUE_WORDS = {
    "hardirqs": abi.HARDIRQ_WORDS,
    "works": abi.WORK_WORDS,
    "work_cpus": abi.WORK_CPU_WORDS,
}

NameOf = Callable[[int], str]


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


@dataclass(slots=True)
class _WorkParts:
    """A work function's parts from all CPUs and from queues of one name, while they are merged."""

    latency: Histogram = EMPTY
    run: Histogram = EMPTY
    stall_count: int = 0
    stall_ns: int = 0
    cpus: dict[int, CountAndTime] = field(default_factory=dict)
    worst_latency: Worst | None = None
    worst_run: Worst | None = None


class ProbeReader:
    """Owns the descriptors. ``possible`` are the possible CPUs, in the order of a per-CPU value's
    parts; ``name_of`` names a kernel function by its address."""

    def __init__(self, loaded: Loaded, possible: tuple[int, ...], name_of: NameOf) -> None:
        self.loaded = loaded
        self._possible = possible
        self._name_of = name_of
        self._epoch = 0
        self._shapes = {name: bpf_syscalls.map_shape(fd) for name, fd in loaded.maps.items()}
        self._check_shapes()

    def _check_shapes(self) -> None:
        """A reader and a probe of different versions must not talk past each other."""
        cpu_words = (
            abi.CPU_WORDS_WITH_SOFTIRQS if "softirq" in self.loaded.collectors else abi.CPU_WORDS
        )
        for name, shape in self._shapes.items():
            words = {**VALUE_WORDS, "cpus": cpu_words}.get(name)
            if words is not None and shape.value_bytes != 8 * words:
                raise ProbeError(
                    f"map {name} has values of {shape.value_bytes} bytes, not {8 * words}: "
                    "bpf/ and irqwatch are of different versions"
                )

    def read(self) -> Probe:
        """All that was counted since the probe was attached. Raises ProbeError."""
        start_ns = clock.monotonic_ns()
        epoch, self._epoch = self._epoch, (self._epoch + 1) & 0xFFFFFFFF
        bpf_syscalls.update(
            self.loaded.maps["epochs"], KEY_0, struct.pack("=I", self._epoch)
        )
        softirqs, losses = self._read_cpus(epoch)
        probe = Probe(
            collectors=self.loaded.collectors,
            attached_ns=self.loaded.attached_ns,
            hardirqs=tuple(self._read_hardirqs(epoch)),
            softirqs=softirqs,
            works=self._read_works(epoch),
            losses=losses,
            programs=self._read_programs(),
            read_ns=clock.monotonic_ns() - start_ns,
        )
        self._forget_cancelled_works(start_ns)
        return probe

    def forget_hardirqs(self, gone: Callable[[int, str], bool]) -> None:
        """Remove the entries of (irq, action) for which ``gone`` says so: their line has been freed,
        and its number or its struct irqaction may come back as another's."""
        for key, value in self._items("hardirqs"):
            _, irq, _ = struct.unpack("=QII", key)
            if gone(irq, abi.string(abi.words(value), 0, abi.NAME_WORDS)):
                bpf_syscalls.delete(self.loaded.maps["hardirqs"], key)

    def _items(self, name: str) -> Iterator[tuple[bytes, memoryview]]:
        if name not in self.loaded.maps:
            return iter(())
        return bpf_syscalls.items(self.loaded.maps[name], self._shapes[name])

    def _read_cpus(
        self, epoch: int
    ) -> tuple[tuple[SoftirqTime, ...], dict[str, dict[str, int]]]:
        size = self._shapes["cpus"].value_bytes
        value = bpf_syscalls.lookup(self.loaded.maps["cpus"], KEY_0, size * len(self._possible))
        softirqs: list[SoftirqTime] = []
        totals = [0] * len(abi.LOSSES)
        for index, cpu in enumerate(self._possible):
            part = abi.words(value[index * size : (index + 1) * size])
            totals = [total + n for total, n in zip(totals, abi.losses(part), strict=True)]
            if "softirq" in self.loaded.collectors:
                softirqs += abi.softirqs(part, cpu, epoch)
        losses: dict[str, dict[str, int]] = {name: {} for name in sorted(self.loaded.collectors)}
        for (collector, reason), total in zip(abi.LOSSES, totals, strict=True):
            if collector in losses:
                losses[collector][reason] = total
        return tuple(softirqs), losses

    def _read_hardirqs(self, epoch: int) -> Iterator[HardirqTime]:
        for key, value in self._items("hardirqs"):
            _, irq, cpu = struct.unpack("=QII", key)
            part = abi.hardirq(abi.words(value), cpu, epoch)
            yield HardirqTime(
                irq=irq,
                action=part.name,
                cpu=cpu,
                handled=part.handled,
                not_mine_count=part.not_mine_count,
                not_mine_ns=part.not_mine_ns,
                worst=part.worst,
            )

    def _read_works(self, epoch: int) -> tuple[WorkTime, ...]:
        merged: dict[tuple[str, str], _WorkParts] = {}
        queue_names: dict[tuple[int, int], str] = {}
        for key, value in self._items("works"):
            function, workqueue = struct.unpack("=QQ", key)
            name, latency, run = abi.work(abi.words(value))
            queue_names[function, workqueue] = name
            parts = merged.setdefault((self._name_of(function), name), _WorkParts())
            parts.latency = merge((parts.latency, latency))
            parts.run = merge((parts.run, run))
        for key, value in self._items("work_cpus"):
            function, workqueue, cpu = struct.unpack("=QQQ", key)
            named = (self._name_of(function), queue_names.get((function, workqueue), ""))
            part = abi.work_cpu(abi.words(value), cpu, epoch)
            _add_cpu(merged.setdefault(named, _WorkParts()), part, cpu)
        return tuple(
            WorkTime(
                function=function,
                workqueue=workqueue,
                latency=parts.latency,
                run=parts.run,
                stall_count=parts.stall_count,
                stall_ns=parts.stall_ns,
                cpus=parts.cpus,
                worst_latency=parts.worst_latency,
                worst_run=parts.worst_run,
            )
            for (function, workqueue), parts in sorted(merged.items())
        )

    def _read_programs(self) -> tuple[Program, ...]:
        programs = []
        for name, fd in self.loaded.programs.items():
            run_count, run_ns, misses = bpf_syscalls.program_statistics(fd)
            programs.append(Program(name, misses, run_count, run_ns))
        return tuple(programs)

    def _forget_cancelled_works(self, now_ns: int) -> None:
        """Remove waiting items that will never start: nothing traces a cancellation."""
        waiting = [
            (key, struct.unpack_from("=Q", value)[0])
            for key, value in self._items("works_waiting")
        ]
        for key in abandoned(waiting, self._shapes.get("works_waiting"), now_ns):
            bpf_syscalls.delete(self.loaded.maps["works_waiting"], key)

    def close(self) -> None:
        """Take the probe out of the kernel."""
        self.loaded.close()


def abandoned(
    waiting: list[tuple[bytes, int]], shape: MapShape | None, now_ns: int
) -> list[bytes]:
    """Keys of the (key, queued_ns) that have waited too long to be still queued."""
    crowded = shape is not None and len(waiting) > shape.max_entries // 2
    limit_ns = ABANDONED_WHEN_CROWDED_NS if crowded else ABANDONED_NS
    return [key for key, queued_ns in waiting if now_ns - queued_ns > limit_ns]


def _add_cpu(parts: _WorkParts, part: abi.WorkCpuValue, cpu: int) -> None:
    before = parts.cpus.get(cpu, CountAndTime(0, 0))
    if part.run_count:
        parts.cpus[cpu] = CountAndTime(before.count + part.run_count, before.ns + part.run_ns)
    parts.stall_count += part.stall_count
    parts.stall_ns += part.stall_ns
    parts.worst_latency = _longer(parts.worst_latency, part.worst_latency)
    parts.worst_run = _longer(parts.worst_run, part.worst_run)


def _longer(one: Worst | None, other: Worst | None) -> Worst | None:
    if one is None or other is None:
        return one or other
    return one if one.ns >= other.ns else other
