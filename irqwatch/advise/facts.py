"""What several windows of a host say of its lines and CPUs: the ground that all advice stands on.

A load is a share of one CPU's time. A line's is its top half and what that caused and what ran on
the same CPU: it moves with the line. Work that ran elsewhere does not, and stays where it is.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import fmean, stdev

from irqwatch.base import action_name, counters, measures
from irqwatch.base.columns import is_incomplete, why_unlisted
from irqwatch.base.names import device_names, line_name, names_of_lines
from irqwatch.collectors.hardirq import HardirqSource
from irqwatch.model import plan
from irqwatch.model.evidence import NamedLine
from irqwatch.model.snapshot import (
    Host,
    LineDevice,
    LineSetting,
    Snapshot,
    Unavailable,
)
from irqwatch.model.topology import Topology
from irqwatch.model.tuning import NetDevice, Tuning
from irqwatch.model.view import Caused, View

NS = 1e9


@dataclass(frozen=True, slots=True)
class Window:
    """One interval of the measurement; ``view`` is derived from its two ends."""

    before: Snapshot
    after: Snapshot
    view: View


@dataclass(frozen=True)
class LineFacts:
    """One line with a number. ``loads`` has CPU → load for each window. A window of which they are
    not known has the means of the others; ``is_known`` is false where there is none."""

    line: plan.PlannedLine
    loads: tuple[Mapping[int, float], ...]
    rates: tuple[float, ...]  # interrupts per second, by window
    baseline_rate: float | None  # the average since boot; None where its counter may have wrapped
    handler_s: float | None  # mean time of the top half
    sources: tuple[HardirqSource, ...]  # its actions, of all windows
    setting: LineSetting | None = None
    devices: tuple[LineDevice, ...] = ()  # several on a shared line
    called: frozenset[str] = frozenset()  # all names that it is found by
    is_known: bool = True
    unhandled: int = 0  # so many more at least, over the measurement; 0 where not known
    current: frozenset[int] = frozenset()  # online CPUs where it runs

    @property
    def irq(self) -> int:
        return self.line.irq

    @cached_property
    def load(self) -> float:
        return fmean(sum(window.values()) for window in self.loads)

    @property
    def spread(self) -> float:
        return _spread([sum(window.values()) for window in self.loads])

    @property
    def rate(self) -> float:
        return fmean(self.rates)

    @cached_property
    def load_by_cpu(self) -> dict[int, float]:
        return _means(self.loads)

    @property
    def device(self) -> str:
        return self.line.device

    @property
    def kind(self) -> str:
        """Of the device; of a line that several share there is none."""
        return self.devices[0].kind if len(self.devices) == 1 else ""

    @property
    def queue(self) -> int | None:
        return self.devices[0].queue if len(self.devices) == 1 else None

    @property
    def serves(self) -> str:
        """Which way its queue goes, as in ActionName."""
        ways = {action_name.parse(action).serves for action in self.line.actions} - {""}
        return ways.pop() if len(ways) == 1 else ""

    @property
    def node(self) -> int | None:
        """Of the device; of the line's own memory where that is not known."""
        known = [device.node for device in self.devices if device.node is not None]
        return known[0] if known else None

    @property
    def named(self) -> NamedLine:
        return NamedLine(self.irq, self.line.name)


@dataclass(frozen=True)
class CpuFacts:
    """One online CPU. Shares are means over the windows; rates are per second."""

    cpu: int
    loads: tuple[float, ...]  # in interrupts, by window
    softirq: float | None
    task: float | None  # user and system time, without the interrupts where those are timed
    idle: float | None  # as the kernel accounts for it
    node: int | None
    core: Hashable
    squeezes: float | None  # None where softnet_stat does not say it
    drops: float | None
    ksoftirqd: float | None  # None where the thread is hidden

    @cached_property
    def load(self) -> float:
        return fmean(self.loads)

    @property
    def spread(self) -> float:
        return _spread(self.loads)


