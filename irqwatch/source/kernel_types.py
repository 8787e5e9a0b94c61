"""A kernel's own types, read from its BTF (Documentation/bpf/btf.rst; include/uapi/linux/btf.h):
what a tracepoint hands over, where a struct's fields stand, what an enum's constants are. Pure.

Nothing but the standard library, and any Python from 3.9 on: the loader child runs it with the
distribution's interpreter. libbpf reads BTF too, but each version only the kinds that it knows:
that of Debian 11 (0.3) none of a kernel since 5.13.

A type is told by a text of its own, in which typedefs are followed and integers go by their size,
for compilers and kernels call one integer by several names: ``u32``, ``s64``, ``bool``, ``char``,
``struct task_struct *``, ``char[]``.
"""

import struct
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

MAGIC = 0xEB9F
WORD_BYTES = 4
HEADER_WORDS = 3  # struct btf_type: name, info, size or type

# Of the info: the number of members is below.
KIND_BIT, KIND_MASK = 24, 0x1F

# enum of BTF_KIND_*, include/uapi/linux/btf.h.
INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF = range(1, 9)
VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, VAR, DATASEC, FLOAT = range(9, 17)
DECL_TAG, TYPE_TAG, ENUM64 = range(17, 20)

# Words that follow the header: (a fixed number, so many for each member).
FOLLOWING = {
    INT: (1, 0),
    PTR: (0, 0),
    ARRAY: (3, 0),
    STRUCT: (0, 3),
    UNION: (0, 3),
    ENUM: (0, 2),
    FWD: (0, 0),
    TYPEDEF: (0, 0),
    VOLATILE: (0, 0),
    CONST: (0, 0),
    RESTRICT: (0, 0),
    FUNC: (0, 0),
    FUNC_PROTO: (0, 2),
    VAR: (1, 0),
    DATASEC: (0, 3),
    FLOAT: (0, 0),
    DECL_TAG: (1, 0),
    TYPE_TAG: (0, 0),
    ENUM64: (0, 3),
}
TRANSPARENT = frozenset({TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG})
TAGGED = {STRUCT: "struct", UNION: "union", FWD: "struct", ENUM: "enum", ENUM64: "enum"}

# The upper byte of INT's own word.
IS_SIGNED, IS_BOOL = 1, 4


class Field(NamedTuple):
    """Of a struct; ``type`` as text."""

    offset_bytes: int
    type: str


class Steps(dict[int, int]):
    """How many words a type has, by its info. Raises ValueError where its kind is not known."""

    def __missing__(self, info: int) -> int:
        kind = info >> KIND_BIT & KIND_MASK
        if kind not in FOLLOWING:
            raise ValueError(f"it holds types of kind {kind}, which is not known")
        fixed, each = FOLLOWING[kind]
        self[info] = HEADER_WORDS + fixed + each * (info & 0xFFFF)
        return self[info]


