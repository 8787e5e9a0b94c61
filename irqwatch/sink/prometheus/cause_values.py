"""What interrupts caused, as samples."""

from collections.abc import Iterator, Mapping

from irqwatch.base.fold import Groups, Labels, Vector
from irqwatch.model.snapshot import CountAndTime, Probe
from irqwatch.sink.prometheus.sheet import Sheet

NS = 1e9
NO_INTERRUPT = "none"


def show_causes(
    sheet: Sheet, probe: Probe, devices: Mapping[int, str], causes: Groups, *, by_line: bool
) -> None:
    """By interrupt and what it caused, as far as ``causes`` keeps them apart."""
    if "hardirq" not in probe.collectors:
        return  # then all would seem to have no cause
    members: dict[Labels, tuple[Labels, Vector]] = {}
    for irq, action, kind, name, way, part in _parts(probe):
        device = "" if irq is None else devices.get(irq, "")
        shown_irq = "" if irq is None or not by_line else str(irq)
        shown_action = action if irq is None or by_line else ""
        group = (shown_irq, shown_action, device, kind, name)
        members[str(irq), action, kind, name, way] = group, (part.count, part.ns)
    for labels, (count, ns) in causes.update(members).items():
        sheet.values["irqwatch_caused_total"][labels] = count
        sheet.values["irqwatch_caused_seconds_total"][labels] = ns / NS


def _parts(
    probe: Probe,
) -> Iterator[tuple[int | None, str, str, str, str, CountAndTime]]:
    """irq, action or vector, kind, name, CPU and way, how often and how long."""
    for line in probe.hardirqs:
        for softirq, part in line.softirqs.items():
            yield line.irq, line.action, "softirq", softirq, str(line.cpu), part
    for own in probe.vectors:
        for softirq, part in own.softirqs.items():
            yield None, own.vector, "softirq", softirq, str(own.cpu), part
    for time in probe.softirqs:
        if time.uncaused.count:
            yield None, NO_INTERRUPT, "softirq", time.vector, str(time.cpu), time.uncaused
    for thread in probe.irq_threads:
        runs = CountAndTime(thread.run.count, thread.run.sum_ns)
        yield thread.irq, thread.action, "thread", thread.action, str(thread.cpu), runs
    for work in probe.work_causes:
        way = f"{work.cpu} {work.via} {work.workqueue}"
        yield work.irq, work.cause or NO_INTERRUPT, "work", work.function, way, work.runs
