"""The probe's structs, enums and maps, read off its own C source, so that a layout stands once.
Pure.

Understands the C that bpf/ is written in and nothing more: fixed-width members, arrays of them,
structs by name, constants of sums and products, ``#if`` of what is defined. Anything else raises
LayoutError, so that a struct is read right or not at all. Words are of 64 bits.
"""

import ast
import operator
import re
import struct
from collections import namedtuple
from collections.abc import Callable, Collection, Iterator, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

from irqwatch.errors import LayoutError

WORD_BYTES = 8

# Bytes, and the letter of Python's struct module.
SCALARS = {
    "u8": (1, "B"),
    "char": (1, "s"),
    "u16": (2, "H"),
    "u32": (4, "I"),
    "u64": (8, "Q"),
    "s64": (8, "q"),
}

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_STRUCT = re.compile(r"^struct (\w+) \{\n(.*?)^\};", re.DOTALL | re.MULTILINE)
_ENUM = re.compile(r"^enum (\w+) \{\n(.*?)^\};", re.DOTALL | re.MULTILINE)
_MEMBER = re.compile(r"(?:struct )?(\w+) (\w+)(?:\[([^\]]+)\])?")
_TABLE = re.compile(r'^BPF_(?:F_)?TABLE\("(\w+)",\s*([\w ]+),\s*([\w ]+),\s*(\w+),', re.MULTILINE)
_ARRAY = re.compile(r"^BPF_(?:PERCPU_)?ARRAY\((\w+),\s*([\w ]+),", re.MULTILINE)

_OPERATIONS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.LShift: operator.lshift,
}


class Member(NamedTuple):
    """``type`` is a scalar or the name of a struct; ``length`` is None where it is no array."""

    name: str
    type: str
    length: int | None
    offset_bytes: int


class Struct(NamedTuple):
    name: str
    members: tuple[Member, ...]
    size_bytes: int
    align_bytes: int


class MapTypes(NamedTuple):
    """C types of a map's keys and values."""

    key: str
    value: str


