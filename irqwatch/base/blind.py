"""Whether a collector can read what it sees: the one rule for all faces. Pure."""

from collections import Counter
from collections.abc import Mapping

from irqwatch.base.collector import Collector
from irqwatch.model.snapshot import Probe


def counted(collector: Collector, probe: Probe) -> dict[str, int]:
    """Field of its parts → events counted in it since the probe was attached; no zeros."""
    found: Counter[str] = Counter()
    for part in collector.parts:
        for one in part.of(probe):
            found.update(part.counts(one))
    return {name: count for name, count in found.items() if count}


def lost(collector: Collector, probe: Probe) -> dict[str, int]:
    """Reason → events that it could not use since then, most first; no zeros."""
    reasons: Mapping[str, int] = probe.losses.get(collector.name, {})
    return {name: n for name, n in sorted(reasons.items(), key=lambda r: (-r[1], r[0])) if n}


def why_blind(collector: Collector, probe: Probe, cpus: int) -> str:
    """Why it is no use, though loaded: of all events that it saw it could read none. "" where that
    is not so. What was under way when the probe was attached ends without a beginning, once on each
    of the host's ``cpus`` at most: so much lost says nothing.

    Without numbers, as it is a label of a metric too."""
    reasons = lost(collector, probe)
    if sum(reasons.values()) <= cpus or _has_counted(collector, probe):
        return ""
    return f"sees events and reads none of them: {', '.join(reasons)}"


def _has_counted(collector: Collector, probe: Probe) -> bool:
    """Asked at each sample, of thousands of parts on a large host: it ends at the first event."""
    return any(any(part.counts(one).values()) for part in collector.parts for one in part.of(probe))
