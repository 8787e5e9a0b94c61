"""Threads of interrupts, as samples."""

from collections.abc import Mapping

from irqwatch.base.fold import NOTHING_TO_BOUNDS, Groups, Labels, Vector, add, to_bounds
from irqwatch.model.snapshot import Probe
from irqwatch.sink.prometheus.sheet import Sheet


def show_threads(
    sheet: Sheet, probe: Probe, devices: Mapping[int, str], threads: Groups, *, by_line: bool
) -> None:
    """By line and action, else by device, as far as ``threads`` keeps them apart."""
    members: dict[Labels, tuple[Labels, Vector]] = {}
    for time in probe.irq_threads:
        member = (str(time.irq), time.action)
        device = devices.get(time.irq, "")
        group: Labels = (*member, device) if by_line else ("", "", device)
        counters = (*to_bounds(time.latency), *to_bounds(time.run))
        before = members.get(member)
        members[member] = group, add(before[1], counters) if before else counters
    half = len(NOTHING_TO_BOUNDS)
    for labels, both in threads.update(members).items():
        sheet.histograms["irqwatch_irq_thread_latency_seconds"][labels] = both[:half]
        sheet.histograms["irqwatch_irq_thread_duration_seconds"][labels] = both[half:]
    for time in probe.irq_threads:
        labels = threads.group((str(time.irq), time.action))
        sheet.note("irqwatch_irq_thread_latency_max_seconds", labels, time.worst_latency)
        sheet.note("irqwatch_irq_thread_duration_max_seconds", labels, time.worst_run)
