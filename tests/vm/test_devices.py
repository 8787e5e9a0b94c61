"""Lines of real drivers, with qemu's cards and disks: device, kind, queue, whether managed."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.vm import guest, hardware
from tests.vm.qemu import newer_qemu

CHECK = Path(__file__).with_name("check_devices.py")
KERNEL = "6.12"  # says which lines are managed
CPUS = 4
QUEUES = range(hardware.QUEUES)


class Row(NamedTuple):
    """``device`` and ``action`` may hold {net}: the network card's name, which the boot gives;
    {address} and {virtio}: the adapter's."""

    action: str
    device: str
    kind: str
    queue: int | None = None
    managed: bool = False


# By the PCI driver, or that of the virtio device.
ROWS = {
    "e1000e": [
        Row("{net}-rx-0", "{net}", "net", 0),
        Row("{net}-tx-0", "{net}", "net", 0),
        Row("{net}", "{net}", "net"),
    ],
    "vmxnet3": [
        *(Row(f"{{net}}-rxtx-{number}", "{net}", "net", number) for number in QUEUES),
        Row(f"{{net}}-event-{hardware.QUEUES}", "{net}", "net"),
    ],
    "igb": [
        Row("{net}", "{net}", "net"),
        # With vectors enough there are no pairs (igb_set_flag_queue_pairs).
        *(Row(f"{{net}}-rx-{number}", "{net}", "net", number) for number in QUEUES),
        *(Row(f"{{net}}-tx-{number}", "{net}", "net", number) for number in QUEUES),
    ],
    "virtio_net": [
        Row("{virtio}-config", "{net}", "net"),
        *(Row(f"{{virtio}}-input.{number}", "{net}", "net", number) for number in QUEUES),
        *(Row(f"{{virtio}}-output.{number}", "{net}", "net", number) for number in QUEUES),
    ],
    "nvme": [
        Row("nvme0q0", "nvme0", "nvme", 0),
        *(Row(f"nvme0q{1 + cpu}", "nvme0", "nvme", 1 + cpu, managed=True) for cpu in range(CPUS)),
    ],
    "ahci": [Row("ahci[{address}]", "{address}", "ata")],
    "xhci_hcd": [Row("xhci_hcd", "{address}", "usb")],
    "virtio_scsi": [
        Row("{virtio}-config", "{virtio}", "scsi"),
        Row("{virtio}-control", "{virtio}", "scsi"),
        Row("{virtio}-event", "{virtio}", "scsi"),
        *(Row("{virtio}-request", "{virtio}", "scsi", number, managed=True) for number in QUEUES),
    ],
    "megaraid_sas": [Row("megasas{host}-msix0", "{address}", "scsi", 0)],
}
# How many disks hang behind each.
DISKS = {"nvme": 1, "ahci": 1, "xhci_hcd": 1, "virtio_scsi": 2, "megaraid_sas": 1}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    script = tmp_path_factory.mktemp("devices") / "run.sh"
    script.write_text(f"#!/bin/sh\nexec {shlex.join([sys.executable, str(CHECK)])} 2>&1\n")
    script.chmod(0o755)
    output = guest.run(
        KERNEL,
        script,
        cpus=CPUS,
        devices=hardware.options(),
        qemu=newer_qemu(),
        own_network=True,
        timeout_seconds=420,
    )
    (found,) = [line for line in output.splitlines() if line.startswith('{"devices"')]
    return json.loads(found)["devices"]


@pytest.mark.parametrize("driver", ROWS)
def test_each_line(driver: str, told: Any) -> None:
    names = told["drivers"][driver]
    expected = [
        {
            **row._asdict(),
            "action": row.action.format(**names),
            "device": row.device.format(**names),
        }
        for row in ROWS[driver]
    ]
    found = [
        {key: line[key] for key in Row._fields}
        for line in told["lines"]
        if line["address"] == names["address"]
    ]
    print(driver, *found, sep="\n")
    assert sorted(found, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize("driver", DISKS)
def test_the_disks_behind_an_adapter(driver: str, told: Any) -> None:
    names = told["drivers"][driver]
    (device,) = {row.device.format(**names) for row in ROWS[driver]}
    behind = told["behind"][device]
    print(driver, behind)
    disks = [name for name in behind if not name.endswith(f" {hardware.USB_PRODUCT}")]
    assert sorted(disks) == names["disks"]
    assert len(names["disks"]) == DISKS[driver]


def test_what_a_usb_device_says_that_it_is(told: Any) -> None:
    behind = told["behind"][told["drivers"]["xhci_hcd"]["address"]]
    assert [name for name in behind if name.endswith(f" {hardware.USB_PRODUCT}")]
