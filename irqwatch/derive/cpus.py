"""Where each CPU's time went."""

from collections.abc import Iterable

from irqwatch.base.columns import online
from irqwatch.base.interval import Interval
from irqwatch.collectors import running
from irqwatch.model.snapshot import CpuTimes, Snapshot
from irqwatch.model.view import CpuView

# What the rest of a CPU's time is without.
_PARTS = frozenset({"hardirq", "vector", "softirq"})


def cpus(current: Snapshot, previous: Snapshot, interval: Interval) -> tuple[CpuView, ...]:
    """One for each CPU that is online now; all unknown where it was not at the start."""
    timed, there = _timed(interval), online(previous)
    accounts_hardirq = any(times.irq_ns for times in current.cpu_times.values())
    accounts_softirq = any(times.softirq_ns for times in current.cpu_times.values())
    views = []
    for cpu in sorted(online(current)):
        kernel = _Kernel(current.cpu_times.get(cpu), previous.cpu_times.get(cpu), interval.ns)
        shares = {
            "hardirq": kernel.share("irq_ns") if accounts_hardirq else None,
            "softirq": kernel.share("softirq_ns") if accounts_softirq else None,
        }
        for collector, by_cpu in timed.items():
            known = interval.ns and cpu in there
            shares[collector] = by_cpu.get(cpu, 0) / interval.ns if known else None
        parts = [shares.get(name) for name in _PARTS]
        measured = [part for part in parts if part is not None] if timed.keys() >= _PARTS else []
        views.append(
            CpuView(
                cpu=cpu,
                hardirq=shares["hardirq"],
                softirq=shares["softirq"],
                user=kernel.share("user_ns", "nice_ns"),
                system=kernel.share("system_ns"),
                idle=kernel.share("idle_ns", "iowait_ns"),
                steal=kernel.share("steal_ns"),
                timed_by=("kernel", "mixed", "probe")[len(timed.keys() & {"hardirq", "softirq"})],
                vector=shares.get("vector"),
                rest=1 - sum(measured) if measured else None,
            )
        )
    return tuple(views)


class _Kernel:
    """The kernel's own accounting of one CPU over the interval."""

    def __init__(self, now: CpuTimes | None, before: CpuTimes | None, interval_ns: int) -> None:
        self._now = now
        self._before = before
        self._interval_ns = interval_ns

    def share(self, *fields: str) -> float | None:
        if not self._interval_ns or self._now is None or self._before is None:
            return None
        steps = [getattr(self._now, field) - getattr(self._before, field) for field in fields]
        # Idle and iowait do go backwards: Documentation/filesystems/proc.rst, "1.7 /proc/stat".
        return None if min(steps) < 0 else sum(steps) / self._interval_ns


def _timed(interval: Interval) -> dict[str, dict[int, int]]:
    """Collector → CPU → nanoseconds; of the collectors that ran through the interval."""
    probe = interval.probe
    if probe is None:
        return {}
    return {
        collector.name: _sum(collector.cpu_ns(probe))
        for collector in running(probe.collectors)
        if collector.cpu_ns
    }


def _sum(parts: Iterable[tuple[int, int]]) -> dict[int, int]:
    by_cpu: dict[int, int] = {}
    for cpu, ns in parts:
        by_cpu[cpu] = by_cpu.get(cpu, 0) + ns
    return by_cpu
