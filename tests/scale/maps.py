"""The probe's maps as bytes, by the structs of bpf/irqwatch.h, that decode to a given Probe."""

import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from irqwatch.model.histogram import BUCKETS, Histogram
from irqwatch.model.snapshot import (
    SOFTIRQ_VECTORS,
    HardirqTime,
    Probe,
    SoftirqTime,
    WorkTime,
    Worst,
)
from irqwatch.source.bpf_syscalls import MapShape
from irqwatch.source.probe import Loaded, ProbeReader

MAPS = ("cpus", "epochs", "hardirqs", "works", "work_cpus", "works_waiting", "works_running")
FD = {name: number for number, name in enumerate(MAPS)}

FIRST_FUNCTION = 0xFFFFFFFF81000000
FIRST_ACTION = 0xFFFF888200000000

NO_HISTOGRAM = bytes(8 * (1 + BUCKETS))
NO_WORST = bytes(40)
NO_SOFTIRQ = bytes(16) + 4 * NO_WORST + 2 * NO_HISTOGRAM

HEADER = (Path(__file__).parents[2] / "bpf" / "irqwatch.h").read_text()
LOSSES = re.findall(r"^\tLOSS_([A-Z]+)_([A-Z_]+),$", HEADER, re.MULTILINE)
LOSSES_ROOM = 16

Entries = dict[bytes, bytes]


