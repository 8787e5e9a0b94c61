"""The probe's values as Python: the reader's half of the ABI in bpf/irqwatch.h. Pure.

Every struct there is made of 64-bit words but for a few byte strings and pairs of 32-bit numbers,
so a value is read as words. ``*_WORDS`` are the sizes, held against the loaded maps at start.
"""

import struct
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress

from irqwatch.model.histogram import BUCKETS, EMPTY, Histogram
from irqwatch.model.snapshot import SOFTIRQ_VECTORS, CountAndTime, SoftirqTime, Worst
from irqwatch.parse.text import clean

HISTOGRAM_WORDS = 1 + BUCKETS
ALL_BUCKETS = tuple(range(BUCKETS))
WORST_WORDS = 5
WORSTS_WORDS = 2 * WORST_WORDS
NAME_WORDS = 48 // 8
FUNCTION_WORDS = 64 // 8
HARDIRQ_KEY = "=QII"
WORK_KEY = "=Q32s"
WORK_CAUSE_KEY = "=Q32sQQII"
COUNT_AND_NS_WORDS = 2

# enum via
VIA_SOFTIRQ = 3
VIAS = ("task", "", "thread", *SOFTIRQ_VECTORS)

# arch/x86/include/asm/irq_vectors.h; the same from 6.1 to 6.18.
X86_VECTORS = {
    0xF4: "deferred_error_apic",
    0xF6: "irq_work",
    0xF7: "x86_platform_ipi",
    0xF9: "threshold_apic",
    0xFA: "thermal_apic",
    0xFB: "call_function_single",
    0xFC: "call_function",
    0xFD: "reschedule",
    0xFE: "error_apic",
    0xFF: "spurious_apic",
    0xEC: "local_timer",
}
IPI_IRQ = 0xFFFFFFFF  # bpf/vector.c

# The same names come again at each read, many times.
NAMES_KEPT = 4096

LOSSES = (
    ("hardirq", "exit_without_entry"),
    ("hardirq", "entry_overwritten"),
    ("hardirq", "map_full"),
    ("softirq", "entry_without_raise"),
    ("softirq", "entry_overwritten"),
    ("softirq", "exit_without_entry"),
    ("softirq", "unknown_raise"),
    ("softirq", "unknown_entry"),
    ("work", "queue_map_full"),
    ("work", "latency_map_full"),
    ("work", "start_map_full"),
    ("work", "end_without_start"),
    ("work", "end_map_full"),
    ("vector", "exit_without_entry"),
    ("vector", "entry_overwritten"),
    ("vector", "map_full"),
    ("softirq", "cause_lost"),
    ("work", "cause_map_full"),
)
LOSSES_AT = 135
SOFTIRQS_AT = LOSSES_AT + 24
SOFTIRQ_HEAD_WORDS = 7
SOFTIRQ_WORDS = SOFTIRQ_HEAD_WORDS + 2 * WORSTS_WORDS + 2 * HISTOGRAM_WORDS
CPU_WORDS = SOFTIRQS_AT
CPU_WORDS_WITH_SOFTIRQS = SOFTIRQS_AT + len(SOFTIRQ_VECTORS) * SOFTIRQ_WORDS
CAUSED_AT = NAME_WORDS + 2 + WORSTS_WORDS + HISTOGRAM_WORDS
HARDIRQ_WORDS = CAUSED_AT + 2 * len(SOFTIRQ_VECTORS)
WORK_WORDS = FUNCTION_WORDS + 2 * HISTOGRAM_WORDS
WORK_CPU_WORDS = 4 + 2 * WORSTS_WORDS


@dataclass(frozen=True, slots=True)
class HardirqValue:
    name: str
    not_mine_count: int
    not_mine_ns: int
    worst: Worst | None
    handled: Histogram
    softirqs: dict[str, CountAndTime]


@dataclass(frozen=True, slots=True)
class WorkCauseKey:
    """struct work_cause_key. ``cause`` is (action's address, irq), as in struct cause."""

    work: tuple[int, str]
    cause: tuple[int, int]
    via: str
    cpu: int


@dataclass(frozen=True, slots=True)
class WorkValue:
    function: str
    latency: Histogram
    run: Histogram


@dataclass(frozen=True, slots=True)
class WorkCpuValue:
    run_count: int
    run_ns: int
    stall_count: int
    stall_ns: int
    worst_latency: Worst | None
    worst_run: Worst | None


def words(value: memoryview) -> memoryview:
    """The value as 64-bit words in host byte order."""
    return value.cast("Q")


def histogram(value: memoryview, at: int) -> Histogram:
    """struct histogram at word ``at``."""
    counts = value[at + 1 : at + HISTOGRAM_WORDS].tolist()
    # Most are zero, and a scrape reads a hundred histograms: no step in Python for each bucket.
    held = dict(zip(compress(ALL_BUCKETS, counts), filter(None, counts), strict=True))
    return Histogram(held, value[at]) if held else EMPTY


def worst(value: memoryview, at: int, epoch: int, cpu: int) -> Worst | None:
    """The worst event of ``epoch`` (one that is over) in the struct worsts at word ``at``."""
    at += (epoch & 1) * WORST_WORDS
    ns, pid_and_epoch = value[at], value[at + 2]
    if pid_and_epoch >> 32 != epoch or not ns:
        return None
    comm = string(value, at + 3, 2)
    return Worst(ns=ns, at_ns=value[at + 1], cpu=cpu, pid=pid_and_epoch & 0xFFFFFFFF, comm=comm)


