"""/proc/irq/N: where each line may run, where it does, and whether that can be changed."""

import stat
from collections.abc import Iterable
from dataclasses import replace

from irqwatch.model.snapshot import Line, LineSetting
from irqwatch.parse import cpulist, cpumask, numbers, spurious
from irqwatch.source.root import Root, read_parsed


class SettingsReader:
    """Reads six files a line, so it keeps what it read while it is young and the lines are the
    same."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._settings: tuple[LineSetting, ...] = ()
        self._irqs: frozenset[int] = frozenset()
        self._read_ns: int | None = None

    def read(self, lines: Iterable[Line], now_ns: int, max_age_ns: int) -> tuple[LineSetting, ...]:
        """In order of ``irq``; a line that has vanished meanwhile is left out."""
        irqs = frozenset(line.irq for line in lines if line.irq is not None)
        is_old = self._read_ns is None or now_ns - self._read_ns > max_age_ns
        if is_old or irqs != self._irqs:
            read = (read_setting(self._root, irq) for irq in sorted(irqs))
            self._settings = tuple(setting for setting in read if setting)
            self._irqs = irqs
            self._read_ns = now_ns
        return self._settings


def read_setting(root: Root, irq: int) -> LineSetting | None:
    """None where the line has no folder."""
    folder = root.procfs / "irq" / str(irq)
    try:
        # The mode says whether the affinity is the user's to set; kernels before 6.12 give 0644
        # to managed interrupts too (kernel/irq/proc.c, register_irq_proc).
        mode = (folder / "smp_affinity").stat().st_mode
    except OSError:
        return None
    setting = LineSetting(
        irq=irq,
        affinity=read_parsed(folder / "smp_affinity_list", cpulist.parse),
        effective=read_parsed(folder / "effective_affinity_list", cpulist.parse),
        hint=read_parsed(folder / "affinity_hint", cpumask.parse) or None,
        node=read_parsed(folder / "node", numbers.id_or_none),
        writable=bool(mode & stat.S_IWUSR),
    )
    unhandled = read_parsed(folder / "spurious", spurious.parse)
    if unhandled is None:
        return setting
    return replace(setting, unhandled=unhandled[0], last_unhandled_ms=unhandled[1])
