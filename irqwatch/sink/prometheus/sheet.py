"""All values of one scrape."""

from collections import defaultdict
from dataclasses import dataclass, field

from irqwatch.base.fold import Labels, Vector
from irqwatch.model.snapshot import Worst


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