def longer(one: Worst | None, other: Worst | None) -> Worst | None:
    """The worse of two."""
    if one is None or other is None:
        return one or other
    return one if one.ns >= other.ns else other


def string(value: memoryview, at: int, length_words: int) -> str:
    """A NUL-terminated string of at most ``length_words``, made printable."""
    return text(value[at : at + length_words].tobytes())


@lru_cache(NAMES_KEPT)
def text(raw: bytes) -> str:
    """``raw`` up to its first NUL, made printable."""
    return clean(raw.partition(b"\0")[0])


def work_key(key: bytes) -> tuple[int, str]:
    """struct work_key: the function's address and the workqueue's name."""
    function, workqueue = struct.unpack_from(WORK_KEY, key)
    return function, text(workqueue)


def work_cpu_key(key: bytes) -> tuple[tuple[int, str], int]:
    """struct work_cpu_key: the same, and the CPU."""
    return work_key(key), struct.unpack_from("=Q", key, struct.calcsize(WORK_KEY))[0]


def hardirq_key(key: bytes) -> tuple[int, int, int]:
    """struct hardirq_key: the action's address, the irq, the CPU."""
    action, irq, cpu = struct.unpack(HARDIRQ_KEY, key)
    return action, irq, cpu


def vector(action: int, irq: int, name: str) -> str | None:
    """The name of one of the architecture's own vectors; None where the key is of a line."""
    if irq == IPI_IRQ:
        return name
    return None if action else X86_VECTORS.get(irq, f"vector_{irq:#x}")


def work_cause_key(key: bytes) -> WorkCauseKey:
    """struct work_cause_key."""
    function, workqueue, action, irq, via, cpu = struct.unpack(WORK_CAUSE_KEY, key)
    return WorkCauseKey((function, text(workqueue)), (action, irq), VIAS[via], cpu)


def count_and_time(value: memoryview, at: int = 0) -> CountAndTime:
    """struct count_and_ns at word ``at``."""
    return CountAndTime(value[at], value[at + 1])


def losses(value: memoryview) -> list[int]:
    """Counts in the order of ``LOSSES``, of one CPU's struct cpu."""
    counts: list[int] = value[LOSSES_AT : LOSSES_AT + len(LOSSES)].tolist()
    return counts


def softirqs(value: memoryview, cpu: int, epoch: int) -> list[SoftirqTime]:
    """Vectors that were raised or ran, of one CPU's struct cpu."""
    found = []
    for number, vector in enumerate(SOFTIRQ_VECTORS):
        at = SOFTIRQS_AT + number * SOFTIRQ_WORDS
        worst_at = at + SOFTIRQ_HEAD_WORDS
        latency_at = worst_at + 2 * WORSTS_WORDS
        latency = histogram(value, latency_at)
        run = histogram(value, latency_at + HISTOGRAM_WORDS)
        if latency.buckets or run.buckets:
            found.append(
                SoftirqTime(
                    vector=vector,
                    cpu=cpu,
                    latency=latency,
                    run=run,
                    ksoftirqd_count=value[at],
                    ksoftirqd_ns=value[at + 1],
                    interrupt_count=value[at + 2],
                    interrupt_ns=value[at + 3],
                    restarts=value[at + 4],
                    uncaused=count_and_time(value, at + 5),
                    worst_latency=worst(value, worst_at, epoch, cpu),
                    worst_run=worst(value, worst_at + WORSTS_WORDS, epoch, cpu),
                )
            )
    return found


def hardirq(value: memoryview, cpu: int, epoch: int) -> HardirqValue:
    """struct hardirq."""
    at = NAME_WORDS
    caused = value[CAUSED_AT : CAUSED_AT + 2 * len(SOFTIRQ_VECTORS)].tolist()
    return HardirqValue(
        name=string(value, 0, NAME_WORDS),
        not_mine_count=value[at],
        not_mine_ns=value[at + 1],
        worst=worst(value, at + 2, epoch, cpu),
        handled=histogram(value, at + 2 + WORSTS_WORDS),
        softirqs={
            name: CountAndTime(count, ns)
            for name, count, ns in zip(SOFTIRQ_VECTORS, caused[::2], caused[1::2], strict=True)
            if count or ns
        },
    )


def work_name(value: memoryview) -> str:
    """The function's name in struct work."""
    return string(value, 0, FUNCTION_WORDS)


def work(value: memoryview) -> WorkValue:
    """struct work."""
    at = FUNCTION_WORDS
    return WorkValue(
        function=work_name(value),
        latency=histogram(value, at),
        run=histogram(value, at + HISTOGRAM_WORDS),
    )


def work_cpu(value: memoryview, cpu: int, epoch: int) -> WorkCpuValue:
    """struct work_cpu."""
    run_count, run_ns, stall_count, stall_ns = value[:4].tolist()
    return WorkCpuValue(
        run_count,
        run_ns,
        stall_count,
        stall_ns,
        worst_latency=worst(value, 4, epoch, cpu),
        worst_run=worst(value, 4 + WORSTS_WORDS, epoch, cpu),
    )
