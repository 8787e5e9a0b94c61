"""A /proc and a /sys on disk that read as a given Snapshot: the inverse of irqwatch.source.host."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from irqwatch.model.snapshot import (
    CpuCounts,
    CpuTimes,
    Line,
    LineDevice,
    LineSetting,
    Snapshot,
    Softnet,
)
from irqwatch.model.topology import Topology
from irqwatch.source.root import Root
from tests.scale.kernel_counts import THREADS_A_CPU, TICK_NS

KTHREADD = 2
NOBODY: frozenset[int] = frozenset()

# What a CPU has beside ksoftirqd, and a reader of threads must step over.
OTHER_THREADS = ("cpuhp/{}", "migration/{}", "kworker/{}:0", "kworker/{}:1H")


@contextlib.contextmanager
def tree(snapshot: Snapshot) -> Iterator[Root]:
    """A tree for a while, in memory where there is a file system for that: it has a file or ten a
    line, and a real /proc is no disk either."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield write_tree(snapshot, Path(folder))


def write_tree(snapshot: Snapshot, folder: Path) -> Root:
    """Below ``folder``, which must be empty."""
    root = Root(folder / "proc", folder / "sys")
    _write_topology(snapshot.topology, root.sysfs / "devices" / "system")
    _write_settings(snapshot, root.procfs / "irq")
    _write_devices(snapshot.devices, root.sysfs)
    _write_host(snapshot, root.procfs / "sys" / "kernel")
    _write_counters(snapshot, root.procfs)
    _write_threads(snapshot, root.procfs)
    return root


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _write_counters(snapshot: Snapshot, proc: Path) -> None:
    online, possible = snapshot.topology.online, snapshot.topology.possible
    _write(proc / "interrupts", _interrupts(snapshot.lines, online))
    _write(proc / "softirqs", _softirqs(snapshot, possible))
    _write(proc / "stat", _stat(snapshot))
    _write(proc / "net" / "softnet_stat", _softnet(snapshot.softnet))


def _interrupts(lines: Iterable[Line], online: tuple[int, ...]) -> str:
    """kernel/irq/proc.c, show_interrupts, and arch/x86/kernel/irq.c, arch_show_interrupts."""
    rows = ["           " + "".join(f"CPU{cpu:<8}" for cpu in online)]
    for line in lines:
        if line.total is not None:
            rows.append(f"{line.label:>4}: {line.total:10}")
            continue
        row = f"{line.label:>4}: " + _columns(line.counts, online)
        if line.irq is None:
            rows.append(f"{row}  {line.description}")
        else:
            origin = f"{line.controller:>8} {line.hwirq:>3}-{line.trigger:<8}"
            rows.append(f"{row} {origin}  {', '.join(line.actions)}")
    return "\n".join(rows) + "\n"


def _columns(counts: CpuCounts, cpus: Iterable[int]) -> str:
    return " ".join(f"{counts.get(cpu, 0):10}" for cpu in cpus)


def _softirqs(snapshot: Snapshot, possible: tuple[int, ...]) -> str:
    """fs/proc/softirqs.c."""
    rows = [" " * 20 + "".join(f"CPU{cpu:<8}" for cpu in possible)]
    for vector, counts in snapshot.softirq_counts.items():
        rows.append(f"{vector:>12}: " + _columns(counts, possible))
    return "\n".join(rows) + "\n"


def _stat(snapshot: Snapshot) -> str:
    """fs/proc/stat.c."""
    rows = [f"cpu{cpu} {_ticks(times)} 0 0" for cpu, times in snapshot.cpu_times.items()]
    total = sum(sum(line.counts.values()) for line in snapshot.lines)
    by_irq = {
        line.irq: sum(line.counts.values()) for line in snapshot.lines if line.irq is not None
    }
    # Each possible number has a place, used or not.
    each = " ".join(str(by_irq.get(irq, 0)) for irq in range(max(by_irq) + 1))
    first = "cpu  " + " ".join("0" * 10)
    return "\n".join([first, *rows, f"intr {total} {each}", "btime 1746544000"]) + "\n"


