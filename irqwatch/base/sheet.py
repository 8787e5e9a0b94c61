"""All values of one scrape, and what those who fill it in may ask."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from irqwatch.base.follows import Follows
from irqwatch.base.line_labels import LineLabels
from irqwatch.base.series import ANY, Bound, Filter, Groups, Growing, Labels, MemberKey, RowCounts
from irqwatch.model.histogram import Histogram
from irqwatch.model.snapshot import Probe, Worst

OtherOf = Callable[[Labels], Labels]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One scrape: metric → label values → value. A label that is empty is one that Prometheus does
    not keep."""

    values: defaultdict[str, dict[Labels, float]] = field(default_factory=lambda: defaultdict(dict))
    histograms: defaultdict[str, dict[Labels, Histogram]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    # In nanoseconds, since the last scrape.
    longest: dict[tuple[str, Labels], int] = field(default_factory=dict)

    def note(self, name: str, labels: Labels, worst: Worst | None) -> None:
        """Keep the longest event of a series."""
        if worst:
            self.longest[name, labels] = max(worst.ns, self.longest.get((name, labels), 0))


class Exporting:
    """What is the same for all scrapes of one exporter: the sums that must not fall, and which
    names are shown apart on a host of ``cpus`` CPUs. ``filters`` are what the user wants, by
    collector. ``follows`` gives what followed from what, of all collectors.

    Of the snapshot at hand: ``labels`` has what lines and handlers are called, ``devices`` what
    lines' devices are, by interrupt number, ``behind`` what hangs behind adapters, by device;
    ``interval_ns`` is the time since the last scrape.
    """

    def __init__(
        self,
        cpus: int,
        follows: Callable[[Probe | None], Iterator[Follows]],
        filters: Mapping[str, Filter],
    ) -> None:
        self.follows = follows
        self.labels = LineLabels()
        self.devices: Mapping[int, str] = {}
        self.behind: Mapping[str, str] = {}
        self.interval_ns = 0
        self.now_ns = 0
        self._cpus = cpus
        self._filters = filters
        self._groups: dict[str, Groups] = {}
        self.cpu_times = Growing()
        self._rows: dict[str, RowCounts] = {}
        self.time_by_cpu: list[tuple[MemberKey, Labels, int]] = []

    def groups(
        self, collector: str, name: str, bound: Bound, other: Labels | OtherOf, since_ns: int = 0
    ) -> Groups:
        """Those of this name, made at the first call, as the filter of ``collector`` has it of the
        first label. ``other`` is the group of what is not shown apart, or gives it of a group."""
        if name not in self._groups:
            wanted = self._filters.get(collector, ANY)
            self._groups[name] = Groups(
                bound.most if wanted.include else bound.on(self._cpus),
                other if callable(other) else lambda group: other,
                since_ns,
                wanted,
            )
        return self._groups[name]

    def rows(self, name: str) -> RowCounts:
        """Those of this name, made at the first call."""
        return self._rows.setdefault(name, RowCounts())

    def take(self, kind: str, member: MemberKey, cpu: int, ns: int) -> None:
        """``member``, which no other of this kind is called, took so much of a CPU's time until
        now."""
        self.time_by_cpu.append(((kind, member), (str(cpu), kind), ns))

    def device(self, irq: int | None) -> str:
        """That of a line; "" where none is known, or it is no line."""
        return "" if irq is None else self.devices.get(irq, "")
