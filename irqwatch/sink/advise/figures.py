"""What the advice found, decided and says to do, as figures for a script."""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass

from irqwatch.model.action import Action
from irqwatch.model.evidence import Evidence
from irqwatch.model.plan import Reason, Stays, Verdict

DIGITS = 6  # of a share: a microsecond a second
OF_SECONDS = 9

_WORD = re.compile(r"(?<!^)(?=[A-Z])")


def figures(of: Evidence | Action | Reason | Stays | Verdict) -> dict[str, object]:
    """Its kind and its fields."""
    if isinstance(of, Stays):
        return {"kind": of.value}
    return {"kind": kind(type(of)), **_fields(of)}


def kind(of: type) -> str:
    """OneCpuDevice is "one-cpu-device"."""
    return _WORD.sub("-", of.__name__).lower()


def _fields(of: object) -> dict[str, object]:
    if not is_dataclass(of):
        raise TypeError(f"{type(of).__name__} has no fields")
    return {
        field.name: _plain(
            getattr(of, field.name), OF_SECONDS if field.name.endswith("_s") else DIGITS
        )
        for field in fields(of)
    }


def _plain(value: object, digits: int) -> object:
    if isinstance(value, float):
        return round(value, digits)
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_plain(one, digits) for one in value]
    if isinstance(value, Mapping):
        return {name: _plain(one, digits) for name, one in value.items()}
    return _fields(value) if is_dataclass(value) else value
