"""Whatever a Snapshot holds is read as it was written; whatever else is in a file, never."""

import contextlib
import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from irqwatch.base.text import clean
from irqwatch.collectors import PARTS
from irqwatch.errors import RecordingError
from irqwatch.model.histogram import BUCKETS, Histogram
from irqwatch.model.snapshot import SCHEMA, Probe, Snapshot
from irqwatch.record.delta import apply, difference
from irqwatch.record.tree import Unfit, from_tree, to_tree
from tests.unit.record.recordings import busy, forged, player, recorded

# Any bytes that a kernel may give a name, as the model promises them.
HOSTILE = [b"", b"\x1b[31m", b"a\nb", b"\xff\x80", "\u202egnp".encode(), b"\\", b'"', b"x" * 999]
TEXT = (st.sampled_from(HOSTILE) | st.binary(max_size=4)).map(clean)
NUMBERS = st.integers(-(1 << 63), (1 << 64) - 1) | st.integers(-2, 300)
CPUS = st.integers(0, 8191) | st.integers(0, 9)


LEAVES = {int: NUMBERS, str: TEXT, bool: st.booleans()}


@functools.cache
def values(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type of the model."""
    if hint in LEAVES:
        return LEAVES[hint]
    if hint is Histogram:
        counts = st.dictionaries(st.integers(0, BUCKETS - 1), NUMBERS, max_size=2)
        return st.builds(Histogram, counts, NUMBERS)
    if hint is Probe:
        return probes()
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        fields = {field.name: values(hints[field.name]) for field in dataclasses.fields(hint)}
        return st.builds(hint, **fields)
    return collections_of(typing.get_origin(hint), typing.get_args(hint))


def probes() -> st.SearchStrategy[Probe]:
    """With parts of any collectors; one of none is not written."""
    hints = typing.get_type_hints(Probe)
    own = {name: values(hint) for name, hint in hints.items() if name != "parts"}
    parts = {
        part.name: st.lists(values(part.type), min_size=1, max_size=2).map(tuple) for part in PARTS
    }
    return st.builds(Probe, **own, parts=st.fixed_dictionaries({}, optional=parts))


def collections_of(origin: Any, arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    if origin in (types.UnionType, typing.Union):
        return st.none() | values(arguments[0])
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is frozenset:
        return st.frozensets(CPUS if arguments == (int,) else TEXT, max_size=4)
    assert origin is Mapping
    return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=2)


@st.composite
def snapshots(draw: st.DrawFn) -> list[Snapshot]:
    """Of one recording: any, but their times do not go back."""
    drawn = draw(st.lists(values(Snapshot), min_size=1, max_size=2))
    times = sorted(draw(st.lists(st.integers(0, (1 << 64) - 1), min_size=2, max_size=2)))
    return [
        dataclasses.replace(snapshot, schema=SCHEMA, monotonic_ns=time_ns)
        for snapshot, time_ns in zip(drawn, times, strict=False)
    ]


@given(snapshots())
def test_written_then_read_is_equal(series: list[Snapshot]):
    assert list(player(recorded(series))) == series


@given(st.data())
def test_a_change_makes_the_new_tree_of_the_old(data: st.DataObject):
    old, new = (to_tree(data.draw(values(Snapshot))) for _ in range(2))

    assert apply(old, difference(old, new)) == new
    assert from_tree(new) == from_tree(apply(old, difference(old, new)))


SERIES = busy(3, cpus=1)
RAW = recorded(SERIES)


@given(st.integers(0, len(RAW) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_an_error_after_equal_samples(position: int, flip: int):
    raw = bytearray(RAW)
    raw[position] ^= flip

    assert_refused_or_equal(bytes(raw))


@given(st.data())
def test_so_are_bytes_lost_doubled_or_put_in(data: st.DataObject):
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(RAW))] * 2)))
    raw = RAW[:start] + data.draw(st.binary(max_size=40) | st.just(RAW[start:end] * 2)) + RAW[end:]
    assume(raw != RAW)

    assert_refused_or_equal(raw)


def assert_refused_or_equal(raw: bytes) -> None:
    read: list[Snapshot] = []
    try:
        reader = player(raw)
        while (snapshot := reader.next()) is not None:
            read.append(snapshot)
    except RecordingError as error:
        assert str(error).startswith("host.irqw: ") and "\n" not in str(error)
    assert read == SERIES[: len(read)]


@given(st.binary(max_size=300))
@example(b"irqwatch recording 1\n" + bytes(25))
def test_any_bytes(raw: bytes):
    try:
        assert list(player(raw)) == []
    except RecordingError as error:
        assert "\n" not in str(error)


SCALARS = st.none() | st.booleans() | NUMBERS | st.floats() | st.text(max_size=9)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@given(st.data())
def test_any_tree_is_read_or_refused(data: st.DataObject):
    """Any JSON in the place of any part of a snapshot."""
    tree = to_tree(busy(1)[0])
    place: Any = tree
    while isinstance(inner := place[key := data.draw(keys(place))], dict | list) and inner:
        if data.draw(st.booleans()):
            break
        place = inner
    place[key] = data.draw(TREES)
    with contextlib.suppress(Unfit):
        assert to_tree(from_tree(tree))


def keys(place: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(list(place) if isinstance(place, dict) else range(len(place)))


@given(st.lists(TREES, min_size=1, max_size=3))
def test_any_json_with_checksums_that_are_right(trees: list[Any]):
    try:
        list(player(forged(*trees)))
    except RecordingError as error:
        assert "\n" not in str(error)