@dataclass(frozen=True)
class Facts:
    """``eligible`` CPUs may be given interrupts; ``reserved`` are isolated or nohz_full."""

    host: Host
    wall_ns: int
    topology: Topology
    weighed_by: str  # "time" or "count"
    goal: str
    windows: tuple[Window, ...]
    lines: tuple[LineFacts, ...]
    cpus: Mapping[int, CpuFacts]
    eligible: frozenset[int]
    thresholds: Mapping[str, float]
    tuning: Tuning = field(default_factory=Tuning)
    unavailable: tuple[Unavailable, ...] = ()

    @property
    def seconds(self) -> float:
        return sum(window.view.interval_s for window in self.windows)

    @property
    def reserved(self) -> frozenset[int]:
        return self.topology.isolated | self.topology.nohz_full

    @property
    def hidden(self) -> str:
        """Why it is not known which interrupts there are or what they counted; empty where it is
        of any. Every kernel counts something, so that a list without any row, as older recordings
        have it, is hidden too."""
        if any(line.is_known for line in self.lines):
            return ""
        if self.lines:
            return "what they counted is not known of any window"
        lines = self.windows[-1].after.lines
        return why_unlisted(self.unavailable) or ("" if lines else "none is listed")

    @property
    def idle(self) -> float:
        """A load below which a line does not count."""
        return self.thresholds["idle_load" if self.weighed_by == "time" else "idle_rate"]

    @cached_property
    def by_irq(self) -> dict[int, LineFacts]:
        return {line.irq: line for line in self.lines}

    @cached_property
    def by_device(self) -> dict[str, list[LineFacts]]:
        """Lines of one device only, in the order of their queues."""
        found = defaultdict(list)
        for line in self.lines:
            if len(line.devices) == 1:
                found[line.device].append(line)
        return dict(found)

    @cached_property
    def net(self) -> dict[str, NetDevice]:
        return {device.device: device for device in self.tuning.net}

    def counts(self, line: LineFacts) -> bool:
        return line.load >= self.idle

    def is_busy(self, line: LineFacts) -> bool:
        """Worth advice of its own; without times whatever counts is."""
        return line.load >= (
            self.thresholds["busy_line"] if self.weighed_by == "time" else self.idle
        )


