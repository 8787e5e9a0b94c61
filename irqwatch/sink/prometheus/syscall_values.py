"""How long system calls take, as samples."""

from irqwatch.base.fold import Groups, Labels, Vector, to_bounds
from irqwatch.model.snapshot import Probe
from irqwatch.sink.prometheus.sheet import Sheet


def show_syscalls(sheet: Sheet, probe: Probe, calls: Groups) -> None:
    """By call, as far as ``calls`` keeps them apart."""
    members: dict[Labels, tuple[Labels, Vector]] = {}
    for time in probe.syscalls:
        members[time.syscall, str(time.cpu)] = (time.syscall,), to_bounds(time.run)
    for labels, run in calls.update(members).items():
        sheet.histograms["irqwatch_syscall_duration_seconds"][labels] = run
    for time in probe.syscalls:
        labels = calls.group((time.syscall, str(time.cpu)))
        sheet.note("irqwatch_syscall_duration_max_seconds", labels, time.worst)
