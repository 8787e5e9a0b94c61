"""What is set beside /proc/irq, read from a made-up host."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from irqwatch.model.snapshot import Snapshot
from irqwatch.model.tuning import NetDevice, RealtimeTask, RxQueue, Tuning, TxQueue
from irqwatch.record.anonymize import Anonymizer
from irqwatch.record.tree import from_tree, to_tree
from irqwatch.source.live import LiveSource
from irqwatch.source.root import Root
from irqwatch.source.tuning import TuningReader, read_tuning
from tests import hosts
from tests.unit.parse.test_task_stat import stat

TICK_NS = 10**9 // os.sysconf("SC_CLK_TCK")

FILES = {
    "proc/irq/default_smp_affinity": b"f\n",
    "proc/cpuinfo": b"flags\t: fpu hypervisor\n",
    "proc/sys/net/core/netdev_budget": b"300\n",
    "proc/sys/net/core/netdev_max_backlog": b"garbled\n",
    "proc/sys/net/core/flow_limit_cpu_bitmap": b"0\n",
    "proc/40/stat": stat("irq/34-eth0", 1, 50),
    "proc/41/stat": stat("irq/35-eth0", 0, 0),
    "proc/42/stat": stat("bash", 0, 0),
    "proc/43/stat": b"gone",
    "sys/class/net/eth0/device/vendor": b"0x1af4\n",
    "sys/class/net/eth0/queues/rx-0/rps_cpus": b"c\n",
    "sys/class/net/eth0/queues/rx-0/rps_flow_cnt": b"4096\n",
    "sys/class/net/eth0/queues/rx-10/rps_cpus": b"0\n",
    "sys/class/net/eth0/queues/tx-0/xps_cpus": b"3\n",
    "sys/class/net/eth0/queues/tx-1/traffic_class": b"0\n",
    "sys/class/net/lo/queues/rx-0/rps_cpus": b"f\n",
    "sys/devices/system/cpu/cpu0/cpuidle/state0/latency": b"0\n",
    "sys/devices/system/cpu/cpu0/cpuidle/state0/disable": b"0\n",
    "sys/devices/system/cpu/cpu0/cpuidle/state1/latency": b"85\n",
    "sys/devices/system/cpu/cpu0/cpuidle/state1/disable": b"0\n",
    "sys/devices/system/cpu/cpu0/cpuidle/state2/latency": b"200\n",
    "sys/devices/system/cpu/cpu0/cpuidle/state2/disable": b"1\n",
}

TUNING = Tuning(
    default_affinity=frozenset({0, 1, 2, 3}),
    net=(
        NetDevice(
            "eth0",
            (RxQueue(0, frozenset({2, 3}), 4096), RxQueue(10)),
            (TxQueue(0, frozenset({0, 1})), TxQueue(1)),
        ),
    ),
    tasks=(
        RealtimeTask(40, "irq/34-eth0", 50, 1, 7 * TICK_NS, 34),
        RealtimeTask(41, "irq/35-eth0", 0, 1, 7 * TICK_NS, 35),
    ),
    idle_exit_us={0: 85},
    net_core={"netdev_budget": 300},
    flow_limit_cpus=frozenset(),
    is_guest=True,
)


@pytest.fixture
def root(tmp_path: Path) -> Root:
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Root(tmp_path / "proc", tmp_path / "sys")


def test_what_is_there(root: Root) -> None:
    assert read_tuning(root, (0, 1)) == TUNING


def test_nothing_is_there(tmp_path: Path) -> None:
    assert read_tuning(Root(tmp_path, tmp_path), (0,)) == Tuning()


def test_is_kept_while_it_is_young(root: Root) -> None:
    reader = TuningReader(root)
    assert reader.read((0,), 10, 5) == TUNING
    (root.procfs / "irq" / "default_smp_affinity").write_text("1\n")
    assert reader.read((0,), 15, 5) == TUNING
    assert reader.read((0,), 16, 5).default_affinity == {0}


def test_a_snapshot_holds_it_where_it_is_asked_for(root: Root) -> None:
    with LiveSource(root, ()) as source:
        assert source.sample().tuning is None
    with LiveSource(root, (), None, 0) as source:
        assert source.sample().tuning is not None


def recorded(snapshot: Snapshot) -> Snapshot:
    return from_tree(to_tree(snapshot))


def test_is_in_recordings() -> None:
    assert recorded(replace(hosts.empty(), tuning=TUNING)).tuning == TUNING
    assert recorded(hosts.empty()).tuning is None


def test_names_are_taken_out() -> None:
    secret = replace(TUNING, tasks=(RealtimeTask(9, "acme-trader", 90, 0, 0),))
    made = Anonymizer(b"k" * 64).snapshot(replace(hosts.empty(), tuning=secret)).tuning
    assert made and "acme" not in str(made) and "eth0" not in str(made)
    assert made.net[0].rx == TUNING.net[0].rx