def _spread(values: Sequence[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0


def _means(windows: Sequence[Mapping[int, float]]) -> dict[int, float]:
    cpus = sorted({cpu for window in windows for cpu in window})
    return {cpu: fmean(window.get(cpu, 0.0) for window in windows) for cpu in cpus}


def _total(loads: Iterable[Mapping[int, float]]) -> dict[int, float]:
    total: defaultdict[int, float] = defaultdict(float)
    for by_cpu in loads:
        for cpu, load in by_cpu.items():
            total[cpu] += load
    return dict(total)


def gather(
    windows: Sequence[Window],
    thresholds: Mapping[str, float],
    goal: str = "throughput",
    wanted_cpus: frozenset[int] | None = None,
) -> Facts:
    """Of windows in order, at least one. ``wanted_cpus`` are the only ones that may be given
    interrupts, isolated ones too then; None is all but isolated and nohz_full ones."""
    last = windows[-1].after
    topology = last.topology
    online = frozenset(topology.online)
    timed = all("hardirq" in window.view.collectors for window in windows)
    lines = tuple(_lines(windows, online, timed))
    of_lines = [_total(line.loads[number] for line in lines) for number in range(len(windows))]
    housekeeping = online - topology.isolated - topology.nohz_full
    return Facts(
        host=last.host,
        wall_ns=last.wall_ns,
        topology=topology,
        weighed_by="time" if timed else "count",
        goal=goal,
        windows=tuple(windows),
        lines=lines,
        cpus={cpu: _cpu(cpu, windows, of_lines, timed) for cpu in sorted(online)},
        eligible=(housekeeping if wanted_cpus is None else wanted_cpus & online) or online,
        thresholds=thresholds,
        tuning=last.tuning or Tuning(),
        unavailable=_lacking(windows),
    )


def _lacking(windows: Iterable[Window]) -> tuple[Unavailable, ...]:
    """Each once, in the order in which they came."""
    return tuple(dict.fromkeys(lack for window in windows for lack in window.view.unavailable))


def _lines(windows: Sequence[Window], online: frozenset[int], timed: bool) -> Iterable[LineFacts]:
    last = windows[-1].after
    settings = {setting.irq: setting for setting in last.settings}
    settings_before = {setting.irq: setting for setting in windows[0].before.settings}
    devices = defaultdict(list)
    for device in last.devices:
        devices[device.irq].append(device)
    names = device_names(last.devices)
    called = names_of_lines(last.lines, last.devices, last.behind)
    sources: list[dict[int, list[HardirqSource]]] = []
    for window in windows:
        sources.append(defaultdict(list))
        for source in window.view.sources:
            if isinstance(source, HardirqSource) and source.irq is not None:
                sources[-1][source.irq].append(source)
    # What the probe timed does not hang on the kernel's count.
    uncounted = [frozenset() if timed else _uncounted(last, window) for window in windows]
    uptime_s = max(windows[0].before.monotonic_ns / NS, 1.0)
    since_boot = {line.irq: sum(line.counts.values()) for line in windows[0].before.lines}
    for line in last.lines:
        if line.irq is None:
            continue
        parts = [of_window.get(line.irq, []) for of_window in sources]
        known = [line.irq not in of_window for of_window in uncounted]
        measured = [
            _line_load(part, window.view.interval_s, timed) if is_known else None
            for part, window, is_known in zip(parts, windows, known, strict=True)
        ]
        means = _means([load for load in measured if load is not None])
        loads = tuple(means if load is None else load for load in measured)
        every = tuple(source for part in parts for source in part)
        own = tuple(devices[line.irq])
        name = names.get(line.irq) or line_name(line)
        rates = _rates(parts, known)
        setting, before = settings.get(line.irq), settings_before.get(line.irq)
        yield LineFacts(
            line=plan.PlannedLine(line.irq, line.actions, line.hwirq, name, line.controller),
            loads=loads,
            rates=rates,
            baseline_rate=_baseline(since_boot.get(line.irq, 0), uptime_s, fmean(rates)),
            handler_s=_handler_s(every),
            sources=every,
            setting=setting,
            devices=own,
            called=called[line.irq],
            is_known=any(known),
            unhandled=_rise(before, setting),
            current=_current(setting, _means(loads), online),
        )


def _uncounted(last: Snapshot, window: Window) -> frozenset[int]:
    """Of which of the lines it is not known what they counted; one that was not there counted
    nothing."""
    unseen: frozenset[int] = frozenset()
    if is_incomplete(window.after):
        lines, listed = (
            {one.irq for one in of.lines if one.irq is not None} for of in (last, window.after)
        )
        unseen = frozenset(lines - listed)
    return window.view.unknown_lines | unseen


def _rates(parts: Iterable[Iterable[HardirqSource]], known: Sequence[bool]) -> tuple[float, ...]:
    """By window; of one of which it is not known, the mean of the others."""
    rates = [sum(source.rate for source in part) for part in parts]
    mean = _mean([rate if told else None for rate, told in zip(rates, known, strict=True)]) or 0.0
    return tuple(rate if told else mean for rate, told in zip(rates, known, strict=True))


def _baseline(count: int, uptime_s: float, rate: float) -> float | None:
    """Interrupts a second since boot. At its present rate the line's 32-bit counter would have
    wrapped since: then the count may lack any number of wraps."""
    return None if rate * uptime_s >= counters.WRAP else count / uptime_s


def _line_load(
    sources: Iterable[HardirqSource], interval_s: float, timed: bool
) -> dict[int, float]:
    """CPU → load over one window. Handlers of a shared line all run at each of its interrupts, so
    what is counted is the most of one of them."""
    loads: defaultdict[int, float] = defaultdict(float)
    for source in sources:
        for cpu, part in source.cpus.items():
            if not timed:
                loads[cpu] = max(loads[cpu], part.count / interval_s)
            elif part.seconds is not None:
                loads[cpu] += part.seconds / interval_s
        for caused in source.caused if timed else ():
            for cpu, part in caused.cpus.items():
                if part.seconds is not None and _moves_along(source, caused, cpu):
                    loads[cpu] += part.seconds / interval_s
    return dict(loads)


def _moves_along(source: HardirqSource, caused: Caused, cpu: int) -> bool:
    """A softirq runs where it was raised; threads and work may run anywhere."""
    return caused.kind == "softirq" or cpu in source.cpus


def _handler_s(sources: Iterable[HardirqSource]) -> float | None:
    timed = [(one.count, one.seconds) for one in sources if one.seconds is not None]
    count = sum(count for count, _ in timed)
    return sum(seconds for _, seconds in timed) / count if count else None


def _rise(before: LineSetting | None, after: LineSetting | None) -> int:
    """The kernel starts its count again after each 100,000 interrupts (note_interrupt() in
    kernel/irq/spurious.c): those since then are the least that it rose by."""
    if before is None or after is None or before.unhandled is None or after.unhandled is None:
        return 0
    rise = counters.steps(after.unhandled, before.unhandled)
    return after.unhandled if rise is None else rise


def _current(
    setting: LineSetting | None, seen: Mapping[int, float], online: frozenset[int]
) -> frozenset[int]:
    effective = (setting.effective if setting else None) or frozenset()
    return effective & online or frozenset(seen) & online


def _cpu(
    cpu: int, windows: Sequence[Window], of_lines: Sequence[Mapping[int, float]], timed: bool
) -> CpuFacts:
    """``of_lines``: CPU → load of all lines, by window."""
    first, last = windows[0].before, windows[-1].after
    topology = last.topology.cpus[cpu]
    views = [next((one for one in window.view.cpus if one.cpu == cpu), None) for window in windows]
    loads = []
    for number, view in enumerate(views):
        own = of_lines[number].get(cpu, 0.0)
        if timed and view:
            parts = (view.hardirq, view.softirq, view.vector)
            kernel = sum(part or 0.0 for part in parts)
            own = max(own, kernel + _in_threads(windows[number].view, cpu))
        loads.append(own)
    interval_ns = max(last.monotonic_ns - first.monotonic_ns, 1)
    squeezes, drops = _softnet_rates(first, last, cpu, interval_ns)
    return CpuFacts(
        cpu=cpu,
        loads=tuple(loads),
        softirq=_mean([view.softirq if view else None for view in views]),
        task=_mean([_busy(view.user, view.system) if view else None for view in views]),
        idle=_mean([view.idle if view else None for view in views]),
        node=topology.node,
        core=min(topology.siblings, default=cpu),
        squeezes=squeezes,
        drops=drops,
        ksoftirqd=_ksoftirqd(first, last, cpu, interval_ns),
    )


def _in_threads(view: View, cpu: int) -> float:
    """What interrupts there caused to run in threads and as work, which is no softirq's time."""
    return sum(
        (caused.cpus[cpu].seconds or 0.0) / view.interval_s
        for source in view.sources
        if isinstance(source, HardirqSource)
        for caused in source.caused
        if caused.kind != "softirq" and cpu in caused.cpus and cpu in source.cpus
    )


def _busy(user: float | None, system: float | None) -> float | None:
    return None if user is None or system is None else user + system


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _softnet_rates(
    first: Snapshot, last: Snapshot, cpu: int, interval_ns: int
) -> tuple[float | None, float | None]:
    """Squeezes and drops a second. Their counters are 32 bits wide (struct softnet_data in
    include/linux/netdevice.h)."""
    before, after = (
        next((row for row in one.softnet if row.cpu == cpu), None) for one in (first, last)
    )
    if before is None or after is None:
        return None, None
    squeezes = counters.steps_32bit(after.time_squeeze, before.time_squeeze, interval_ns)
    drops = counters.steps_32bit(after.dropped, before.dropped, interval_ns)
    return _rate(squeezes, interval_ns), _rate(drops, interval_ns)


def _rate(count: int | None, interval_ns: int) -> float | None:
    return None if count is None else measures.rate(count, interval_ns)


def _ksoftirqd(first: Snapshot, last: Snapshot, cpu: int, interval_ns: int) -> float | None:
    """Its share of the CPU; None where the thread is hidden or new, or its pid another's."""
    before = {thread.pid: thread.cpu_ns for thread in first.threads if thread.cpu == cpu}
    steps = [
        step
        for thread in last.threads
        if thread.kind == "ksoftirqd" and thread.cpu == cpu and thread.pid in before
        if (step := counters.steps(thread.cpu_ns, before[thread.pid])) is not None
    ]
    return sum(steps) / interval_ns if steps else None
