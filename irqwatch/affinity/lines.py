"""A host's lines as they are now, found by what they are and not by their number alone."""

from irqwatch.model.plan import Line
from irqwatch.model.snapshot import CpuCounts, LineSetting, Snapshot
from irqwatch.model.snapshot import Line as Row


class Lines:
    """An index of one Snapshot, which must hold settings."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._rows = {row.irq: row for row in snapshot.lines if row.irq is not None}
        self._settings = {setting.irq: setting for setting in snapshot.settings}
        self._devices: dict[int, set[str]] = {}
        for device in snapshot.devices:
            self._devices.setdefault(device.irq, set()).add(device.device)

    def setting(self, line: Line) -> LineSetting | None:
        """None where the line is gone or its number is another device's now."""
        return self._settings.get(line.irq) if self._is_same(line) else None

    def counts(self, line: Line) -> CpuCounts:
        """Interrupts by CPU since boot, 32 bits wide; none where the line is gone."""
        return self._rows[line.irq].counts if self._is_same(line) else {}

    def _is_same(self, line: Line) -> bool:
        row: Row | None = self._rows.get(line.irq)
        if row is None or (row.actions, row.hwirq) != (line.actions, line.hwirq):
            return False
        if line.controller and row.controller != line.controller:
            return False
        known = self._devices.get(line.irq)
        # A shared line has several devices; where sysfs names none the action's name stands for it.
        return not known or line.device in known or line.device in row.actions
