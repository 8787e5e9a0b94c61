"""Any value of a type of the model, for Hypothesis."""

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from irqwatch.base.parts import Part
from irqwatch.model.histogram import BUCKETS, Histogram

COUNTS = st.integers(0, 1 << 40)
NAMES = st.sampled_from(["eth0", "nginx", "NET_RX", "a", ""])


@functools.cache
def counted(hint: Any) -> st.SearchStrategy[Any]:
    """Of a field of a part: no counter is negative, each part of a mapping counted something."""
    if hint in LEAVES:
        return LEAVES[hint]
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        fields = {field.name: counted(hints[field.name]) for field in dataclasses.fields(hint)}
        return st.builds(hint, **fields)
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is Mapping:
        keys = st.integers(0, 3) if arguments[0] is int else st.sampled_from(["NET_RX", "RCU"])
        values = counted(arguments[1]).filter(_is_something)
        return st.dictionaries(keys, values, max_size=2)
    assert typing.get_origin(hint) in (types.UnionType, typing.Union), hint
    return st.none() | counted(arguments[0])


def _histogram(buckets: Mapping[int, int]) -> Histogram:
    return Histogram(buckets, sum(bucket * count for bucket, count in buckets.items()))


def _is_something(value: Any) -> bool:
    parts = dataclasses.astuple(value) if dataclasses.is_dataclass(value) else (value,)
    return any(parts)


BUCKET_COUNTS = st.dictionaries(st.integers(0, BUCKETS - 1), st.integers(1, 1000), max_size=3)
LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    int: COUNTS,
    str: NAMES,
    bool: st.booleans(),
    Histogram: BUCKET_COUNTS.map(_histogram),
}


def parts(part: Part[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Some, each of a key of its own."""
    return st.lists(counted(part.type), max_size=3, unique_by=lambda one: key(part, one)).map(tuple)


def key(part: Part[Any], one: Any) -> tuple[Any, ...]:
    return tuple(getattr(one, name) for name in part.key)
