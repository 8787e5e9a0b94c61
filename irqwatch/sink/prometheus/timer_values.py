"""How late timers fire, as samples."""

from irqwatch.base.fold import Detail, Labels, to_bounds
from irqwatch.model.histogram import Histogram, merge
from irqwatch.model.snapshot import Probe
from irqwatch.sink.prometheus.sheet import Sheet


def show_timers(sheet: Sheet, probe: Probe, detail: Detail) -> None:
    """By CPU and mode, or by mode."""
    latency: dict[Labels, list[Histogram]] = {}
    early = sheet.values["irqwatch_timer_early_total"]
    for time in probe.timers:
        cpu = str(time.cpu)
        apart: Labels = (cpu if detail.timers_by_cpu else "", time.mode)
        latency.setdefault(apart, []).append(time.latency)
        labels: Labels = (cpu if detail.by_cpu else "", time.mode)
        early[labels] = early.get(labels, 0) + time.early_count
        sheet.note("irqwatch_timer_latency_max_seconds", labels, time.worst_latency)
    for labels, parts in latency.items():
        sheet.histograms["irqwatch_timer_latency_seconds"][labels] = to_bounds(merge(parts))
