"""The probe's maps as they were read at one instant, for the collectors to decode. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from irqwatch.base.layout import WORD_BYTES, Layouts
from irqwatch.base.words import worst
from irqwatch.model.snapshot import Worst


class Reading:
    """``tables`` are the (key, value) of hash maps, ``arrays`` the parts of all ``possible`` CPUs
    of per-CPU arrays of one entry. ``epoch`` is the last one of the worst events, whose slot no
    program writes any more (decision 3); ``machine`` is as uname -m says."""

    def __init__(
        self,
        *,
        layouts: Layouts,
        possible: tuple[int, ...],
        machine: str,
        epoch: int,
        tables: Mapping[str, Sequence[tuple[bytes, memoryview]]],
        arrays: Mapping[str, memoryview],
    ) -> None:
        self.layouts = layouts
        self.possible = possible
        self.machine = machine
        self.epoch = epoch
        self.tables = tables
        self.arrays = arrays
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

    def worst(self, value: memoryview, at: int, cpu: int) -> Worst | None:
        """The worst event of the epoch that is over in the struct worsts at word ``at``."""
        return worst(value, at, self.epoch, cpu)
