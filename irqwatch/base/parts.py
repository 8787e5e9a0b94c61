"""The parts that a collector adds to a Snapshot: what names one, how two readings of it subtract,
how two of one name add up, how its names are made anonymous. All of it follows from the types of
its fields. Pure."""

import dataclasses
import enum
import functools
import operator
import types
import typing
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar

from irqwatch.base import counters
from irqwatch.model.histogram import Histogram, merge
from irqwatch.model.snapshot import CountAndTime, Probe, Worst

T = TypeVar("T")


class Naming(enum.Enum):
    """Who named what a text field holds, and so what an anonymous recording has in its place."""

    KERNEL = enum.auto()  # stays: a function, a vector, a system call
    DEVICE = enum.auto()  # the name of a device, an interrupt or a workqueue: word by word
    TASK = enum.auto()  # of a process or thread


# A text's pseudonym.
Rename = Callable[[str], str]


@dataclass(frozen=True)
class Part(Generic[T]):
    """``name`` is its key in a recording; ``type`` a frozen dataclass. ``key`` are the fields that
    name one: its source, and "cpu" last where it is of one CPU. The other fields hold counters, or
    the worst event of the last interval. ``names`` says who named each text field; where that
    depends on the part, ``renamed`` (part, renaming by Naming → the fields that change) does.
    ``comes_again``: a part that is lower than before was removed from its map to make room, and has
    counted from zero since. Elsewhere such a part is unknown."""

    name: str
    type: type[T]
    key: tuple[str, ...]
    names: Mapping[str, Naming] = field(default_factory=dict)
    renamed: Callable[[T, Mapping[Naming, Rename]], Mapping[str, str]] | None = None
    comes_again: bool = False

    def of(self, probe: Probe | None) -> tuple[T, ...]:
        """Those of a probe, or of the interval that a probe's difference is."""
        return typing.cast("tuple[T, ...]", probe.parts.get(self.name, ())) if probe else ()

    def between(self, current: Probe, previous: Probe) -> tuple[T, ...]:
        """What each part of ``current`` counted in the interval; one that ``previous`` has not,
        counted from zero. Where one CPU's part of a source went backwards, the whole source is
        unknown and left out."""
        before = {self._identity(part): part for part in self.of(previous)}
        steps, unknown = [], set()
        for now in self.of(current):
            source, _ = identity = self._identity(now)
            old = before.get(identity)
            step = now if old is None else self._step(now, old)
            if step is None:
                unknown.add(source)
            else:
                steps.append((source, step))
        return tuple(step for source, step in steps if source not in unknown)

    def merged(self, parts: Iterable[T]) -> tuple[T, ...]:
        """Those of one key added up, in the order in which keys came."""
        found: dict[Hashable, T] = {}
        for part in parts:
            identity = self._key_of(part)
            found[identity] = self._sum(found[identity], part) if identity in found else part
        return tuple(found.values())

    def anonymous(self, part: T, renames: Mapping[Naming, Rename]) -> T:
        """``part`` with other names; the tasks of its worst events too."""
        changes: dict[str, Any] = dict(self.renamed(part, renames)) if self.renamed else {}
        for name, naming in self.names.items():
            if naming in renames and name not in changes:
                text = getattr(part, name)
                changes[name] = text and renames[naming](text)
        for name in self._plan.worsts:
            if worst := getattr(part, name):
                changes[name] = dataclasses.replace(worst, comm=renames[Naming.TASK](worst.comm))
        return dataclasses.replace(part, **changes) if changes else part  # type: ignore[type-var]

    @functools.cached_property
    def _plan(self) -> "_Plan":
        return _plan_of(typing.cast(Any, self.type), frozenset(self.key))

    def counts(self, part: T) -> dict[str, int]:
        """How many events each of its fields has counted; what they took is not told."""
        return {name: count(getattr(part, name)) for name, count in self._plan.counts}

    @property
    def timed(self) -> tuple[str, ...]:
        """The fields that tell how long each event took, or waited."""
        return self._plan.timed

    @functools.cached_property
    def _key_of(self) -> Callable[[T], Any]:
        return operator.attrgetter(*self.key)

    def _identity(self, part: T) -> tuple[Hashable, int | None]:
        """The source, and the CPU if it has one."""
        values = self._key_of(part)
        return (values[:-1], values[-1]) if self.key[-1] == "cpu" else (values, None)

    def _step(self, now: T, old: T) -> T | None:
        values = []
        for name, step in self._plan.steps:
            value = getattr(now, name)
            if step is not None:
                value = step(value, getattr(old, name))
                if value is None:
                    return now if self.comes_again else None
            values.append(value)
        return self.type(*values)

    def _sum(self, one: T, other: T) -> T:
        values = []
        for name, add in self._plan.sums:
            value = getattr(one, name)
            values.append(value if add is None else add(value, getattr(other, name)))
        return self.type(*values)


