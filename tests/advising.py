"""Made-up hosts to advise: lines with known loads, and what is set on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from irqwatch.advise.facts import Window
from irqwatch.collectors.hardirq import HardirqSource
from irqwatch.collectors.timer import TimerSource
from irqwatch.model.snapshot import (
    SCHEMA,
    Host,
    Line,
    LineDevice,
    LineSetting,
    Snapshot,
    Softnet,
    Thread,
    Worst,
)
from irqwatch.model.topology import Cpu, Topology
from irqwatch.model.tuning import Tuning
from irqwatch.model.view import Caused, CpuPart, CpuView, Source, View

SECOND = 10**9
UPTIME = 1000 * SECOND
HOST = Host("web-7.example", "6.18.1-amd64", "5b3c")


@dataclass(frozen=True)
class Busy:
    """A line. ``load`` is of its top half and, half of it, of a softirq that it causes; ``loads``
    says it for each window."""

    irq: int
    cpu: int = 0
    load: float = 0.1
    action: str = ""
    device: str = "eth0"
    kind: str = "net"
    queue: int | None = None
    node: int | None = None
    asked: frozenset[int] | None = None  # None: all CPUs
    effective: frozenset[int] | None = None
    hint: frozenset[int] | None = None
    writable: bool = True
    read: bool = True  # whether /proc/irq is
    unhandled: int = 0
    rate: float = 1000.0
    since_boot: int = 1_000_000
    loads: tuple[float, ...] = ()
    worst: Worst | None = None
    neighbour: float = 0.0  # of another action, which answers "not mine" each time

    @property
    def actions(self) -> tuple[str, ...]:
        name = self.action or f"{self.device}-TxRx-{self.irq}"
        return (name, "uhci_hcd") if self.neighbour else (name,)


@dataclass(frozen=True)
class Machine:
    """``cores`` has the number of hardware threads of a core, ``nodes`` that of nodes."""

    lines: tuple[Busy, ...] = ()
    cpus: int = 4
    threads_per_core: int = 1
    nodes: int = 1
    offline: frozenset[int] = frozenset()
    isolated: frozenset[int] = frozenset()
    host: Host = HOST
    timed: bool = True
    windows: int = 3
    softirq: Mapping[int, float] = field(default_factory=dict)
    user: Mapping[int, float] = field(default_factory=dict)
    squeezes: Mapping[int, int] = field(default_factory=dict)  # in the whole measurement
    drops: Mapping[int, int] = field(default_factory=dict)
    ksoftirqd: Mapping[int, float] = field(default_factory=dict)
    threads: tuple[Thread, ...] = ()
    extra: tuple[Source, ...] = ()
    tuning: Tuning | None = None
    tuning_before: Tuning | None = None

    def measured(self) -> list[Window]:
        ends = [self._snapshot(tick) for tick in range(self.windows + 1)]
        return [
            Window(ends[n], ends[n + 1], self._view(n, ends[n + 1])) for n in range(self.windows)
        ]

    def _node(self, cpu: int) -> int:
        return cpu * self.nodes // self.cpus

    def _topology(self) -> Topology:
        per = self.threads_per_core
        return Topology(
            {
                cpu: Cpu(
                    cpu,
                    cpu not in self.offline,
                    node=self._node(cpu),
                    siblings=frozenset(range(cpu // per * per, cpu // per * per + per)),
                )
                for cpu in range(self.cpus)
            },
            isolated=self.isolated,
            node_distances={
                row: tuple(10 if row == column else 20 for column in range(self.nodes))
                for row in range(self.nodes)
            },
        )

    def _snapshot(self, tick: int) -> Snapshot:
        part = tick / self.windows
        tuning = self.tuning_before if tick == 0 and self.tuning_before else self.tuning
        return Snapshot(
            SCHEMA,
            UPTIME + tick * SECOND,
            1_700_000_000 * SECOND + tick * SECOND,
            self.host,
            self._topology(),
            lines=tuple(
                Line(str(b.irq), b.irq, {b.cpu: b.since_boot}, hwirq=str(b.irq), actions=b.actions)
                for b in self.lines
            ),
            settings=tuple(self._setting(b, tick) for b in self.lines if b.read),
            devices=tuple(
                LineDevice(b.irq, b.device, b.kind, "", b.queue, b.node)
                for b in self.lines
                if b.kind
            ),
            softnet=tuple(
                Softnet(
                    cpu,
                    0,
                    round(self.drops.get(cpu, 0) * part),
                    round(self.squeezes.get(cpu, 0) * part),
                )
                for cpu in range(self.cpus)
            ),
            threads=(
                *self.threads,
                *(
                    Thread(
                        10 + cpu, f"ksoftirqd/{cpu}", "ksoftirqd", round(tick * share * 1e9), cpu
                    )
                    for cpu, share in self.ksoftirqd.items()
                ),
            ),
            tuning=tuning,
        )

    def _setting(self, busy: Busy, tick: int) -> LineSetting:
        everywhere = frozenset(range(self.cpus))
        return LineSetting(
            busy.irq,
            affinity=everywhere if busy.asked is None else busy.asked,
            effective=frozenset({busy.cpu}) if busy.effective is None else busy.effective,
            hint=busy.hint,
            writable=busy.writable,
            unhandled=busy.unhandled * tick,
        )

    def _view(self, number: int, end: Snapshot) -> View:
        sources = [source for busy in self.lines for source in self._sources(busy, number)]
        return View(
            interval_s=1.0,
            monotonic_ns=end.monotonic_ns,
            wall_ns=end.wall_ns,
            host=self.host,
            sources=(*sources, *self.extra),
            cpus=tuple(self._cpu(cpu, number) for cpu in sorted(end.topology.online)),
            collectors=frozenset({"hardirq", "softirq"} if self.timed else ()),
            coverage=None,
        )

    def _sources(self, busy: Busy, number: int) -> list[Source]:
        if not self.timed:
            part = CpuPart(round(busy.rate), None)
            name = ", ".join(busy.actions)
            return [_hardirq(busy, name, part)]
        half = (busy.loads[number] if busy.loads else busy.load) / 2
        own = _hardirq(busy, busy.actions[0], CpuPart(round(busy.rate), half))
        caused = Caused("softirq", "NET_RX", 1, half, {busy.cpu: CpuPart(1, half)})
        found = [replace(own, caused=(caused,), worst=busy.worst)]
        if busy.neighbour:
            part = CpuPart(round(busy.rate), busy.neighbour)
            other = _hardirq(busy, busy.actions[1], part)
            found.append(replace(other, not_mine_count=other.count, not_mine_seconds=other.seconds))
        return found

    def _cpu(self, cpu: int, number: int) -> CpuView:
        on = [source for b in self.lines if b.cpu == cpu for source in self._sources(b, number)]
        hard = sum(source.seconds or 0.0 for source in on)
        soft = sum(caused.seconds for source in on for caused in source.caused)
        user = self.user.get(cpu, 0.0)
        soft += self.softirq.get(cpu, 0.0)
        idle = max(0.0, 1 - hard - soft - user)
        return CpuView(cpu, hard, soft, user, 0.0, idle, 0.0, "probe", 0.0)


def _hardirq(busy: Busy, name: str, part: CpuPart) -> HardirqSource:
    return HardirqSource(
        kind="hardirq",
        name=name,
        count=part.count,
        seconds=part.seconds,
        rate=busy.rate,
        cpus={busy.cpu: part},
        irq=busy.irq,
        device=busy.device,
        not_mine_count=0 if part.seconds is not None else None,
        not_mine_seconds=0.0 if part.seconds is not None else None,
    )


def timer(cpu: int, late_ns: int, pid: int = 812) -> TimerSource:
    return TimerSource(
        kind="timer",
        name="hard",
        count=9,
        seconds=None,
        rate=9.0,
        cpus={cpu: CpuPart(9, None)},
        worst_latency=Worst(late_ns, UPTIME, cpu, pid, "nginx" if pid else "swapper"),
        early_count=0,
        cpu_latency_p99_s={},
        cpu_latency_max_s={},
    )


def crowded(**changes: object) -> Machine:
    """Four queues of eth0 on CPU 0, which they fill to 80 %; the three other CPUs have nothing."""
    lines = tuple(Busy(30 + n, 0, 0.2, f"eth0-TxRx-{n}", queue=n, node=0) for n in range(4))
    return replace(Machine(lines), **changes)  # type: ignore[arg-type]
