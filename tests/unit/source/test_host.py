"""Whole hosts, from trees of files."""

from pathlib import Path

import pytest

from irqwatch.model.snapshot import CpuTimes, Host, Softnet, Unavailable
from irqwatch.model.topology import Cpu
from irqwatch.source.host import HostReader
from irqwatch.source.root import Root
from tests.fixtures.proc.trees import unpack

TICK_NS = 10_000_000


@pytest.fixture(autouse=True)
def tick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sysconf", {"SC_CLK_TCK": 100}.__getitem__)


def test_a_host_with_two_nodes_and_a_cpu_offline(tmp_path: Path) -> None:
    reading = HostReader(unpack("two_nodes", tmp_path)).read()
    assert reading.unavailable == ()
    assert reading.host == Host("two-nodes", "6.12.9-amd64", "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee")
    by_label = {line.label: line for line in reading.lines}
    assert by_label["34"].counts == {1: 70000, 3: 4294967295}
    assert by_label["16"].actions == ("uhci_hcd:usb3", "i801_smbus")
    assert by_label["MIS"].total == 2
    assert reading.softirq_counts["NET_RX"] == {0: 1476, 1: 2542229, 2: 5}
    assert list(reading.cpu_times) == [0, 1, 3]
    assert reading.cpu_times[1] == CpuTimes(*(n * TICK_NS for n in range(10, 90, 10)))
    assert reading.softnet[1:] == (Softnet(1, 255, 1, 2, 3, 4, 5), Softnet(3, 32, 0, 0, 0, 0, 0))


def test_topology(tmp_path: Path) -> None:
    topology = HostReader(unpack("two_nodes", tmp_path)).read().topology
    pair = frozenset({0, 1})
    assert topology.cpus == {
        0: Cpu(0, True, package=0, core=4, node=0, siblings=pair),
        1: Cpu(1, True, package=0, core=4, node=0, siblings=pair),
        2: Cpu(2, False),
        3: Cpu(3, True, package=None, core=0, node=1, siblings=frozenset({3})),
    }
    assert topology.isolated == {3}
    assert topology.nohz_full == frozenset()
    assert topology.node_distances == {0: (10, 21), 1: (21, 10)}


def test_isolated_partitions_come_and_go(tmp_path: Path) -> None:
    root = unpack("two_nodes", tmp_path)
    reader = HostReader(root)
    partitions = root.sysfs / "fs/cgroup/cpuset.cpus.isolated"
    partitions.parent.mkdir(parents=True, exist_ok=True)
    for text, isolated in (("1\n", {1, 3}), ("\n", {3})):
        partitions.write_text(text)
        assert reader.read().topology.isolated == isolated


def test_topology_follows_a_cpu_that_comes_online(tmp_path: Path) -> None:
    root = unpack("two_nodes", tmp_path)
    reader = HostReader(root)
    assert reader.read().topology.online == (0, 1, 3)
    system = root.sysfs / "devices" / "system"
    (system / "cpu" / "online").write_text("0-3\n")
    (system / "node" / "node1" / "cpulist").write_text("2-3\n")
    topology = reader.read().topology
    assert topology.online == (0, 1, 2, 3)
    assert topology.cpus[2].node == 1


def test_a_container_that_masks_interrupts(tmp_path: Path) -> None:
    root = unpack("masked_container", tmp_path)
    reading = HostReader(root).read()
    assert reading.lines == ()
    assert reading.softirq_counts["NET_RX"] == {0: 1476, 1: 2542229}
    assert reading.host == Host("", "6.8.0", "")
    assert reading.unavailable == (
        Unavailable(
            "interrupts",
            f"{root.procfs}/interrupts is masked (reads empty): a container runtime hides it",
        ),
        Unavailable("softnet", f"{root.procfs}/net/softnet_stat does not exist"),
        Unavailable("topology", f"{root.sysfs}/devices/system/cpu does not list the CPUs"),
    )


def test_garbage_everywhere_is_said_and_nothing_raised(tmp_path: Path) -> None:
    root = unpack("two_nodes", tmp_path)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"\xff\x1b[2J\0 garbage")
    reader = HostReader(root)
    reading = reader.read()
    assert {lack.part for lack in reading.unavailable} == {
        "interrupts",
        "softirqs",
        "cpu_times",
        "softnet",
        "topology",
    }
    assert all(lack.reason.isprintable() for lack in reading.unavailable)
    assert reader.threads(0) == ()


def test_nothing_there_at_all(tmp_path: Path) -> None:
    reader = HostReader(Root(tmp_path / "proc", tmp_path / "sys"))
    reading = reader.read()
    assert len(reading.unavailable) == 5
    assert reader.devices(reading.lines, 0).devices == ()
    assert reader.settings(reading.lines, 0, 0) == ()
    assert reader.threads(0) == ()


def test_a_garbled_row_is_left_out_and_said(tmp_path: Path) -> None:
    root = unpack("two_nodes", tmp_path)
    with (root.procfs / "interrupts").open("a") as file:
        file.write(" 99: 1 2\n")
    reading = HostReader(root).read()
    assert len(reading.lines) == 13
    assert reading.unavailable == (Unavailable("interrupts", "1 garbled row left out"),)


def test_each_part_says_how_long_it_took(tmp_path: Path) -> None:
    durations_ns = HostReader(unpack("two_nodes", tmp_path)).read().durations_ns
    assert set(durations_ns) == {"interrupts", "softirqs", "cpu_times", "softnet", "topology"}
    assert min(durations_ns.values()) > 0


def test_a_container_with_lxcfs(tmp_path: Path) -> None:
    """/proc/stat and sysfs have CPUs of their own there; the other files have the host's."""
    root = unpack("two_nodes", tmp_path)
    (root.procfs / "interrupts").write_text(
        "            CPU0       CPU2       CPU7       \n  24: 1 2 3  PCI-MSI 5-edge      eth0\n"
    )
    (root.procfs / "stat").write_text("cpu  9 9 9 9 9 9 9 9\ncpu0 9 9 9 9 9 9 9 9\nintr 7\n")
    (root.sysfs / "devices" / "system" / "cpu" / "online").write_text("0\n")
    (root.procfs / "net").mkdir(exist_ok=True)
    (root.procfs / "net" / "softnet_stat").write_text("00000001 00000000 00000000\n" * 3)
    reading = HostReader(root).read()
    assert reading.lines[0].counts == {0: 1, 2: 2, 7: 3}
    assert reading.line_cpus == {0, 2, 7}
    assert [row.cpu for row in reading.softnet] == [0, 2, 7]
    assert list(reading.cpu_times) == [0]
