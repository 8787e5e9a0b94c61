"""Snapshot ↔ tree, the kind that JSON holds: dict by field name, list, int, str, bool, None.

Generic over the model's frozen dataclasses and the collectors' parts, which stand in a probe by
their names. A field that holds its default is left out, so a field that a later version adds is
read by it as its default, and one that this version does not know is stepped over. A tree is read
with distrust: only what the model's types allow becomes a Snapshot.
"""

import dataclasses
import functools
import itertools
import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from irqwatch.collectors import PARTS
from irqwatch.model.histogram import BUCKETS, Histogram
from irqwatch.model.snapshot import Probe, Snapshot
from irqwatch.model.topology import NR_CPUS
from irqwatch.record import bounds

Tree = dict[str, "Tree"] | list["Tree"] | int | str | bool | None

# No set in the model holds more than the CPUs or nodes of a machine, and equal sets of one snapshot
# are one object. A few bytes of a hostile recording name a
# whole set, so what all sets of a snapshot hold together is bounded too.
LARGEST_MEMBER = NR_CPUS - 1
MOST_MEMBERS = 1 << 21

INT_MIN, INT_MAX = -(1 << 63), (1 << 64) - 1
_OTHERS = re.compile(r"[^ -~]+")
_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,19}")


# In place of the tree before, where there was none.
_NONE = object()


class Unfit(ValueError):
    """The tree does not hold what the model's types say; the text says where and what."""


class _NumberSets:
    """The sets of numbers in snapshots: each kept once, all together bounded."""

    def __init__(self) -> None:
        self._by_runs: dict[tuple[int, ...], frozenset[int]] = {}
        self._members = 0
        self._most_members = MOST_MEMBERS

    def bound(self, most_members: int) -> None:
        """From here on they may have so many together."""
        self._most_members = min(most_members, MOST_MEMBERS)

    def of(self, runs: list[Any]) -> frozenset[int]:
        """``[0, 3, 8, 8]`` → {0, 1, 2, 3, 8}."""
        key = tuple(_int(bound) for bound in runs)
        if key not in self._by_runs:
            self._by_runs[key] = self._expand(key)
        return self._by_runs[key]

    def _expand(self, bounds: tuple[int, ...]) -> frozenset[int]:
        if len(bounds) % 2 or not all(0 <= bound <= LARGEST_MEMBER for bound in bounds):
            raise Unfit("not a set of CPUs or nodes")
        if any(later < earlier for earlier, later in itertools.pairwise(bounds)):
            raise Unfit("a set out of order")
        pairs = list(zip(bounds[::2], bounds[1::2], strict=True))
        self._members += sum(last - first + 1 for first, last in pairs)
        if self._members > self._most_members:
            raise Unfit("sets too large")
        return frozenset(n for first, last in pairs for n in range(first, last + 1))


@dataclasses.dataclass(frozen=True, slots=True)
class _Codec:
    """How values of one type are written and read."""

    encode: Callable[[Any], Tree]
    # Of a tree, given the one that stood in its place in the sample before (_NONE: there was none)
    # and what was made of it: what is the same object in both is not made again.
    decode: Callable[[Any, _NumberSets, Any, Any], Any]


def to_tree(snapshot: Snapshot) -> Tree:
    return _codec(Snapshot).encode(snapshot)


def from_tree(tree: Tree) -> Snapshot:
    """Raises Unfit."""
    return Reader().snapshot(tree, MOST_MEMBERS)


class Reader:
    """Makes Snapshots of trees of which each is the one before with a change made."""

    def __init__(self) -> None:
        self._sets = _NumberSets()
        self._tree: Any = _NONE
        self._snapshot: Snapshot | None = None

    def snapshot(self, tree: Tree, most_members: int) -> Snapshot:
        """``most_members``: how many the sets of all of them may have together. Raises Unfit."""
        self._sets.bound(most_members)
        made: Snapshot = _codec(Snapshot).decode(tree, self._sets, self._tree, self._snapshot)
        self._tree, self._snapshot = tree, made
        return made


@functools.cache
def _codec(hint: Any) -> _Codec:
    """The codec of a type as the model writes it in its annotations."""
    if hint is Probe:
        return _probe_codec()
    if dataclasses.is_dataclass(hint):
        return _dataclass_codec(typing.cast(type, hint))
    if hint in _LEAVES:
        return _LEAVES[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union) and arguments[1:] == (types.NoneType,):
        return _optional_codec(_codec(arguments[0]))
    if origin is tuple and arguments[1:] == (...,):
        return _tuple_codec(_codec(arguments[0]))
    if origin is Mapping and arguments[0] in (int, str):
        return _mapping_codec(arguments[0], _codec(arguments[1]))
    raise TypeError(f"a recording has no way to write {hint}")


def _dataclass_codec(cls: type) -> _Codec:
    hints = typing.get_type_hints(cls)
    fields = [(f.name, _codec(hints[f.name]), _default(f)) for f in dataclasses.fields(cls)]
    required = {name for name, _, default in fields if default is dataclasses.MISSING}
    readers = {name: codec.decode for name, codec, _ in fields}

    def encode(value: Any) -> Tree:
        return {
            name: codec.encode(part)
            for name, codec, default in fields
            if (part := getattr(value, name)) != default
        }

    def decode(tree: Any, sets: _NumberSets, before: Any, made: Any) -> Any:
        if tree is before:
            return made
        if not isinstance(tree, dict):
            raise Unfit(f"no {cls.__name__}")
        if missing := required - tree.keys():
            raise Unfit(f"{cls.__name__} without {min(missing)}")
        if isinstance(before, dict):
            known = {
                n: readers[n](part, sets, before.get(n, _NONE), getattr(made, n))
                for n, part in tree.items()
                if n in readers
            }
        else:
            known = {n: readers[n](p, sets, _NONE, None) for n, p in tree.items() if n in readers}
        return _checked(cls(**known))

    return _Codec(encode, decode)


