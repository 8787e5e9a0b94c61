"""Samples of earlier schemas, as this version means them.

Schema 1 cut each octave of nanoseconds from 32 ns to 2**36 ns into four equal parts. Each of its
buckets goes to the one of today that holds its middle; always to the same, so that counters only
grow. A quantile of such a recording is within 24 % of the exact one, not 10 %.
"""

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


def brought_up(tree: Tree) -> Tree:
    """A sample of schema 1 as one of today; any other as it is. Raises Unfit."""
    if isinstance(tree, dict) and tree.get("schema") == 1:
        return {**_with_todays_buckets(tree), "schema": SCHEMA}
    return tree


def _with_todays_buckets(tree: dict[str, Tree]) -> dict[str, Tree]:
    return {
        name: _moved(part) if name == "buckets" else _within(part) for name, part in tree.items()
    }


def _within(tree: Tree) -> Tree:
    if isinstance(tree, dict):
        return _with_todays_buckets(tree)
    return [_within(part) for part in tree] if isinstance(tree, list) else tree


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