class ProbeMaps:
    """What ``irqwatch.source.probe.ProbeReader`` reads through, with the contents of one probe;
    the programs' statistics apart."""

    def __init__(self, probe: Probe, possible: tuple[int, ...]) -> None:
        self._probe = probe
        self._possible = possible
        keys = _work_keys(probe.works)
        self._hash: dict[int, Entries] = {
            FD["hardirqs"]: dict(_hardirqs(probe.hardirqs)),
            FD["works"]: {key: _work(work) for key, work in keys.items()},
            FD["work_cpus"]: dict(_work_cpus(keys)),
            FD["works_waiting"]: {},
            FD["works_running"]: {},
        }
        self._cpus = b"".join(_cpus(probe, possible))

    def reader(self) -> ProbeReader:
        """Reads these maps once: the worst events are those of the first epoch."""
        loaded = Loaded(
            collectors=self._probe.collectors,
            maps=FD,
            programs={program.name: at for at, program in enumerate(self._probe.programs)},
            links={},
            attached_ns=self._probe.attached_ns,
        )
        return ProbeReader(loaded, self._possible, self, lambda: 0)

    def map_shape(self, fd: int) -> MapShape:
        if fd == FD["cpus"]:
            return MapShape(4, len(self._cpus) // len(self._possible), 1)
        if fd == FD["epochs"]:
            return MapShape(4, 4, 1)
        for key, value in self._hash[fd].items():
            return MapShape(len(key), len(value), 1 << 20)
        return MapShape(8, 32, 1 << 20)

    def lookup(self, fd: int, key: bytes, value_bytes: int) -> memoryview:
        assert fd == FD["cpus"] and value_bytes == len(self._cpus)
        return memoryview(self._cpus)

    def update(self, fd: int, key: bytes, value: bytes) -> None:
        assert fd == FD["epochs"]

    def delete(self, fd: int, key: bytes) -> None:
        self._hash[fd].pop(key, None)

    def items(self, fd: int, shape: MapShape) -> Iterator[tuple[bytes, memoryview]]:
        for key, value in self._hash[fd].items():
            yield key, memoryview(value)

    def program_statistics(self, fd: int) -> tuple[int, int, int]:
        program = self._probe.programs[fd]
        return program.run_count, program.run_ns, program.recursion_misses


def _work_keys(works: Iterable[WorkTime]) -> dict[bytes, WorkTime]:
    """By struct work_key: the function's address and the workqueue's name."""
    functions: dict[str, int] = {}
    keys = {}
    for work in works:
        at = FIRST_FUNCTION + 64 * len(functions)
        function = functions.setdefault(work.function, at)
        keys[struct.pack("=Q32s", function, work.workqueue.encode())] = work
    return keys


def _histogram(histogram: Histogram) -> bytes:
    """struct histogram."""
    counts = (histogram.buckets.get(bucket, 0) for bucket in range(BUCKETS))
    return struct.pack(f"={1 + BUCKETS}Q", histogram.sum_ns, *counts)


def _worsts(worst: Worst | None) -> bytes:
    """struct worsts, with the event in the slot of epoch 0."""
    if worst is None:
        return NO_WORST + NO_WORST
    comm = worst.comm.encode()
    return struct.pack("=QQII16s", worst.ns, worst.at_ns, worst.pid, 0, comm) + NO_WORST


def _cpu_head() -> bytes:
    """struct cpu up to its losses: what is open or raised just now, which nobody reads."""
    _, _, fields = HEADER.partition("\nstruct cpu {\n")
    fields, _, _ = fields.partition("\tu64 losses[")
    arrays = re.findall(r"^\tu64 \w+(\[NR_SOFTIRQS\])?;", fields, re.MULTILINE)
    return bytes(8 * sum(len(SOFTIRQ_VECTORS) if array else 1 for array in arrays))


def _cpus(probe: Probe, possible: tuple[int, ...]) -> Iterator[bytes]:
    """struct cpu of each; all losses are the first CPU's."""
    softirqs = {(part.cpu, part.vector): part for part in probe.softirqs}
    head, none = _cpu_head(), bytes(8 * LOSSES_ROOM)
    for cpu in possible:
        losses = _losses(probe) if cpu == possible[0] else none
        parts = (_softirq(softirqs.get((cpu, vector))) for vector in SOFTIRQ_VECTORS)
        yield head + losses + b"".join(parts)


def _losses(probe: Probe) -> bytes:
    """In the order of enum loss."""
    counts = [probe.losses[collector.lower()][reason.lower()] for collector, reason in LOSSES]
    return struct.pack(f"={LOSSES_ROOM}Q", *counts, *[0] * (LOSSES_ROOM - len(counts)))


def _softirq(part: SoftirqTime | None) -> bytes:
    """struct softirq."""
    if part is None:
        return NO_SOFTIRQ
    return (
        struct.pack("=QQ", part.ksoftirqd_count, part.ksoftirqd_ns)
        + _worsts(part.worst_latency)
        + _worsts(part.worst_run)
        + _histogram(part.latency)
        + _histogram(part.run)
    )


def _hardirqs(parts: Iterable[HardirqTime]) -> Iterator[tuple[bytes, bytes]]:
    """struct hardirq_key and struct hardirq."""
    for number, part in enumerate(parts):
        key = struct.pack("=QII", FIRST_ACTION + 128 * number, part.irq, part.cpu)
        head = struct.pack("=48sQQ", part.action.encode(), part.not_mine_count, part.not_mine_ns)
        yield key, head + _worsts(part.worst) + _histogram(part.handled)


def _work(work: WorkTime) -> bytes:
    """struct work."""
    return (
        struct.pack("=64s", work.function.encode())
        + _histogram(work.latency)
        + _histogram(work.run)
    )


def _work_cpus(keys: Mapping[bytes, WorkTime]) -> Iterator[tuple[bytes, bytes]]:
    """struct work_cpu_key and struct work_cpu; all stalls are the first CPU's."""
    for key, work in keys.items():
        stall = (work.stall_count, work.stall_ns)
        for cpu, done in work.cpus.items():
            yield (
                key + struct.pack("=Q", cpu),
                struct.pack("=QQQQ", done.count, done.ns, *stall)
                + _worsts(_if_on(work.worst_latency, cpu))
                + _worsts(_if_on(work.worst_run, cpu)),
            )
            stall = (0, 0)


def _if_on(worst: Worst | None, cpu: int) -> Worst | None:
    return worst if worst and worst.cpu == cpu else None
