"""Which devices lines are of, and what hangs behind those, on hosts whose names mislead."""

from pathlib import Path

import pytest

from irqwatch.base.names import behind_names, device_names, names_of_lines
from irqwatch.model.snapshot import Line
from irqwatch.source.behind import MOST
from irqwatch.source.devices import READ_EVERY_NS, Devices, DevicesReader
from irqwatch.source.root import Root
from tests.sysfs import Sysfs


@pytest.fixture
def sysfs(tmp_path: Path) -> Sysfs:
    return Sysfs(tmp_path)


def msi(irq: int, action: str, hwirq: str = "") -> Line:
    return Line(str(irq), irq, {}, "PCI-MSIX", hwirq or str(irq), "edge", (action,))


def read(sysfs: Sysfs, *lines: Line) -> Devices:
    return DevicesReader(Root(sysfs=sysfs.root)).read(lines, 0)


def called(sysfs: Sysfs, *lines: Line) -> dict[int, str]:
    return device_names(read(sysfs, *lines).devices)


def test_a_line_that_names_no_port_is_of_all(sysfs: Sysfs) -> None:
    """ConnectX-3 has two ports in one function, which share its event queues."""
    card = sysfs.pci("0000:04:00.0", [41])
    sysfs.net(card, "ens4")
    sysfs.net(card, "ens4d1")
    line = msi(41, "mlx4-1@0000:04:00.0")
    assert called(sysfs, line) == {41: "ens4, ens4d1"}
    assert {one.queue for one in read(sysfs, line).devices} == {None}


def test_a_line_that_names_a_port_is_of_that_one(sysfs: Sysfs) -> None:
    """A name that another begins with is another; udev's names of places, enp4s0, say no port."""
    card = sysfs.pci("0000:04:00.0", [41, 42, 43])
    for name in ("enp4s0", "enp4s0d1"):
        sysfs.net(card, name, rx=4, tx=4)
    lines = (msi(41, "enp4s0d1-TxRx-3"), msi(42, "enp4s0-TxRx-2"), msi(43, "some:misc"))
    assert called(sysfs, *lines) == {41: "enp4s0d1", 42: "enp4s0", 43: "enp4s0, enp4s0d1"}
    assert {one.irq: one.queue for one in read(sysfs, *lines).devices}[41] == 3


@pytest.mark.parametrize(
    ("uplink", "representor"),
    [("p0", "pf0vf3"), ("p0", "c1pf0"), ("p0", "pf0sf88"), ("p1", "3"), ("", "pf0vf0")],
)
def test_a_representor_has_no_line(sysfs: Sysfs, uplink: str, representor: str) -> None:
    """Whatever they were renamed to: phys_port_name tells the port of the card."""
    card = sysfs.pci("0000:05:00.0", [51])
    sysfs.net(card, "3c9f0e1d2b3a4f5", port=representor)
    sysfs.net(card, "uplink", port=uplink or None)
    assert called(sysfs, msi(51, "mlx5_comp0@pci:0000:05:00.0")) == {51: "uplink"}


def test_a_port_that_udev_named(sysfs: Sysfs) -> None:
    """Where phys_port_name cannot be read."""
    card = sysfs.pci("0000:05:00.0", [51])
    sysfs.net(card, "3c9f0e1d2b3a4f5")
    sysfs.net(card, "ens5f0np0")
    assert called(sysfs, msi(51, "mlx5_comp0@pci:0000:05:00.0")) == {51: "ens5f0np0"}


def test_several_ports_with_names_of_their_own_are_all_ports(sysfs: Sysfs) -> None:
    card = sysfs.pci("0000:05:00.0", [51])
    for name, port in (("np0", "p0"), ("np1", "p1"), ("rep", "pf0vf1")):
        sysfs.net(card, name, port=port)
    assert called(sysfs, msi(51, "nfp-0000:05:00.0-exn")) == {51: "np0, np1"}


def test_a_platform_device_is_found_by_its_own_name(sysfs: Sysfs) -> None:
    """i.MX FEC asks for its interrupt by the name of the platform device."""
    sysfs.net("platform/20b4000.ethernet", "eth5")
    sysfs.net("virtual", "lo")
    lines = (msi(70, "20b4000.ethernet"), msi(71, "virtual"))
    assert called(sysfs, *lines) == {70: "eth5"}


