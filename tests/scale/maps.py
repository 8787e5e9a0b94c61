"""The probe's maps as bytes, by the structs of bpf/irqwatch.h, that decode to a given Probe."""

import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from irqwatch.collectors.hardirq import HardirqTime
from irqwatch.collectors.softirq import SoftirqTime
from irqwatch.collectors.vector import VectorTime
from irqwatch.collectors.work import WorkCause, WorkTime
from irqwatch.model.histogram import BUCKETS, Histogram
from irqwatch.model.snapshot import SOFTIRQ_VECTORS, CountAndTime, Probe, Worst
from irqwatch.source.bpf_syscalls import MapShape
from irqwatch.source.loader import layouts
from irqwatch.source.probe import Loaded, ProbeReader

MAPS = (
    "cpus",
    "epochs",
    "hardirqs",
    "works",
    "work_cpus",
    "work_causes",
    "works_waiting",
    "works_running",
    "softirqs_aside",
)
FD = {name: number for number, name in enumerate(MAPS)}

FIRST_FUNCTION = 0xFFFFFFFF81000000
FIRST_ACTION = 0xFFFF888200000000

NO_HISTOGRAM = bytes(8 * (1 + BUCKETS))
NO_WORST = bytes(40)
NO_SOFTIRQ = bytes(56) + 4 * NO_WORST + 2 * NO_HISTOGRAM

HEADER = (Path(__file__).parents[2] / "bpf" / "irqwatch.h").read_text()
LOSSES = re.findall(r"^\tLOSS_([A-Z]+)_([A-Z_]+),$", HEADER, re.MULTILINE)
LOSSES_ROOM = int(re.findall(r"^\tLOSSES = (\d+)$", HEADER, re.MULTILINE)[0])

# arch/x86/include/asm/irq_vectors.h
VECTORS = {"call_function_single": 0xFB, "reschedule": 0xFD, "local_timer": 0xEC}
VIAS = ("task", "", "thread", *SOFTIRQ_VECTORS)  # enum via

Entries = dict[bytes, bytes]


class ProbeMaps:
    """What ``irqwatch.source.probe.ProbeReader`` reads through, with the contents of one probe;
    the programs' statistics apart."""

    def __init__(self, probe: Probe, possible: tuple[int, ...]) -> None:
        self._probe = probe
        self._possible = possible
        self._layouts = layouts(probe.collectors)
        keys = _work_keys(probe.parts["works"])
        self._hash: dict[int, Entries] = {
            FD["hardirqs"]: {
                **dict(_hardirqs(probe.parts["hardirqs"])),
                **dict(_vectors(probe.parts["vectors"])),
            },
            FD["works"]: {key: _work(work) for key, work in keys.items()},
            FD["work_cpus"]: dict(_work_cpus(keys)),
            FD["work_causes"]: dict(_work_causes(probe, keys)),
            FD["works_waiting"]: {},
            FD["works_running"]: {},
            FD["softirqs_aside"]: {},
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
            layouts=self._layouts,
        )
        return ProbeReader(loaded, self._possible, self, lambda: 0)

    def map_shape(self, fd: int) -> MapShape:
        if fd == FD["cpus"]:
            return MapShape(4, len(self._cpus) // len(self._possible), 1)
        if fd == FD["epochs"]:
            return MapShape(4, 4, 1)
        for key, value in self._hash[fd].items():
            return MapShape(len(key), len(value), 1 << 20)
        sizes = self._layouts
        types = sizes.maps[MAPS[fd]]
        return MapShape(sizes.size_bytes(types.key), sizes.size_bytes(types.value), 1 << 20)

    def lookup(self, fd: int, key: bytes) -> memoryview:
        assert fd == FD["cpus"]
        return memoryview(self._cpus)

    def update(self, fd: int, key: bytes, value: bytes) -> None:
        assert fd == FD["epochs"]

    def delete(self, fd: int, key: bytes) -> None:
        self._hash[fd].pop(key, None)

    def items(self, fd: int) -> Iterator[tuple[bytes, memoryview]]:
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
    members = re.findall(
        r"^\t(u64|struct cause|struct move) \w+(?:\[(\w+)\])?;", fields, re.MULTILINE
    )
    lengths = dict(re.findall(r"^#define (\w+) (\d+)", HEADER, re.MULTILINE))
    words = {"u64": 1, "struct cause": 2, "struct move": 3}
    return bytes(8 * sum(words[of] * int(lengths.get(length, 1)) for of, length in members))


def _cpus(probe: Probe, possible: tuple[int, ...]) -> Iterator[bytes]:
    """struct cpu of each; all losses are the first CPU's."""
    softirqs = {(part.cpu, part.vector): part for part in probe.parts["softirqs"]}
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
        struct.pack(
            "=7Q",
            part.ksoftirqd_count,
            part.ksoftirqd_ns,
            part.interrupt_count,
            part.interrupt_ns,
            part.restarts,
            part.uncaused.count,
            part.uncaused.ns,
        )
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
        value = _worsts(part.worst) + _histogram(part.handled) + _caused(part.softirqs)
        yield key, head + value


def _vectors(parts: Iterable[VectorTime]) -> Iterator[tuple[bytes, bytes]]:
    """The same, of the architecture's own."""
    for part in parts:
        key = struct.pack("=QII", 0, VECTORS[part.vector], part.cpu)
        yield key, bytes(64) + _worsts(part.worst) + _histogram(part.run) + _caused(part.softirqs)


def _caused(softirqs: Mapping[str, CountAndTime]) -> bytes:
    """A struct count_and_ns for each vector."""
    parts = (softirqs.get(vector, CountAndTime(0, 0)) for vector in SOFTIRQ_VECTORS)
    return b"".join(struct.pack("=QQ", part.count, part.ns) for part in parts)


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
            on_cpu = work.on_cpu[cpu]
            yield (
                key + struct.pack("=Q", cpu),
                struct.pack("=QQQQQQ", done.count, done.ns, on_cpu.count, on_cpu.ns, *stall)
                + _worsts(_if_on(work.worst_latency, cpu))
                + _worsts(_if_on(work.worst_run, cpu)),
            )
            stall = (0, 0)


def _work_causes(probe: Probe, keys: Mapping[bytes, WorkTime]) -> Iterator[tuple[bytes, bytes]]:
    """struct work_cause_key and struct count_and_ns."""
    actions: dict[tuple[int | None, str], int] = {}
    for number, part in enumerate(probe.parts["hardirqs"]):
        actions.setdefault((part.irq, part.action), FIRST_ACTION + 128 * number)
    by_name = {(work.function, work.workqueue): key for key, work in keys.items()}
    for caused in probe.parts["work_causes"]:
        action = actions.get((caused.irq, caused.cause), 0)
        rest = struct.pack("=QQII", action, _irq(caused), VIAS.index(caused.via), caused.cpu)
        value = struct.pack("=QQ", caused.runs.count, caused.runs.ns)
        yield by_name[caused.function, caused.workqueue] + rest, value


def _irq(caused: WorkCause) -> int:
    """As in struct cause: the line's or the vector's; 0 of none."""
    return VECTORS.get(caused.cause, 0) if caused.irq is None else caused.irq


def _if_on(worst: Worst | None, cpu: int) -> Worst | None:
    return worst if worst and worst.cpu == cpu else None
