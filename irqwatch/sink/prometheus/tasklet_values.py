"""How long tasklets run, as samples."""

from irqwatch.base.fold import Groups, Labels, Vector, to_bounds
from irqwatch.model.snapshot import Probe
from irqwatch.sink.prometheus.sheet import Sheet


def show_tasklets(sheet: Sheet, probe: Probe, functions: Groups) -> None:
    """By function, as far as ``functions`` keeps them apart."""
    members: dict[Labels, tuple[Labels, Vector]] = {}
    for time in probe.tasklets:
        members[time.function, str(time.cpu)] = (time.function,), to_bounds(time.run)
    for labels, run in functions.update(members).items():
        sheet.histograms["irqwatch_tasklet_duration_seconds"][labels] = run
    for time in probe.tasklets:
        labels = functions.group((time.function, str(time.cpu)))
        sheet.note("irqwatch_tasklet_duration_max_seconds", labels, time.worst)