def test_a_platform_device_with_two_ports(sysfs: Sysfs) -> None:
    for name in ("eth0", "eth1"):
        sysfs.net("platform/8000000.ethernet", name)
    assert called(sysfs, msi(70, "8000000.ethernet-rx0")) == {70: "eth0, eth1"}


def test_a_shared_line_and_all_that_finds_it(sysfs: Sysfs) -> None:
    """The queue is that of the action that names the device."""
    sysfs.pci("0000:00:1f.3", intx=16)
    sysfs.net(sysfs.pci("0000:02:00.0", intx=16), "eth3")
    line = Line("16", 16, {}, "IO-APIC", "16", "fasteoi", ("i801_smbus", "eth3"))
    found = read(sysfs, line)
    assert device_names(found.devices) == {16: "0000:00:1f.3, eth3"}
    (names,) = names_of_lines([line], found.devices, found.behind).values()
    assert names >= {"eth3", "0000:00:1f.3", "0000:02:00.0", "i801_smbus", "0000:00:1f.3, eth3"}


def adapters(sysfs: Sysfs) -> tuple[Line, ...]:
    """Disks and USB devices behind each kind of adapter, and a bridge before one of them."""
    scsi = "host0/port-0:0/expander-0:0/target0:0:{0}/0:0:{0}:0/block"
    sysfs.pci("0000:00:17.0", [40], driver="ahci")
    for port, disk in enumerate(("sda", "sdb"), 1):
        place = f"ata{port}/host{port}/target{port}:0:0/{port}:0:0:0/block"
        sysfs.disk(f"pci0000:00/0000:00:17.0/{place}", disk)
    bridge = sysfs.pci("0000:00:1c.0", [41], driver="pcieport")
    below = sysfs.pci("0000:03:00.0", bridge=bridge)
    sysfs.disk(f"{below}/{scsi.format(1)}", "sdzz")  # of an adapter whose lines are not listed
    sysfs.pci("0000:04:00.0", [42, 43], driver="mpt3sas")
    for number in range(24):
        sysfs.disk(f"pci0000:00/0000:04:00.0/{scsi.format(number)}", f"sd{chr(99 + number)}")
    nvme = sysfs.pci("0000:06:00.0", [44], driver="nvme")
    sysfs.disk(f"{nvme}/nvme/nvme0", "nvme0n1")
    sysfs.disk(f"{nvme}/nvme/nvme0", "nvme0c0n2")  # one of several paths
    usb(sysfs)
    sysfs.disk("virtual/block", "loop0")
    names = ("ahci[0000:00:17.0]", "PCIe PME", "mpt3sas0-msix0", "mpt3sas0-msix1", "nvme0q1")
    return (*(msi(irq, name) for irq, name in enumerate(names, 40)), msi(45, "xhci_hcd"))


def usb(sysfs: Sysfs) -> None:
    bus = f"{sysfs.pci('0000:00:14.0', [45], driver='xhci_hcd')}/usb1"
    (sysfs.root / "devices" / bus).mkdir()
    stick = sysfs.usb(bus, "1-1", {"product": "Stick", "bDeviceClass": "00"})
    sysfs.disk(f"{stick}/1-1:1.0/host9/target9:0:0/9:0:0:0/block", "sdaa")
    hub = sysfs.usb(bus, "1-2", {"product": "Hub", "bDeviceClass": "09"})
    sysfs.usb(hub, "1-2.1", {"product": "Mouse, optical", "bDeviceClass": "00"})
    sysfs.usb(hub, "1-2.2", {"bDeviceClass": "00"})
    sysfs.usb(hub, "1-2.3", {"product": "Evil\x1b[31m" + "x" * 99, "bDeviceClass": "00"})
    modem = sysfs.usb(bus, "1-3", {"product": "Modem", "bDeviceClass": "02"})
    sysfs.net(f"{modem}/1-3:1.0", "wwan0")
    sysfs.member(f"{modem}/1-3:1.1", "tty", "ttyACM0")


