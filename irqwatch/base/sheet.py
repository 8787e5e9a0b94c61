"""All values of one scrape, and what those who fill it in may ask."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from irqwatch.base.fold import CpuSums, Detail, Groups, Labels, Vector
from irqwatch.base.follows import Follows
from irqwatch.model.snapshot import Probe, Worst


@dataclass(frozen=True, slots=True)
class Sheet:
    """One scrape: metric → label values → value. A label that is empty is one that Prometheus does
    not keep."""

    values: defaultdict[str, dict[Labels, float]] = field(default_factory=lambda: defaultdict(dict))
    # What ``to_bounds`` gives.
    histograms: defaultdict[str, dict[Labels, Vector]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    # In nanoseconds, since the last scrape.
    longest: dict[tuple[str, Labels], int] = field(default_factory=dict)

    def note(self, name: str, labels: Labels, worst: Worst | None) -> None:
        """Keep the longest event of a series."""
        if worst:
            self.longest[name, labels] = max(worst.ns, self.longest.get((name, labels), 0))


class Exporting:
    """What is the same for all scrapes of one exporter: how finely the host is shown, and the sums
    that must not fall. ``follows`` gives what followed from what, of all collectors; ``devices``
    are what lines' devices are called, by interrupt number, ``behind`` what hangs behind adapters,
    by device; ``interval_ns`` is the time since the last scrape."""

    def __init__(
        self, detail: Detail, follows: Callable[[Probe | None], Iterator[Follows]]
    ) -> None:
        self.detail = detail
        self.follows = follows
        self.devices: Mapping[int, str] = {}
        self.behind: Mapping[str, str] = {}
        self.interval_ns = 0
        self._groups: dict[str, Groups] = {}
        self._cpu_sums: dict[str, CpuSums] = {}

    def groups(self, name: str, limit: int, other: Labels) -> Groups:
        """Those of this name, made at the first call."""
        if name not in self._groups:
            self._groups[name] = Groups(limit, other)
        return self._groups[name]

    def cpu_sums(self, name: str) -> CpuSums:
        """Those of this name, made at the first call."""
        return self._cpu_sums.setdefault(name, CpuSums())

    def device(self, irq: int | None) -> str:
        """That of a line; "" where none is known, or it is no line."""
        return "" if irq is None else self.devices.get(irq, "")