class KernelTypes:
    """``raw`` is a whole BTF, as in /sys/kernel/btf/vmlinux. Raises ValueError where it is none, or
    holds a kind of type that is not known: what follows that could not be told."""

    def __init__(self, raw: bytes) -> None:
        if len(raw) < 24 or struct.unpack_from("=H", raw)[0] != MAGIC:
            raise ValueError("it is no BTF of this machine's byte order")
        header = struct.unpack_from("=HBBIIIII", raw)
        head_bytes, type_at, type_bytes, string_at, string_bytes = header[3:]
        begin = head_bytes + string_at
        self._strings = raw[begin : begin + string_bytes]
        begin = head_bytes + type_at
        self._raw = raw[begin : begin + type_bytes]
        if len(self._raw) != type_bytes or len(self._strings) != string_bytes or type_bytes % 4:
            raise ValueError("it is cut short")
        self._words = memoryview(self._raw).cast("I")
        self._starts: list[int] = []  # the word at which each type starts, by its id less 1
        self._tracepoints: dict[bytes, int] = {}  # the word at which the typedef of each starts
        self._index()

    def _index(self) -> None:
        """There are more than a hundred thousand: as little as can be for each."""
        words, steps = self._words, Steps()
        typedef = TYPEDEF << KIND_BIT
        add, typedefs = self._starts.append, []
        at, end = 0, len(words)
        while at < end:
            add(at)
            info = words[at + 1]
            if info == typedef:
                typedefs.append(at)
            at += steps[info]
        if at != end:
            raise ValueError("its last type is cut short")
        starts = {words[start]: start for start in typedefs}
        self._tracepoints = {
            name: starts[name_at] for name, name_at in self._traced() if name_at in starts
        }

    def _traced(self) -> Iterator[tuple[bytes, int]]:
        """Tracepoints, and where the names of their typedefs stand."""
        strings, before = self._strings, b"\0btf_trace_"
        at = strings.find(before)
        while at >= 0:
            begin = at + len(before)
            end = strings.index(b"\0", begin)
            yield strings[begin:end], at + 1
            at = strings.find(before, end)

    def arguments(self, tracepoint: str) -> "tuple[str, ...] | None":
        """Types of what it hands over; None where the kernel has no such tracepoint, modules aside.
        include/trace/bpf_probe.h makes for each a typedef of a pointer to its function, whose first
        argument is not the program's."""
        found = self._tracepoints.get(tracepoint.encode())
        at = None if found is None else self._skip(self._words[found + 2])
        if at is not None and self._kind(at) == PTR:
            at = self._skip(self._words[at + 2])
        if at is None or self._kind(at) != FUNC_PROTO:
            return None
        first = at + HEADER_WORDS
        count = self._words[at + 1] & 0xFFFF
        types = [self._text(self._words[first + 2 * index + 1]) for index in range(count)]
        return tuple(types[1:])

    def has_struct(self, name: str) -> bool:
        return any(True for _ in self._structs(name))

    def field(self, name: str, path: str) -> Field:
        """Of ``struct name``: ``path`` is a member, or a member of a struct that is a member
        (``node.expires``). Anonymous structs and unions are looked through. Raises LookupError."""
        for start in self._structs(name):
            at: int | None = start
            offset_bits = 0
            type_id = 0
            for step in path.split("."):
                found = None if at is None else self._member(at, step.encode() + b"\0")
                if found is None:
                    break
                offset_bits += found[0]
                type_id = found[1]
                at = self._skip(type_id)
            else:
                if offset_bits % 8:
                    raise LookupError(f"struct {name}.{path} is a bit field")
                return Field(offset_bits // 8, self._text(type_id))
        raise LookupError(f"there is no struct {name} with {path}")

    def enumerator(self, name: str) -> "int | None":
        """The value of an enum's constant; None where no enum has it."""
        name_at = self._name_at(name)
        if name_at is None:
            return None
        for at in self._places(name_at):
            start = self._starts[bisect_right(self._starts, at) - 1]
            kind = self._kind(start)
            if kind not in (ENUM, ENUM64):
                continue
            each = FOLLOWING[kind][1]
            if at < start + HEADER_WORDS or (at - start - HEADER_WORDS) % each:
                continue
            value = self._words[at + 1]
            if kind == ENUM64:
                return value | self._words[at + 2] << 32
            is_signed = self._words[start + 1] >> 31
            return value - (1 << 32) if is_signed and value >> 31 else value
        return None

    def _kind(self, at: int) -> int:
        return self._words[at + 1] >> KIND_BIT & KIND_MASK

    def _name(self, name_at: int) -> str:
        end = self._strings.index(b"\0", name_at)
        return self._strings[name_at:end].decode("ascii", "replace")

    def _name_at(self, name: str) -> "int | None":
        """Where the name stands among the strings; each stands there once."""
        at = self._strings.find(b"\0" + name.encode() + b"\0")
        return None if at < 0 else at + 1

    def _places(self, word: int) -> Iterator[int]:
        """Where a word stands among the types."""
        sought = struct.pack("=I", word)
        at = self._raw.find(sought)
        while at >= 0:
            if not at % WORD_BYTES:
                yield at // WORD_BYTES
            at = self._raw.find(sought, at + 1)

    def _structs(self, name: str) -> Iterator[int]:
        """Where those of that name start."""
        name_at = self._name_at(name)
        if name_at is None:
            return
        for at in self._places(name_at):
            index = bisect_right(self._starts, at) - 1
            if self._starts[index] == at and self._kind(at) == STRUCT:
                yield at

    def _skip(self, type_id: int) -> "int | None":
        """Where the type starts that is behind typedefs and qualifiers; None of void."""
        while type_id:
            at = self._starts[type_id - 1]
            if self._kind(at) not in TRANSPARENT:
                return at
            type_id = self._words[at + 2]
        return None

    def _member(self, at: int, name: bytes) -> "tuple[int, int] | None":
        """(offset in bits, type) of a member of the struct or union that starts there, by its name
        with the zero byte that ends it."""
        words = self._words
        if self._kind(at) not in (STRUCT, UNION):
            return None
        info = words[at + 1]
        first = at + HEADER_WORDS
        for member in range(first, first + 3 * (info & 0xFFFF), 3):
            name_at, type_id, offset = words[member], words[member + 1], words[member + 2]
            if info >> 31:  # then the upper eight bits are the width of a bit field
                width, offset = offset >> 24, offset & 0xFFFFFF
            else:
                width = 0
            if self._strings.startswith(name, name_at):
                if width:
                    raise LookupError(f"{self._name(name_at)} is a bit field")
                return offset, type_id
            inner = None if name_at else self._skip(type_id)
            found = None if inner is None else self._member(inner, name)
            if found:
                return offset + found[0], found[1]
        return None

    def _text(self, type_id: int) -> str:
        typedef = ""
        while type_id:
            at = self._starts[type_id - 1]
            kind = self._kind(at)
            if kind not in TRANSPARENT:
                return self._plain(at, kind, typedef)
            if kind == TYPEDEF:
                typedef = self._name(self._words[at])
            type_id = self._words[at + 2]
        return "void"

    def _plain(self, at: int, kind: int, typedef: str) -> str:
        """Of the type that starts there; ``typedef`` names what has no name of its own."""
        name = self._name(self._words[at])
        if kind == INT:
            return self._integer(at, name)
        if kind == PTR:
            return f"{self._text(self._words[at + 2])} *"
        if kind == ARRAY:
            return f"{self._text(self._words[at + HEADER_WORDS])}[]"
        if kind in TAGGED:
            tag = "union" if kind == FWD and self._words[at + 1] >> 31 else TAGGED[kind]
            return f"{tag} {name}" if name else typedef or tag
        return "function" if kind == FUNC_PROTO else name

    def _integer(self, at: int, name: str) -> str:
        """``char`` is signed or not as the architecture and the kernel's version have it."""
        encoding = self._words[at + HEADER_WORDS] >> 24
        if encoding & IS_BOOL or name == "char":
            return "bool" if encoding & IS_BOOL else name
        return f"{'s' if encoding & IS_SIGNED else 'u'}{self._words[at + 2] * 8}"