def test_what_hangs_behind_adapters(sysfs: Sysfs) -> None:
    found = read(sysfs, *adapters(sysfs))
    assert {one.irq: (one.device, one.kind) for one in found.devices} == {
        40: ("0000:00:17.0", "ata"),
        41: ("0000:00:1c.0", "pci"),
        42: ("0000:04:00.0", "scsi"),
        43: ("0000:04:00.0", "scsi"),
        44: ("nvme0", "nvme"),
        45: ("0000:00:14.0", "usb"),
    }
    evil = "1-2.3 Evil\\x1b[31m" + "x" * 23
    assert found.behind == {
        "0000:00:14.0": ("sdaa", "1-2.2", "wwan0", "ttyACM0", "1-2.1 Mouse optical", evil),
        "0000:00:17.0": ("sda", "sdb"),
        "0000:04:00.0": tuple(f"sd{chr(99 + number)}" for number in range(24)),
        "nvme0": ("nvme0n1", "nvme0n2"),
    }
    assert behind_names(found.behind) == {
        "0000:00:14.0": "sdaa +5",
        "0000:00:17.0": "sda, sdb",
        "0000:04:00.0": "sdc +23",
    }


def test_a_line_is_found_by_what_hangs_behind_it(sysfs: Sysfs) -> None:
    lines = adapters(sysfs)
    found = read(sysfs, *lines)
    names = names_of_lines(lines, found.devices, found.behind)
    for word, irqs in {
        "sdb": {40},
        "sdzz": set(),
        "sdf": {42, 43},
        "0000:04:00.0": {42, 43},
        "nvme0n2": {44},
        "wwan0": {45},
        "sda, sdb (0000:00:17.0)": {40},
    }.items():
        assert {irq for irq, of_line in names.items() if word in of_line} == irqs, word


def test_no_more_names_than_a_sample_can_bear(sysfs: Sysfs) -> None:
    path = sysfs.pci("0000:04:00.0", [42])
    for number in range(MOST + 10):
        sysfs.disk(f"{path}/host0/target0:0:{number}/0:0:{number}:0/block", f"sd{number:04}")
    found = read(sysfs, msi(42, "mpt3sas0-msix0"))
    assert len(found.behind["0000:04:00.0"]) == MOST
    assert behind_names(found.behind) == {"0000:04:00.0": f"sd0000 +{MOST - 1}"}


def test_a_disk_that_comes_is_found_within_a_minute(sysfs: Sysfs) -> None:
    path = sysfs.pci("0000:04:00.0", [42])
    sysfs.disk(f"{path}/host0/target0:0:0/0:0:0:0/block", "sda")
    reader, line = DevicesReader(Root(sysfs=sysfs.root)), msi(42, "mpt3sas0-msix0")
    assert reader.read([line], 0).behind == {"0000:04:00.0": ("sda",)}
    sysfs.disk(f"{path}/host0/target0:0:1/0:0:1:0/block", "sdb")
    assert reader.read([line], READ_EVERY_NS).behind == {"0000:04:00.0": ("sda",)}
    assert reader.read([line], READ_EVERY_NS + 1).behind == {"0000:04:00.0": ("sda", "sdb")}


def test_sd_card_and_platform_usb(sysfs: Sysfs) -> None:
    sysfs.member("platform/fe340000.mmc", "mmc_host", "mmc0")
    sysfs.disk("platform/fe340000.mmc/mmc_host/mmc0/mmc0:0001/block", "mmcblk0")
    bus = sysfs.usb("platform/xhci-hcd.0.auto", "usb1", {"product": "xHCI Host Controller"})
    sysfs.usb(bus, "1-1", {"product": "Keyboard"})
    lines = (msi(30, "mmc0"), msi(31, "xhci-hcd:usb1"), msi(32, "xhci-hcd:usb7"))
    found = read(sysfs, *lines)
    assert {(one.irq, one.device, one.kind) for one in found.devices} == {
        (30, "mmc0", "mmc_host"),
        (31, "usb1", "usb"),
    }
    assert behind_names(found.behind) == {"mmc0": "mmcblk0", "usb1": "1-1 Keyboard"}


def test_a_usb_device_is_found_by_its_name_and_by_what_it_says_that_it_is(sysfs: Sysfs) -> None:
    """Two of one make are two."""
    bus = sysfs.usb("platform/xhci-hcd.0.auto", "usb1", {"product": "xHCI Host Controller"})
    for port in ("1-1", "1-2"):
        sysfs.usb(bus, port, {"product": "My,  Key"})
    line = msi(31, "xhci-hcd:usb1")
    found = read(sysfs, line)
    short = behind_names(found.behind)["usb1"]
    assert short == "1-1 My Key, 1-2 My Key"
    (names,) = names_of_lines([line], found.devices, found.behind).values()
    assert names >= {"1-1", "1-2", "My Key", "1-1 My Key", f"{short} (usb1)"}
