"""Everything of a host that is read without the probe."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from irqwatch import clock
from irqwatch.base.text import clean
from irqwatch.errors import ParseError
from irqwatch.model.snapshot import (
    CpuCounts,
    CpuTimes,
    Host,
    Line,
    LineSetting,
    Softnet,
    Thread,
    Unavailable,
)
from irqwatch.model.topology import Topology
from irqwatch.model.tuning import Tuning
from irqwatch.parse import interrupts, softirqs, softnet_stat, stat
from irqwatch.source.devices import Devices, DevicesReader
from irqwatch.source.root import TABLE_BYTES, Root, Unreadable, read, read_parsed, refused, shown
from irqwatch.source.settings import SettingsReader
from irqwatch.source.threads import ThreadsReader
from irqwatch.source.topology import TopologyReader
from irqwatch.source.tuning import TuningReader

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HostReading:
    """What one ``HostReader.read`` found; the fields are those of Snapshot."""

    host: Host
    topology: Topology
    lines: tuple[Line, ...]
    softirq_counts: Mapping[str, CpuCounts]
    line_cpus: frozenset[int]
    softirq_cpus: frozenset[int]
    cpu_times: Mapping[int, CpuTimes]
    softnet: tuple[Softnet, ...]
    unavailable: tuple[Unavailable, ...]
    durations_ns: Mapping[str, int]


class HostReader:
    """Reads one host. Raises nothing for what the host lacks: that is in ``unavailable``.

    ``read`` is cheap and always fresh. What costs more is apart, and kept by a rule: settings until
    they are older than the caller allows, devices until a line or an action changes or for a
    minute, the list of threads for a minute (their CPU time is always fresh).
    """

    def __init__(self, root: Root) -> None:
        self._root = root
        self._ticks_per_second = os.sysconf("SC_CLK_TCK")
        self._topology = TopologyReader(root)
        self._settings = SettingsReader(root)
        self._devices = DevicesReader(root)
        self._threads = ThreadsReader(root)
        self._tuning = TuningReader(root)

    def read(self) -> HostReading:
        """The parts whose names are those of ``Unavailable.part`` and of ``durations_ns``."""
        parts = _Parts()
        proc = self._root.procfs
        found = parts.read("interrupts", proc / "interrupts", interrupts.parse)
        if found and found.skipped:
            rows = "row" if found.skipped == 1 else "rows"
            parts.lack("interrupts", f"{found.skipped} garbled {rows} left out")
        elif found and not found.lines:
            parts.lack("interrupts", _no_row(proc / "interrupts"))
        counted = parts.read("softirqs", proc / "softirqs", softirqs.parse)
        if counted and not counted.counts:
            parts.lack("softirqs", _no_row(proc / "softirqs"))
        parse_stat = partial(stat.parse, ticks_per_second=self._ticks_per_second)
        cpu_times = parts.read("cpu_times", proc / "stat", parse_stat) or {}
        # In a container with lxcfs /proc/stat has CPUs of its own.
        online = (found.cpus if found else (), cpu_times)
        parse_softnet = partial(softnet_stat.parse, online=online)
        softnet = parts.read("softnet", proc / "net" / "softnet_stat", parse_softnet)
        topology = parts.time("topology", self._topology.read)
        if topology is None:
            path = shown(self._root.sysfs / "devices/system/cpu")
            parts.lack("topology", f"{path} does not list the CPUs")
        return HostReading(
            host=read_host(self._root),
            topology=topology or Topology(),
            lines=found.lines if found else (),
            softirq_counts=counted.counts if counted else {},
            line_cpus=found.cpus if found else frozenset(),
            softirq_cpus=counted.cpus if counted else frozenset(),
            cpu_times=cpu_times,
            softnet=softnet or (),
            unavailable=tuple(parts.unavailable),
            durations_ns=parts.durations_ns,
        )

    def settings(
        self, lines: Iterable[Line], now_ns: int, max_age_ns: int
    ) -> tuple[LineSetting, ...]:
        """/proc/irq of ``lines``, read again when older than ``max_age_ns`` or the lines differ."""
        return self._settings.read(lines, now_ns, max_age_ns)

    def devices(self, lines: Iterable[Line], now_ns: int) -> Devices:
        """The devices of ``lines``, looked up again when a line or an action differs, and each
        minute for what hangs behind them."""
        return self._devices.read(lines, now_ns)

    def tuning(self, topology: Topology, now_ns: int, max_age_ns: int) -> Tuning:
        """What is set beside /proc/irq, read again when older than ``max_age_ns``."""
        return self._tuning.read(topology.online, now_ns, max_age_ns)

    def lacking(self) -> tuple[Unavailable, ...]:
        """What the readings above could not have since something else lay in a file's place."""
        reason = refused()
        return (Unavailable("files", reason),) if reason else ()

    def threads(self, now_ns: int) -> tuple[Thread, ...]:
        """ksoftirqd, threads of interrupts and irqbalance; new ones are found within a minute."""
        return self._threads.read(now_ns)


class _Parts:
    """Reads parts one by one; keeps what is lacking and how long each took."""

    def __init__(self) -> None:
        self.unavailable: list[Unavailable] = []
        self.durations_ns: dict[str, int] = {}

    def lack(self, part: str, reason: str) -> None:
        self.unavailable.append(Unavailable(part, reason))

    def time(self, part: str, action: Callable[[], T]) -> T:
        begin_ns = clock.monotonic_ns()
        result = action()
        self.durations_ns[part] = clock.monotonic_ns() - begin_ns
        return result

    def read(self, part: str, path: Path, parse: Callable[[bytes], T]) -> T | None:
        result = self.time(part, lambda: _read_file(path, parse))
        if isinstance(result, Unreadable):
            self.lack(part, result.reason)
            return None
        return result


def _read_file(path: Path, parse: Callable[[bytes], T]) -> T | Unreadable:
    raw = read(path, TABLE_BYTES)
    if isinstance(raw, Unreadable):
        return raw
    if not raw:
        return Unreadable(f"{shown(path)} is masked (reads empty): a container runtime hides it")
    try:
        return parse(raw)
    except ParseError as error:
        return Unreadable(f"{shown(path)} is garbled: {error}")


def _no_row(path: Path) -> str:
    """Every kernel counts something: a header by itself is what a sandbox leaves."""
    return f"{shown(path)} has no row but its header: a container runtime hides them"


def read_host(root: Root) -> Host:
    """Of the UTS namespace irqwatch runs in; what is not to be had is empty."""
    kernel = root.procfs / "sys" / "kernel"

    def text(path: Path) -> str:
        return read_parsed(path, lambda raw: clean(raw.strip())) or ""

    return Host(
        hostname=text(kernel / "hostname"),
        kernel=text(kernel / "osrelease"),
        boot_id=text(kernel / "random" / "boot_id"),
    )
