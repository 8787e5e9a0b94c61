"""What changed from one tree to the next, as a tree; numbers as differences, which are small.

The change of a    is written as
number             the difference
dict               a dict of the changes by key; as ``[[keys gone], {changes}]`` where some are gone
list               a dict of the changes by index, the new length's last ones added; as a list, the
                   new one, where it became shorter
anything else, or  the new value
what was another kind

A dict never takes a list's place nor a list a dict's: each place in a tree has one type, or None.
"""

import re

from irqwatch.record.tree import Tree, Unfit

_INDEX = re.compile(r"[0-9]{1,9}")


def difference(old: Tree, new: Tree) -> Tree:
    """The change that ``apply`` makes ``new`` of ``old`` with."""
    if isinstance(old, dict) and isinstance(new, dict):
        changes: dict[str, Tree] = {
            key: difference(old[key], value) if key in old else value
            for key, value in new.items()
            if key not in old or not _same(old[key], value)
        }
        gone: list[Tree] = [key for key in old if key not in new]
        return [gone, changes] if gone else changes
    if isinstance(old, list) and isinstance(new, list):
        return _list_difference(old, new)
    if type(old) is int and type(new) is int:
        return new - old
    return new


def _list_difference(old: list[Tree], new: list[Tree]) -> Tree:
    if not old or len(new) < len(old):
        return new
    changes: dict[str, Tree] = {
        str(index): difference(was, value)
        for index, (was, value) in enumerate(zip(old, new, strict=False))
        if not _same(was, value)
    }
    changes.update((str(index), new[index]) for index in range(len(old), len(new)))
    return changes


def _same(old: Tree, new: Tree) -> bool:
    """Equal and of one type: True is not 1."""
    return old is new or (type(old) is type(new) and old == new)


def copies(old: Tree, change: Tree) -> int:
    """How many entries of ``old`` are copied where ``change`` is made."""
    if isinstance(change, list) and isinstance(old, dict):
        change = change[1] if len(change) == 2 else None
    if not isinstance(change, dict) or not isinstance(old, dict | list):
        return 0
    return len(old) + sum(copies(_entry(old, key), value) for key, value in change.items())


def _entry(tree: dict[str, Tree] | list[Tree], key: str) -> Tree:
    """None where there is none."""
    if isinstance(tree, dict):
        return tree.get(key)
    return tree[int(key)] if _INDEX.fullmatch(key) and int(key) < len(tree) else None


def apply(old: Tree, change: Tree) -> Tree:
    """``old`` with ``change`` made; neither is altered. Raises Unfit where it cannot be."""
    if isinstance(old, dict) and isinstance(change, dict | list):
        return _changed_dict(old, change)
    if isinstance(old, list) and isinstance(change, dict):
        return _changed_list(old, change)
    if type(old) is int and type(change) is int:
        return old + change
    return change


def _changed_dict(old: dict[str, Tree], change: dict[str, Tree] | list[Tree]) -> Tree:
    new = dict(old)
    if isinstance(change, list):
        match change:
            case [list(gone), dict(changes)]:
                change = changes
            case _:
                raise Unfit("no change of a dict")
        for key in gone:
            if not isinstance(key, str) or key not in new:
                raise Unfit("a key gone that was not there")
            del new[key]
    for key, value in change.items():
        new[key] = apply(new[key], value) if key in new else value
    return new


def _changed_list(old: list[Tree], change: dict[str, Tree]) -> Tree:
    new = list(old)
    for index, value in change.items():
        if not (_INDEX.fullmatch(index) and int(index) <= len(new)):
            raise Unfit("a change past a list's end")
        if int(index) == len(new):
            new.append(value)
        else:
            new[int(index)] = apply(new[int(index)], value)
    return new
