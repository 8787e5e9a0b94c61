"""What must add up in the probe's counters, read while they grow.

The maps are read one after the other, so on a busy machine a sum and its parts are never of one
moment. But they only grow: what a reading has of a sum is no more than the next one has of its
parts, and no less than the one before had; and where both are the same in two readings on end,
nothing came between, and they must be equal.
"""

from collections import Counter
from collections.abc import Hashable, Mapping
from typing import NamedTuple

from irqwatch.model.snapshot import Probe

# Of a kind ("softirq"), where, and what: its count or its nanoseconds.
Amounts = Counter[Hashable]


class Sides(NamedTuple):
    """Of one reading: the whole, and what its parts add up to. Neither gets less."""

    whole: Amounts
    parts: Amounts


class Sums:
    """Takes readings of one probe, one after another."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self._before: Sides | None = None
        self._compared: set[Hashable] = set()
        self._equal: set[Hashable] = set()

    def add(self, probe: Probe) -> None:
        now, before = sides(probe), self._before
        self._before = now
        if before is None:
            return
        for key in now.whole.keys() | now.parts.keys():
            self._compared.add(key)
            whole, parts = now.whole[key], now.parts[key]
            if before.whole[key] > parts or before.parts[key] > whole:
                self.wrong.append(
                    f"{key}: {before.whole[key]} = {parts}, {before.parts[key]} = {whole}"
                )
            if (whole, parts) == (before.whole[key], before.parts[key]):
                self._equal.add(key)
                if whole != parts:
                    self.wrong.append(f"{key}: {parts} of {whole}, and nothing came between")

    def told(self) -> Mapping[str, object]:
        return {
            "wrong": self.wrong,
            "compared": len(self._compared),
            "when_quiet": len(self._equal),
        }


def sides(probe: Probe) -> Sides:
    """Each run of a softirq follows from one interrupt or from none; work on all CPUs is that on
    each, and what was caused of it is no more."""
    whole: Amounts = Counter()
    parts: Amounts = Counter()
    for one in (*probe.parts.get("hardirqs", ()), *probe.parts.get("vectors", ())):
        for vector, runs in one.softirqs.items():
            parts["softirq", vector, one.cpu, "count"] += runs.count
            parts["softirq", vector, one.cpu, "ns"] += runs.ns
    for softirq in probe.parts.get("softirqs", ()):
        place = "softirq", softirq.vector, softirq.cpu
        whole[(*place, "count")] += softirq.run.count
        whole[(*place, "ns")] += softirq.run.sum_ns
        parts[(*place, "count")] += softirq.uncaused.count
        parts[(*place, "ns")] += softirq.uncaused.ns
    for work in probe.parts.get("works", ()):
        what = "work", work.function, work.workqueue
        whole[(*what, "count")] += work.run.count
        whole[(*what, "ns")] += work.run.sum_ns
        for runs in work.cpus.values():
            parts[(*what, "count")] += runs.count
            parts[(*what, "ns")] += runs.ns
        # A run's time on a CPU is known when it has ended, as its time is.
        whole[(*what, "runs")] += sum(runs.count for runs in work.cpus.values())
        parts[(*what, "runs")] += sum(runs.count for runs in work.on_cpu.values())
    return Sides(whole, parts)