def _ticks(times: CpuTimes) -> str:
    values = (
        times.user_ns,
        times.nice_ns,
        times.system_ns,
        times.idle_ns,
        times.iowait_ns,
        times.irq_ns,
        times.softirq_ns,
        times.steal_ns,
    )
    return " ".join(str(ns // TICK_NS) for ns in values)


def _softnet(rows: Iterable[Softnet]) -> str:
    """net/core/net-procfs.c, softnet_seq_show."""
    return "".join(
        " ".join(
            f"{value:08x}"
            for value in (
                *(row.processed, row.dropped, row.time_squeeze, *[0] * 6),
                *(row.received_rps or 0, row.flow_limit or 0, row.backlog or 0, row.cpu, 0, 0),
            )
        )
        + "\n"
        for row in rows
    )


def _write_threads(snapshot: Snapshot, proc: Path) -> None:
    _write_process(proc, KTHREADD, "kthreadd", 0, 0)
    for thread in snapshot.threads:
        parent = 1 if thread.kind == "irqbalance" else KTHREADD
        _write_process(proc, thread.pid, thread.name, parent, thread.cpu_ns)
        if thread.cpu is not None:
            assert len(OTHER_THREADS) < THREADS_A_CPU
            for number, name in enumerate(OTHER_THREADS, 1):
                _write_process(proc, thread.pid + number, name.format(thread.cpu), KTHREADD, 0)


def _write_process(proc: Path, pid: int, name: str, parent: int, cpu_ns: int) -> None:
    """fs/proc/array.c, do_task_stat; all of its time is the system's."""
    ticks = cpu_ns // TICK_NS
    head = f"{pid} ({name}) S {parent} 0 0 0 -1 2129984 0 0 0 0 0 {ticks} 0 0 20 0 1 0 {pid}"
    _write(proc / str(pid) / "comm", f"{name}\n")
    _write(proc / str(pid) / "stat", head + " 0" * 30 + "\n")


def _write_host(snapshot: Snapshot, kernel: Path) -> None:
    _write(kernel / "hostname", f"{snapshot.host.hostname}\n")
    _write(kernel / "osrelease", f"{snapshot.host.kernel}\n")
    _write(kernel / "random" / "boot_id", f"{snapshot.host.boot_id}\n")


def _write_topology(topology: Topology, system: Path) -> None:
    for name, cpus in (
        ("possible", frozenset(topology.possible)),
        ("present", frozenset(topology.possible)),
        ("online", frozenset(topology.online)),
        ("isolated", topology.isolated),
        ("nohz_full", topology.nohz_full),
    ):
        _write(system / "cpu" / name, f"{_list(cpus)}\n")
    for cpu in topology.cpus.values():
        folder = system / "cpu" / f"cpu{cpu.number}" / "topology"
        _write(folder / "physical_package_id", f"{cpu.package}\n")
        _write(folder / "core_id", f"{cpu.core}\n")
        _write(folder / "thread_siblings_list", f"{_list(cpu.siblings)}\n")
    _write(system / "node" / "online", f"{_list(frozenset(topology.node_distances))}\n")
    for node, distances in topology.node_distances.items():
        folder = system / "node" / f"node{node}"
        local = frozenset(cpu.number for cpu in topology.cpus.values() if cpu.node == node)
        _write(folder / "cpulist", f"{_list(local)}\n")
        _write(folder / "distance", " ".join(map(str, distances)) + "\n")


def _write_settings(snapshot: Snapshot, folder: Path) -> None:
    cpus = len(snapshot.topology.possible)
    for setting in snapshot.settings:
        line = folder / str(setting.irq)
        for name, text in _setting_files(setting, cpus):
            _write(line / name, f"{text}\n")
        (line / "smp_affinity").chmod(0o644 if setting.writable else 0o444)


def _setting_files(setting: LineSetting, cpus: int) -> Iterator[tuple[str, str]]:
    """kernel/irq/proc.c, register_irq_proc."""
    yield "smp_affinity", _mask(setting.affinity or NOBODY, cpus)
    yield "smp_affinity_list", _list(setting.affinity or NOBODY)
    yield "effective_affinity_list", _list(setting.effective or NOBODY)
    yield "affinity_hint", _mask(setting.hint or NOBODY, cpus)
    yield "node", str(-1 if setting.node is None else setting.node)
    yield (
        "spurious",
        f"count 0\nunhandled {setting.unhandled}\nlast_unhandled {setting.last_unhandled_ms} ms",
    )


@cache
def _list(cpus: frozenset[int]) -> str:
    """lib/vsprintf.c, %*pbl."""
    runs: list[tuple[int, int]] = []
    for cpu in sorted(cpus):
        if runs and runs[-1][1] == cpu - 1:
            runs[-1] = (runs[-1][0], cpu)
        else:
            runs.append((cpu, cpu))
    return ",".join(f"{first}-{last}" if first < last else f"{first}" for first, last in runs)


@cache
def _mask(cpus: frozenset[int], width: int) -> str:
    """lib/vsprintf.c, %*pb: groups of 32 bits, the highest first."""
    bits = sum(1 << cpu for cpu in cpus)
    groups = -(-width // 32)
    return ",".join(f"{bits >> 32 * group & 0xFFFFFFFF:08x}" for group in reversed(range(groups)))


def _write_devices(devices: Iterable[LineDevice], sys: Path) -> None:
    """A PCI device has a folder for each class it is known by, and one with its interrupts."""
    (sys / "bus" / "pci" / "devices").mkdir(parents=True)
    seen: set[str] = set()
    for of in devices:
        bus = of.bus_address.rpartition(":")[0]
        pci = sys / "devices" / f"pci{bus}" / of.bus_address
        _write(pci / "msi_irqs" / str(of.irq), "msix\n")
        if of.bus_address in seen:
            continue
        seen.add(of.bus_address)
        _write(pci / "numa_node", f"{-1 if of.node is None else of.node}\n")
        link = sys / "bus" / "pci" / "devices" / of.bus_address
        link.symlink_to(f"../../../devices/pci{bus}/{of.bus_address}")
        function = pci / of.kind / of.device
        function.mkdir(parents=True)
        (function / "device").symlink_to("../..")
        by_class = sys / "class" / of.kind
        by_class.mkdir(parents=True, exist_ok=True)
        (by_class / of.device).symlink_to(
            f"../../devices/pci{bus}/{of.bus_address}/{of.kind}/{of.device}"
        )
