from pathlib import Path

from irqwatch.model.snapshot import Line, LineDevice
from irqwatch.source.devices import READ_EVERY_NS, DevicesReader
from irqwatch.source.host import HostReader
from irqwatch.source.root import Root
from tests.fixtures.proc.trees import unpack


def devices_of(root: Root) -> dict[int, list[LineDevice]]:
    reader = HostReader(root)
    found: dict[int, list[LineDevice]] = {}
    for device in reader.devices(reader.read().lines, 0).devices:
        found.setdefault(device.irq, []).append(device)
    return found


def test_two_nodes(tmp_path: Path) -> None:
    nvme = ("nvme0", "nvme", "0000:02:00.0")
    nic = "0000:41:00.0"
    assert devices_of(unpack("two_nodes", tmp_path)) == {
        8: [LineDevice(8, "rtc0", "rtc")],
        # Of three that are wired to the line, those that have a driver and no MSI of their own.
        16: [
            LineDevice(16, "0000:00:1d.0", "pci", "0000:00:1d.0"),
            LineDevice(16, "0000:00:1f.3", "pci", "0000:00:1f.3"),
        ],
        34: [LineDevice(34, "eth0", "net", nic, None, 1)],
        35: [LineDevice(35, "eth0", "net", nic, 0, 1)],
        36: [LineDevice(36, "eth1", "net", nic, 1, 1)],  # the second port of the same device
        50: [LineDevice(50, *nvme, 0, 0)],
        51: [LineDevice(51, *nvme, 1, 0)],
        52: [LineDevice(52, "0000:00:1f.2", "pci", "0000:00:1f.2")],
    }


def test_virtio(tmp_path: Path) -> None:
    found = devices_of(unpack("virtio_vm", tmp_path))
    named = {irq: (d.device, d.kind, d.queue) for irq, (d,) in found.items()}
    assert named[26] == ("ttyS0", "tty", None)
    assert named[28] == ("virtio0", "balloon", None)
    assert named[34] == ("virtio4", "hwrng", None)
    assert named[35] == ("vda", "block", None)  # virtio1-config
    assert named[36] == ("vda", "block", 0)  # virtio1-req.0
    assert named[38] == ("eth0", "net", 0)  # virtio2-input.0
    assert named[39] == ("eth0", "net", 0)
    assert named[41] == ("virtio3", "vsock", None)
    assert found[36][0].bus_address == "0000:00:02.0"
    assert found[36][0].node is None


def test_virtio_without_pci_is_found_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "bus/virtio/devices/virtio0/block/vdb").mkdir(parents=True)
    reader = DevicesReader(Root(sysfs=tmp_path))
    lines = [Line("5", 5, {}, actions=("virtio0",)), Line("6", 6, {}, actions=("virtio9",))]
    assert reader.read(lines, 0).devices == (
        LineDevice(5, "vdb", "block"),
        LineDevice(6, "virtio9", "virtio"),
    )


def test_names_that_are_paths_lead_nowhere(tmp_path: Path) -> None:
    reader = DevicesReader(unpack("two_nodes", tmp_path))
    lines = [Line("5", 5, {}, actions=("../../etc", "/", "..", "", "\\x00"))]
    assert reader.read(lines, 0).devices == ()


def test_sysfs_is_walked_again_only_when_lines_or_actions_differ(tmp_path: Path) -> None:
    root = unpack("two_nodes", tmp_path)
    reader = DevicesReader(root)
    line = Line("34", 34, {0: 1}, actions=("eth0",))
    first = reader.read([line], 0)
    (root.sysfs / "bus/pci/devices/0000:41:00.0/numa_node").write_text("0\n")
    assert reader.read([Line("34", 34, {0: 2}, actions=("eth0",))], READ_EVERY_NS) is first
    (device,) = reader.read([Line("34", 34, {0: 2}, actions=("eth0-TxRx-0",))], 1).devices
    assert (device.node, device.queue) == (0, 0)
