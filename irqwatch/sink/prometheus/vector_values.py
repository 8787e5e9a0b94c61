"""The architecture's own interrupts, as samples."""

from irqwatch.base.fold import to_bounds
from irqwatch.model.histogram import Histogram, merge
from irqwatch.model.snapshot import Probe
from irqwatch.sink.prometheus.sheet import Sheet

NS = 1e9


def show_vectors(sheet: Sheet, probe: Probe) -> None:
    """By vector, of which an architecture has a dozen; and the time of each CPU in all of them."""
    run: dict[str, list[Histogram]] = {}
    by_cpu: dict[int, int] = {}
    for time in probe.vectors:
        run.setdefault(time.vector, []).append(time.run)
        sheet.note("irqwatch_vector_duration_max_seconds", (time.vector,), time.worst)
        if not time.nested:
            by_cpu[time.cpu] = by_cpu.get(time.cpu, 0) + time.run.sum_ns
    for vector, parts in run.items():
        sheet.histograms["irqwatch_vector_duration_seconds"][vector,] = to_bounds(merge(parts))
    for cpu, ns in by_cpu.items():
        sheet.values["irqwatch_vector_seconds_total"][str(cpu),] = ns / NS
