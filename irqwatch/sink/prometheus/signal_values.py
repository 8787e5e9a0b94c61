"""How long signals wait to be delivered, as samples."""

from irqwatch.base.fold import Labels, to_bounds
from irqwatch.model.histogram import Histogram, merge
from irqwatch.model.snapshot import Probe
from irqwatch.sink.prometheus.sheet import Sheet


def show_signals(sheet: Sheet, probe: Probe) -> None:
    """By signal and origin: at most 64 times 4 of them."""
    latency: dict[Labels, list[Histogram]] = {}
    generated = sheet.values["irqwatch_signals_generated_total"]
    dropped = sheet.values["irqwatch_signals_dropped_total"]
    for time in probe.signals:
        labels: Labels = (time.signal, time.origin)
        latency.setdefault(labels, []).append(time.latency)
        generated[labels] = generated.get(labels, 0) + time.generated_count
        dropped[labels] = dropped.get(labels, 0) + time.dropped_count
        sheet.note("irqwatch_signal_latency_max_seconds", labels, time.worst_latency)
    for labels, parts in latency.items():
        sheet.histograms["irqwatch_signal_latency_seconds"][labels] = to_bounds(merge(parts))
