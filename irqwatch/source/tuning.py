"""Settings beside /proc/irq: default mask, network queues, idle states, real-time tasks."""

import os
from collections.abc import Iterable, Iterator, Mapping

from irqwatch.base.text import clean
from irqwatch.model.tuning import NetDevice, RealtimeTask, RxQueue, Tuning, TxQueue
from irqwatch.parse import cpuinfo, cpumask, numbers, task_stat, thread_name
from irqwatch.source.root import TABLE_BYTES, Root, names_in, read_parsed

# kthreadd, the parent of all kernel threads.
KTHREADD = 2

NET_CORE = ("netdev_budget", "netdev_budget_usecs", "netdev_max_backlog")


class TuningReader:
    """Reads a file for each queue, idle state and process, so it keeps what it read while that is
    young."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._tuning = Tuning()
        self._read_ns: int | None = None

    def read(self, online: Iterable[int], now_ns: int, max_age_ns: int) -> Tuning:
        if self._read_ns is None or now_ns - self._read_ns > max_age_ns:
            self._tuning = read_tuning(self._root, online)
            self._read_ns = now_ns
        return self._tuning


def read_tuning(root: Root, online: Iterable[int]) -> Tuning:
    return Tuning(
        default_affinity=read_parsed(root.procfs / "irq" / "default_smp_affinity", cpumask.parse),
        net=tuple(_net_devices(root)),
        tasks=tuple(_realtime_tasks(root)),
        net_core={name: value for name in NET_CORE if (value := _net_core(root, name)) is not None},
        flow_limit_cpus=read_parsed(
            root.procfs / "sys" / "net" / "core" / "flow_limit_cpu_bitmap", cpumask.parse
        ),
        idle_exit_us=_idle_exits(root, online),
        is_guest=read_parsed(root.procfs / "cpuinfo", cpuinfo.is_guest, TABLE_BYTES),
    )


def _net_core(root: Root, name: str) -> int | None:
    return read_parsed(root.procfs / "sys" / "net" / "core" / name, _number)


def _number(raw: bytes) -> int:
    return numbers.decimal(raw.strip())


def _net_devices(root: Root) -> Iterator[NetDevice]:
    """Only those of hardware: of the others nothing interrupts."""
    net = root.sysfs / "class" / "net"
    for name in names_in(net):
        if not (net / name / "device").exists():
            continue
        queues = net / name / "queues"
        numbered = [(kind, int(number)) for kind, _, number in map(_split, names_in(queues))]
        yield NetDevice(
            device=clean(os.fsencode(name)),
            rx=tuple(
                RxQueue(
                    number,
                    read_parsed(queues / f"rx-{number}" / "rps_cpus", cpumask.parse) or frozenset(),
                    read_parsed(queues / f"rx-{number}" / "rps_flow_cnt", _number) or 0,
                )
                for kind, number in sorted(numbered)
                if kind == "rx"
            ),
            tx=tuple(
                TxQueue(number, read_parsed(queues / f"tx-{number}" / "xps_cpus", cpumask.parse))
                for kind, number in sorted(numbered)
                if kind == "tx"
            ),
        )


def _split(name: str) -> tuple[str, str, str]:
    kind, dash, number = name.partition("-")
    return (kind, dash, number) if number.isdecimal() else ("", dash, "0")


def _idle_exits(root: Root, online: Iterable[int]) -> Mapping[int, int]:
    exits = {}
    for cpu in online:
        folder = root.sysfs / "devices" / "system" / "cpu" / f"cpu{cpu}" / "cpuidle"
        usable = [
            read_parsed(folder / state / "latency", _number) or 0
            for state in names_in(folder)
            if not read_parsed(folder / state / "disable", _number)
        ]
        if usable:
            exits[cpu] = max(usable)
    return exits


def _realtime_tasks(root: Root) -> Iterator[RealtimeTask]:
    """Main threads only: to look at all threads of a large host takes seconds."""
    tick_ns = 10**9 // os.sysconf("SC_CLK_TCK")
    for pid in names_in(root.procfs):
        if not pid.isdecimal():
            continue
        stat = read_parsed(root.procfs / pid / "stat", task_stat.parse)
        if stat is None:
            continue
        name = thread_name.parse(os.fsdecode(stat.name)) if stat.parent == KTHREADD else None
        irq = name.irq if name else None
        if stat.priority or irq is not None:
            yield RealtimeTask(
                int(pid), clean(stat.name), stat.priority, stat.cpu, stat.ticks * tick_ns, irq
            )
