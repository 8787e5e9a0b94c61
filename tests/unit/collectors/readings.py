"""Maps as bytes, from the members of their structs by name."""

import struct
from collections.abc import Iterable, Mapping
from typing import Any

from irqwatch.base.layout import SCALARS, Layouts
from irqwatch.base.reading import Reading
from irqwatch.collectors import BY_NAME
from irqwatch.source.loader import layouts

LAYOUTS = layouts(BY_NAME)


def packed(name: str, members: Mapping[str, Any], of: Layouts = LAYOUTS) -> bytes:
    """A struct; what is not named is zero. A struct inside it is a mapping, an array a mapping by
    index or all of it, bytes or numbers."""
    made = bytearray(of.struct(name).size_bytes)
    for member in of.struct(name).members:
        if member.name not in members:
            continue
        size = of.size_bytes(member.type)
        given = members[member.name]
        if member.type == "char":
            raw = given.ljust(member.length or 1, b"\0")
            made[member.offset_bytes : member.offset_bytes + len(raw)] = raw
            continue
        for index, value in given.items() if member.length else ((0, given),):
            at = member.offset_bytes + index * size
            if member.type in SCALARS:
                struct.pack_into("=" + SCALARS[member.type][1], made, at, value)
            else:
                made[at : at + size] = packed(member.type, value, of)
    assert len(made) == of.struct(name).size_bytes
    return bytes(made)


def entry(table: str, key: Any, value: Mapping[str, Any]) -> tuple[bytes, memoryview]:
    types = LAYOUTS.maps[table]
    raw = struct.pack("=Q", key) if types.key == "u64" else packed(types.key.split()[1], key)
    return raw, memoryview(packed(types.value.split()[1], value))


def reading(
    tables: Mapping[str, Iterable[tuple[bytes, memoryview]]] | None = None,
    arrays: Mapping[str, Iterable[Mapping[str, Any]]] | None = None,
    possible: tuple[int, ...] = (0, 1),
    epoch: int = 0,
) -> Reading:
    """``arrays``: the members of each CPU's struct."""
    parts = {
        name: memoryview(b"".join(packed(LAYOUTS.maps[name].value.split()[1], one) for one in of))
        for name, of in (arrays or {}).items()
    }
    held = {name: list(entries) for name, entries in (tables or {}).items()}
    return Reading(
        layouts=LAYOUTS,
        possible=possible,
        machine="x86_64",
        epoch=epoch,
        tables=held,
        arrays=parts,
    )
