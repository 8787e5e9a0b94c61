"""The probe's maps as they were read at one instant, for the collectors to decode: what structs of
bpf/irqwatch.h hold, read as 64-bit words. Pure.

Where a member stands is asked of ``irqwatch.base.layout``. The few structs that are read here by
their form are held against the source by ``check_forms``.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import compress
from typing import Any

from irqwatch.base.layout import WORD_BYTES, Layouts
from irqwatch.base.text import clean
from irqwatch.errors import LayoutError
from irqwatch.model.histogram import BUCKETS, EMPTY, Histogram
from irqwatch.model.snapshot import SOFTIRQ_VECTORS, CountAndTime, Worst

HISTOGRAM = f"={1 + BUCKETS}Q"  # the sum, then the buckets
WORST = struct.Struct("=QQII16s")  # ns, at_ns, pid, epoch, comm
COUNT_AND_NS = "=QQ"
NAMED_BY_ADDRESS = 1
_UNNAMED = struct.Struct("=QQ")  # that, and the address

_HISTOGRAM_WORDS = 1 + BUCKETS
_WORST_WORDS = WORST.size // WORD_BYTES
_ALL_BUCKETS = tuple(range(BUCKETS))

# The same names come again at each read, many times.
_NAMES_KEPT = 4096


def check_forms(layouts: Layouts) -> None:
    """Raises LayoutError where the source has another form for what is read here."""
    words = layouts.struct("histogram").size_bytes // WORD_BYTES
    forms = {
        "worst": (layouts.format("worst"), WORST.format),
        "count_and_ns": (layouts.format("count_and_ns"), COUNT_AND_NS),
        "histogram": (f"={words}Q", HISTOGRAM),
        "functions by address": (layouts.constant("NAMED_BY_ADDRESS"), NAMED_BY_ADDRESS),
        "number of softirqs": (layouts.constant("NR_SOFTIRQS"), len(SOFTIRQ_VECTORS)),
        "place of the worst": (list(layouts.at("worsts").slot), [0, _WORST_WORDS]),
        "place of buckets": (layouts.at("histogram").buckets, slice(1, 1 + BUCKETS)),
    }
    for what, (of_source, here) in forms.items():
        if of_source != here:
            raise LayoutError(f"bpf/ and irqwatch are of different versions: {what}")


def histogram(value: memoryview, at: int) -> Histogram:
    """struct histogram at word ``at``."""
    counts = value[at + 1 : at + _HISTOGRAM_WORDS].tolist()
    # Most are zero, and a scrape reads a hundred histograms: no step in Python for each bucket.
    held = dict(zip(compress(_ALL_BUCKETS, counts), filter(None, counts), strict=True))
    return Histogram(held, value[at]) if held else EMPTY


def worst(value: memoryview, at: int, epoch: int, cpu: int) -> Worst | None:
    """The worst event of ``epoch`` (one that is over) in the struct worsts at word ``at``."""
    at += (epoch & 1) * _WORST_WORDS
    if not value[at]:
        return None
    ns, at_ns, pid, of_epoch, comm = WORST.unpack_from(value, at * WORD_BYTES)
    if of_epoch != epoch:
        return None
    return Worst(ns=ns, at_ns=at_ns, cpu=cpu, pid=pid, comm=text(comm))


def count_and_time(value: memoryview, at: int = 0) -> CountAndTime:
    """struct count_and_ns at word ``at``."""
    return CountAndTime(value[at], value[at + 1])


def string(value: memoryview, at: "slice[int, int, None]") -> str:
    """A NUL-terminated string, made printable."""
    return text(value[at].tobytes())


@lru_cache(_NAMES_KEPT)
def text(raw: bytes) -> str:
    """``raw`` up to its first NUL, made printable."""
    return clean(raw.partition(b"\0")[0])


def unnamed(raw: bytes) -> int | None:
    """The address in place of a function's name, of a kernel that cannot write names (bpf/common.c,
    put_function())."""
    form, address = _UNNAMED.unpack_from(raw)
    return address if form == NAMED_BY_ADDRESS else None


class Reading:
    """``tables`` are the (key, value) of hash maps, ``arrays`` the parts of all ``possible`` CPUs
    of per-CPU arrays of one entry. ``epoch`` is the last one of the worst events, whose slot no
    program writes any more (decision 3); ``machine`` is as uname -m says; ``symbols`` names the
    functions that the kernel could not."""

    def __init__(
        self,
        *,
        layouts: Layouts,
        possible: tuple[int, ...],
        machine: str,
        epoch: int,
        tables: Mapping[str, Sequence[tuple[bytes, memoryview]]],
        arrays: Mapping[str, memoryview],
        symbols: Mapping[int, str] | None = None,
    ) -> None:
        self.layouts = layouts
        self.possible = possible
        self.machine = machine
        self.epoch = epoch
        self.tables = tables
        self.arrays = arrays
        self.symbols = symbols or {}
        self._entries: dict[str, list[tuple[Any, memoryview]]] = {}

    def at(self, struct: str) -> Any:
        """Where members of a struct stand, in words: ``irqwatch.base.layout.Layouts.at``."""
        return self.layouts.at(struct)

    def entries(self, table: str) -> Sequence[tuple[Any, memoryview]]:
        """(key, value as words); none of a table whose collectors are off. A key that is a struct
        has its members by name. Unpacked once, for several collectors may ask for one table."""
        if table not in self._entries:
            self._entries[table] = self._unpacked(table) if table in self.tables else []
        return self._entries[table]

    def _unpacked(self, table: str) -> list[tuple[Any, memoryview]]:
        unpack = self.layouts.unpack_key(self.layouts.maps[table].key)
        return [(unpack(key), value.cast("Q")) for key, value in self.tables[table]]

    def each_cpu(self, array: str) -> Iterator[tuple[int, memoryview]]:
        """(CPU, its value as words)."""
        if array in self.arrays:
            words = self.arrays[array].cast("Q")
            size = self.layouts.size_bytes(self.layouts.maps[array].value) // WORD_BYTES
            for index, cpu in enumerate(self.possible):
                yield cpu, words[index * size : (index + 1) * size]

    def function(self, value: memoryview, at: "slice[int, int, None]") -> str:
        """The name of a function of the kernel's."""
        if value[at.start] != NAMED_BY_ADDRESS:
            return string(value, at)
        address = value[at.start + 1]
        return self.symbols.get(address, f"0x{address:x}")

    def worst(self, value: memoryview, at: int, cpu: int) -> Worst | None:
        """The worst event of the epoch that is over in the struct worsts at word ``at``."""
        return worst(value, at, self.epoch, cpu)
