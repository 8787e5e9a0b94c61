"""Probes as tests write them down: parts by name beside the probe's own fields."""

from dataclasses import replace
from typing import Any

from irqwatch.base.interval import Interval
from irqwatch.collectors import COLLECTORS, PARTS
from irqwatch.model.snapshot import Probe
from irqwatch.source.loader import layouts

NAMES = frozenset(part.name for part in PARTS)


def a_probe(collectors: Any, attached_ns: int, **fields: Any) -> Probe:
    return with_parts(Probe(frozenset(collectors), attached_ns), **fields)


def with_parts(of: Probe, **fields: Any) -> Probe:
    """``of`` with these in place of its own of the same names: parts, or fields of a probe."""
    parts = {name: value for name, value in fields.items() if name in NAMES}
    own = {name: value for name, value in fields.items() if name not in NAMES}
    return replace(of, parts={**of.parts, **parts}, **own)


def an_interval(probe: Probe, ns: int = 10**9) -> Interval:
    """In which the probe counted this, and the kernel nothing."""
    return Interval(ns, frozenset(), frozenset(), (), {}, probe)


def shared_losses() -> list[tuple[str, str]]:
    """(collector, reason) of what is counted in struct cpu, in the order in which it is."""
    names = layouts(COLLECTORS).enum("loss")
    return [tuple(name.lower().split("_", 2)[1:]) for name in names if name.startswith("LOSS_")]
