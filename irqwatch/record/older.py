"""Samples of earlier schemas, as this version means them.

Schema 1 cut each octave of nanoseconds from 32 ns to 2**36 ns into four equal parts. Each of its
buckets goes to the one of today that holds its middle; always to the same, so that counters only
grow. A quantile of such a recording is within 24 % of the exact one, not 10 %.
"""

from typing import Any

from irqwatch.model.histogram import BUCKETS, bucket_of
from irqwatch.model.snapshot import SCHEMA
from irqwatch.record.tree import Tree, Unfit

_EDGES_1_NS = (
    0,
    *((4 + quarter) << (octave - 2) for octave in range(5, 36) for quarter in range(4)),
)
_LAST_EDGE_1_NS = 1 << 36
_TODAY_OF_1 = {
    str(bucket): str(bucket_of((edge_ns + next_ns) // 2))
    for bucket, (edge_ns, next_ns) in enumerate(
        zip(_EDGES_1_NS, (*_EDGES_1_NS[1:], _LAST_EDGE_1_NS), strict=True)
    )
} | {str(len(_EDGES_1_NS)): str(BUCKETS - 1)}


# In place of the tree before, where there was none.
_NONE = object()


class Older:
    """Samples one after the other; what did not change from one to the next is brought up once."""

    def __init__(self) -> None:
        self._before: Any = _NONE
        self._made: Any = None

    def brought_up(self, tree: Tree) -> Tree:
        """A sample of schema 1 as one of today; any other as it is. Raises Unfit."""
        if not (isinstance(tree, dict) and tree.get("schema") == 1):
            return tree
        self._made = _within(tree, self._before, self._made)
        self._before = tree
        return {**self._made, "schema": SCHEMA}


def _within(tree: Tree, before: Any, made: Any) -> Any:
    """``made`` was made of ``before``, which stood in the same place."""
    if tree is before:
        return made
    if isinstance(tree, dict):
        was = (before, made) if isinstance(before, dict) else ({}, {})
        return {
            name: _moved(part)
            if name == "buckets"
            else _within(part, was[0].get(name, _NONE), was[1].get(name))
            for name, part in tree.items()
        }
    if isinstance(tree, list):
        old = zip(before, made, strict=True) if isinstance(before, list) else iter(())
        return [_within(part, *next(old, (_NONE, None))) for part in tree]
    return tree


def _moved(buckets: Tree) -> Tree:
    """Of a Histogram: the model has no other field, and no mapping by names, that says buckets."""
    moved: dict[str, Tree] = {}
    for bucket, count in buckets.items() if isinstance(buckets, dict) else ():
        if bucket not in _TODAY_OF_1 or type(count) is not int:
            raise Unfit("no such histogram bucket")
        before = moved.get(_TODAY_OF_1[bucket], 0)
        assert isinstance(before, int)
        moved[_TODAY_OF_1[bucket]] = before + count
    return moved