def _probe_codec() -> _Codec:
    """The collectors' parts are keys of a probe as its own fields are."""
    own = _dataclass_codec(Probe)
    parts = {part.name: _tuple_codec(_codec(typing.cast(Any, part.type))) for part in PARTS}

    def encode(value: Any) -> Tree:
        tree = own.encode(dataclasses.replace(value, parts={}))
        assert isinstance(tree, dict)
        held = {name: parts[name].encode(of_it) for name, of_it in value.parts.items() if of_it}
        return {**tree, **held}

    def decode(tree: Any, sets: _NumberSets, before: Any, made: Any) -> Any:
        if tree is before:
            return made
        if not isinstance(tree, dict):
            raise Unfit("no Probe")
        was = (before, made.parts) if isinstance(before, dict) else ({}, {})
        held = {
            name: codec.decode(tree[name], sets, was[0].get(name, _NONE), was[1].get(name))
            for name, codec in parts.items()
            if name in tree
        }
        rest = {name: part for name, part in tree.items() if name not in parts and name != "parts"}
        return dataclasses.replace(own.decode(rest, sets, before, made), parts=held)

    return _Codec(encode, decode)


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _checked(value: Any) -> Any:
    """A bucket beyond the last has an edge that fills the memory of who asks for it."""
    if isinstance(value, Histogram) and not all(0 <= b < BUCKETS for b in value.buckets):
        raise Unfit("no such histogram bucket")
    return value


def _optional_codec(codec: _Codec) -> _Codec:
    return _Codec(
        lambda value: None if value is None else codec.encode(value),
        lambda tree, *how: None if tree is None else codec.decode(tree, *how),
    )


def _tuple_codec(codec: _Codec) -> _Codec:
    def decode(tree: Any, sets: _NumberSets, before: Any, made: Any) -> Any:
        if tree is before:
            return made
        items = _list(tree)
        old = zip(before, made, strict=True) if isinstance(before, list) else ()
        pairs = itertools.chain(old, itertools.repeat((_NONE, None)))
        return tuple(
            [
                value if item is was else codec.decode(item, sets, was, value)
                for item, (was, value) in zip(items, pairs, strict=False)
            ]
        )

    return _Codec(lambda value: [codec.encode(item) for item in value], decode)


def _mapping_codec(key: type, codec: _Codec) -> _Codec:
    read_key = _number if key is int else _str

    def encode(value: Mapping[Any, Any]) -> Tree:
        return {str(name): codec.encode(part) for name, part in value.items()}

    def decode(tree: Any, sets: _NumberSets, before: Any, made: Any) -> Any:
        if tree is before:
            return made
        if not isinstance(tree, dict):
            raise Unfit("no mapping")
        if not isinstance(before, dict):
            return {read_key(n): codec.decode(part, sets, _NONE, None) for n, part in tree.items()}
        keys = {name: read_key(name) for name in tree}
        return {
            key: codec.decode(tree[name], sets, before.get(name, _NONE), made.get(key))
            for name, key in keys.items()
        }

    return _Codec(encode, decode)


def _list(tree: Any) -> list[Any]:
    if not isinstance(tree, list):
        raise Unfit("no list")
    return tree


def _int(tree: Any) -> int:
    if type(tree) is not int or not INT_MIN <= tree <= INT_MAX:
        raise Unfit("no 64-bit number")
    return tree


def _number(name: str) -> int:
    """The number that JSON made a key of."""
    if not _NUMBER.fullmatch(name):
        raise Unfit("no number for a key")
    return int(name)


def _bool(tree: Any) -> bool:
    if not isinstance(tree, bool):
        raise Unfit("neither true nor false")
    return tree


def _str(tree: Any) -> str:
    if not isinstance(tree, str):
        raise Unfit("no text")
    if len(tree) > bounds.LONGEST_STRING:
        raise Unfit("a text too long")
    return printable(tree)


def printable(text: str) -> str:
    """``text`` as the model promises it, printable ASCII; a recording may come from anywhere."""
    if text.isascii() and text.isprintable():
        return text
    return _OTHERS.sub(lambda run: run[0].encode("unicode_escape").decode("ascii"), text)


@functools.lru_cache(maxsize=4096)
def _runs(members: frozenset[int]) -> Tree:
    """{0, 1, 2, 3, 8} → ``[0, 3, 8, 8]``. Not to be changed: the same list is given again."""
    runs: list[Tree] = []
    previous: int | None = None
    for member in sorted(members):
        if previous is None or member > previous + 1:
            runs += [member, member]
        runs[-1] = previous = member
    return runs


_LEAVES: dict[Any, _Codec] = {
    int: _Codec(lambda value: value, lambda tree, *_: _int(tree)),
    bool: _Codec(lambda value: value, lambda tree, *_: _bool(tree)),
    str: _Codec(lambda value: value, lambda tree, *_: _str(tree)),
    frozenset[int]: _Codec(_runs, lambda tree, sets, *_: sets.of(_list(tree))),
    object: _Codec(lambda value: None, lambda tree, *_: None),  # parts: by their own types
    frozenset[str]: _Codec(sorted, lambda tree, *_: frozenset(_str(item) for item in _list(tree))),
}