class Layouts:
    """What ``text`` (the whole probe, as it is compiled) declares where the macros ``defined`` are.
    Raises LayoutError."""

    def __init__(self, text: str, defined: Collection[str]) -> None:
        kept, self._constants = _preprocess(_COMMENT.sub("", text), frozenset(defined))
        self._enums = {name: self._enum(body) for name, body in _ENUM.findall(kept)}
        self._bodies = dict(_STRUCT.findall(kept))
        self._structs: dict[str, Struct] = {}
        self._words: dict[str, Any] = {}
        self._keys: dict[str, Callable[[bytes], Any]] = {}
        self.maps = {
            **{name: MapTypes(key, value) for _, key, value, name in _TABLE.findall(kept)},
            **{name: MapTypes("u32", value) for name, value in _ARRAY.findall(kept)},
        }

    def struct(self, name: str) -> Struct:
        if name not in self._structs:
            if name not in self._bodies:
                raise LayoutError(f"the probe's source has no struct {name}")
            self._structs[name] = self._lay_out(name, self._bodies[name])
        return self._structs[name]

    def structs(self) -> Collection[str]:
        return self._bodies.keys()

    def enum(self, name: str) -> Mapping[str, int]:
        """Its constants, in their order."""
        if name not in self._enums:
            raise LayoutError(f"the probe's source has no enum {name}")
        return self._enums[name]

    def enums(self) -> Mapping[str, Mapping[str, int]]:
        return self._enums

    def constant(self, name: str) -> int:
        """Of an object-like macro or an enum."""
        return self._value(name)

    def size_bytes(self, type_name: str) -> int:
        """Of "u64" or "struct worst"."""
        name = type_name.removeprefix("struct ")
        return SCALARS[name][0] if name in SCALARS else self.struct(name).size_bytes

    def at(self, name: str) -> Any:
        """Where the members of a struct stand, by name, in words: an int; of bytes and of arrays of
        words a slice; of an array of structs a range with the first word of each. A member that is
        not made of whole words is not there."""
        if name not in self._words:
            places = {
                member.name: place
                for member in self.struct(name).members
                if (place := self._place(member)) is not None
            }
            self._words[name] = SimpleNamespace(**places)
        return self._words[name]

    def unpack_key(self, type_name: str) -> Callable[[bytes], Any]:
        """A reader of a map's keys: a scalar is an int, a struct a named tuple; a member of a
        struct inside it is ``outer_inner``."""
        if type_name not in self._keys:
            self._keys[type_name] = self._key_reader(type_name)
        return self._keys[type_name]

    def format(self, name: str) -> str:
        """A struct as Python's struct module takes it. The probe's have no hidden padding."""
        return "=" + "".join(letter for _, letter in self._flat(name, ""))

    def _key_reader(self, type_name: str) -> Callable[[bytes], Any]:
        if type_name in SCALARS:
            read = struct.Struct("=" + SCALARS[type_name][1])
            return lambda raw: read.unpack(raw)[0]
        name = type_name.removeprefix("struct ")
        packed = struct.Struct(self.format(name))
        fields = [field for field, _ in self._flat(name, "")]
        made = _named_tuple(name, fields)
        return lambda raw: made._make(packed.unpack(raw))

    def _flat(self, name: str, prefix: str) -> Iterator[tuple[str, str]]:
        """(name, format) of each member, those of structs inside included."""
        for member in self.struct(name).members:
            if member.type == "char":
                yield prefix + member.name, f"{member.length or 1}s"
            elif member.type in SCALARS:
                yield prefix + member.name, f"{member.length or ''}{SCALARS[member.type][1]}"
            elif member.length is None:
                yield from self._flat(member.type, f"{prefix}{member.name}_")
            else:
                raise LayoutError(f"struct {name}.{member.name} is an array of structs")

    def _place(self, member: Member) -> "int | slice[int, int, None] | range | None":
        size = self.size_bytes(member.type)
        begin, whole = divmod(member.offset_bytes, WORD_BYTES)
        length = size * (1 if member.length is None else member.length)
        if whole or length % WORD_BYTES:
            return None
        if member.length is None:
            return begin
        if member.type in SCALARS:
            return slice(begin, begin + length // WORD_BYTES)
        return range(begin, begin + length // WORD_BYTES, size // WORD_BYTES)

    def _lay_out(self, name: str, body: str) -> Struct:
        members: list[Member] = []
        offset = align = 0
        for declaration in filter(None, (part.strip() for part in body.split(";"))):
            match = _MEMBER.fullmatch(" ".join(declaration.split()))
            if not match:
                raise LayoutError(f"struct {name}: {declaration!r} is not understood")
            type_name, member, length = match[1], match[2], match[3]
            count = None if length is None else self._value(length)
            is_scalar = type_name in SCALARS
            size = SCALARS[type_name][0] if is_scalar else self.struct(type_name).size_bytes
            own_align = size if is_scalar else self.struct(type_name).align_bytes
            if offset % own_align:
                raise LayoutError(f"struct {name} has padding before {member}")
            members.append(Member(member, type_name, count, offset))
            offset += size * (1 if count is None else count)
            align = max(align, own_align)
        if not members or offset % align:
            raise LayoutError(f"struct {name} has padding at its end, or nothing in it")
        return Struct(name, tuple(members), offset, align)

    def _enum(self, body: str) -> dict[str, int]:
        values: dict[str, int] = {}
        number = 0
        for item in filter(None, (part.strip() for part in body.split(","))):
            name, _, value = (part.strip() for part in item.partition("="))
            number = self._value(value) if value else number
            values[name] = self._constants[name] = number
            number += 1
        return values

    def _value(self, text: str) -> int:
        constant = self._constants.get(text)
        if isinstance(constant, int):
            return constant
        try:
            tree = ast.parse(constant if constant is not None else text, mode="eval").body
        except SyntaxError as error:
            raise LayoutError(f"{text!r} is no constant") from error
        return self._evaluate(tree, text)

    def _evaluate(self, tree: ast.expr, text: str) -> int:
        match tree:
            case ast.Constant(value=int(number)):
                return number
            case ast.Name(id=name) if name in self._constants:
                return self._value(name)
            case ast.BinOp(left, kind, right) if type(kind) in _OPERATIONS:
                operation = _OPERATIONS[type(kind)]
                return operation(self._evaluate(left, text), self._evaluate(right, text))
        raise LayoutError(f"{text!r} is no constant")


def _named_tuple(name: str, fields: list[str]) -> Any:
    make: Any = namedtuple  # its fields are known only here
    return make(name, fields)


def _preprocess(text: str, defined: frozenset[str]) -> tuple[str, dict[str, "int | str"]]:
    """The lines that are compiled, and the object-like macros."""
    kept: list[str] = []
    constants: dict[str, int | str] = {}
    open_ifs: list[bool] = []
    for line in text.replace("\\\n", " ").splitlines():
        words = line.split(None, 2)
        directive = words[0] if words and words[0].startswith("#") else ""
        if directive in ("#ifdef", "#ifndef"):
            known = words[1] in defined or words[1] in constants
            open_ifs.append(known == (directive == "#ifdef"))
        elif directive == "#if":
            open_ifs.append(_holds(line.split(None, 1)[1], defined | constants.keys()))
        elif directive == "#else":
            open_ifs[-1] = not open_ifs[-1]
        elif directive == "#endif":
            open_ifs.pop()
        elif all(open_ifs):
            if directive == "#define" and len(words) > 1 and "(" not in words[1]:
                constants[words[1]] = words[2].strip() if len(words) > 2 else ""
            elif not directive:
                kept.append(line)
    return "\n".join(kept) + "\n", constants


def _holds(condition: str, defined: Collection[str]) -> bool:
    """Of ``defined(A) && (defined(B) || …)``. Raises LayoutError."""
    names = re.sub(r"defined\((\w+)\)", lambda found: str(found[1] in defined), condition)
    words = re.findall(r"True|False|&&|\|\||!|[()]|\S", names)
    python = {"&&": " and ", "||": " or ", "!": " not "}
    if not all(word in {"True", "False", "(", ")", *python} for word in words):
        raise LayoutError(f"#if {condition} is not understood")
    tree = ast.parse("".join(python.get(word, word) for word in words), mode="eval").body
    return _truth(tree)


def _truth(tree: ast.expr) -> bool:
    match tree:
        case ast.Constant(value=bool(value)):
            return value
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _truth(operand)
        case ast.BoolOp(op=ast.And(), values=values):
            return all(map(_truth, values))
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(map(_truth, values))
    raise LayoutError("#if is not understood")