class _Plan(NamedTuple):
    """Of each field, in order, how it subtracts and adds; None where it is taken as it is.
    ``counts`` are how the fields that count events do."""

    steps: tuple[tuple[str, Callable[[Any, Any], Any] | None], ...]
    sums: tuple[tuple[str, Callable[[Any, Any], Any] | None], ...]
    counts: tuple[tuple[str, Callable[[Any], int]], ...]
    timed: tuple[str, ...]
    worsts: tuple[str, ...]


@functools.cache
def _plan_of(cls: Any, key: frozenset[str]) -> _Plan:
    hints = typing.get_type_hints(cls)
    names = [one.name for one in dataclasses.fields(cls)]
    counting = {name: _counting(hints[name]) for name in names if name not in key}
    worsts = tuple(name for name in names if hints[name] == Worst | None)
    return _Plan(
        steps=tuple((name, counting.get(name, (None, None))[0]) for name in names),
        sums=tuple((name, counting.get(name, (None, None))[1]) for name in names),
        counts=tuple(
            (name, count) for name in counting if (count := _events(name, hints[name])) is not None
        ),
        timed=tuple(name for name in counting if hints[name] is Histogram),
        worsts=worsts,
    )


def _events(name: str, hint: Any) -> Callable[[Any], int] | None:
    """How to read the events that a field has counted, where it counts any."""
    if hint is int:
        return None if name.endswith("_ns") else int
    if hint in (Histogram, CountAndTime):
        return operator.attrgetter("count")
    if typing.get_origin(hint) is Mapping:
        is_pair = typing.get_args(hint)[1] is CountAndTime
        return _pairs_count if is_pair else lambda counts: sum(counts.values())
    return None


def _pairs_count(pairs: Mapping[Any, CountAndTime]) -> int:
    return sum(pair.count for pair in pairs.values())


_Rule = tuple[Callable[[Any, Any], Any] | None, Callable[[Any, Any], Any] | None]


def _counting(hint: Any) -> _Rule:
    """How a field of this type subtracts, and adds."""
    if hint in _RULES:
        return _RULES[hint]
    if typing.get_origin(hint) is Mapping:
        is_pair = typing.get_args(hint)[1] is CountAndTime
        return (counters.by_name, _add_pairs) if is_pair else (counters.counts, _add_counts)
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return (None, None)
    raise TypeError(f"a part has no way to subtract {hint}")


def _add_pairs(
    one: Mapping[Any, CountAndTime], other: Mapping[Any, CountAndTime]
) -> dict[Any, CountAndTime]:
    added = dict(one)
    for name, part in other.items():
        added[name] = add_pair(added[name], part) if name in added else part
    return added


def _add_counts(one: Mapping[Any, int], other: Mapping[Any, int]) -> dict[Any, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}


def add_pair(one: CountAndTime, other: CountAndTime) -> CountAndTime:
    return CountAndTime(one.count + other.count, one.ns + other.ns)


def longer(one: Worst | None, other: Worst | None) -> Worst | None:
    """The worse of two."""
    if one is None or other is None:
        return one or other
    return one if one.ns >= other.ns else other


_RULES: dict[Any, _Rule] = {
    int: (counters.steps, int.__add__),
    Histogram: (counters.histogram, lambda one, other: merge((one, other))),
    CountAndTime: (counters.count_and_time, add_pair),
    Worst | None: (None, longer),
    str: (None, None),
    bool: (None, None),
}
