"""A host's lines as they are now, found by what they are and not by their number alone."""

from irqwatch.base import counters
from irqwatch.base.columns import line_cpus
from irqwatch.base.names import device_names
from irqwatch.model.plan import PlannedLine
from irqwatch.model.snapshot import CpuCounts, LineSetting, Snapshot
from irqwatch.model.snapshot import Line as Row


class Lines:
    """An index of one Snapshot, which must hold settings."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._monotonic_ns = snapshot.monotonic_ns
        self._cpus = line_cpus(snapshot)
        self._rows = {row.irq: row for row in snapshot.lines if row.irq is not None}
        self._settings = {setting.irq: setting for setting in snapshot.settings}
        self._devices = {irq: {name} for irq, name in device_names(snapshot.devices).items()}
        for (
            device
        ) in snapshot.devices:  # a journal of before has one of several that share the line
            self._devices[device.irq].add(device.device)

    def setting(self, line: PlannedLine) -> LineSetting | None:
        """None where the line is gone or its number is another device's now."""
        return self._settings.get(line.irq) if self._is_same(line) else None

    def counted_since(self, earlier: "Lines", line: PlannedLine) -> CpuCounts | None:
        """Interrupts by CPU. None where that is not known: the line was gone, its counters were
        reset, or it has counts of a CPU that came or went, which nobody saw for a while."""
        if not (self._is_same(line) and earlier._is_same(line)):
            return None
        now, before = self._rows[line.irq].counts, earlier._rows[line.irq].counts
        cpus = now.keys() | before.keys()
        if cpus & (self._cpus ^ earlier._cpus):
            return None
        interval_ns = self._monotonic_ns - earlier._monotonic_ns
        return counters.cpu_counts(now, before, cpus, interval_ns)

    def _is_same(self, line: PlannedLine) -> bool:
        row: Row | None = self._rows.get(line.irq)
        if row is None or (row.actions, row.hwirq) != (line.actions, line.hwirq):
            return False
        if line.controller and row.controller != line.controller:
            return False
        known = self._devices.get(line.irq)
        # Where sysfs names no device the action's name stands for it.
        return not known or line.device in known or line.device in row.actions
