"""Runs in a guest with the cards and disks of hardware.py: what irqwatch says of their lines.

Prints one line of JSON. Standard library and irqwatch only.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from irqwatch.source.live import LiveSource
from irqwatch.source.root import Root
from tests.live.kernel import wait_for
from tests.vm import hardware

DISKS = 6
WAIT_SECONDS = 120
MODULES = (
    *("e1000e", "vmxnet3", "igb", "virtio_net"),
    *("nvme", "sd_mod", "ahci", "usb_storage", "xhci_pci", "usbhid", "virtio_scsi", "megaraid_sas"),
)


def disks() -> set[str]:
    names = {path.name for path in Path("/sys/block").iterdir()}
    return {name for name in names if name.startswith(("sd", "nvme"))}


def drivers() -> dict[str, str]:
    """Of each network card."""
    found = {}
    for link in Path("/sys/class/net").glob("*/device/driver"):
        found[link.resolve().name] = link.parents[1].name
    return found


def products() -> set[str]:
    """What USB devices say that they are."""
    return {path.read_text().strip() for path in Path("/sys/bus/usb/devices").glob("*/product")}


def set_up() -> None:
    for module in MODULES:
        subprocess.run(["modprobe", module], check=True)
    cards = len(hardware.NETWORK_CARDS) + 1
    wait_for(lambda: len(drivers()) == cards, "the network cards", WAIT_SECONDS)
    for name in drivers().values():
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
    wait_for(lambda: len(disks()) >= DISKS, "the disks", WAIT_SECONDS)
    wait_for(lambda: hardware.USB_PRODUCT in products(), hardware.USB_PRODUCT, WAIT_SECONDS)


def told() -> dict[str, Any]:
    with LiveSource(Root(), frozenset(), settings_max_age_ns=0) as source:
        snapshot = source.sample()
    settings = {one.irq: one for one in snapshot.settings}
    actions = {line.irq: ", ".join(line.actions) for line in snapshot.lines}
    return {
        "drivers": drivers(),
        "lines": [
            {
                "irq": one.irq,
                "action": actions[one.irq],
                "device": one.device,
                "kind": one.kind,
                "address": one.bus_address,
                "queue": one.queue,
                "managed": settings[one.irq].writable is False,
            }
            for one in snapshot.devices
        ],
        "behind": snapshot.behind,
        "by_driver": by_driver(),
    }


def by_driver() -> dict[str, list[str]]:
    """Driver → addresses of the PCI devices that it drives."""
    found: dict[str, list[str]] = {}
    for link in sorted(Path("/sys/bus/pci/devices").glob("*/driver")):
        found.setdefault(link.resolve().name, []).append(link.parent.name)
    return found


if __name__ == "__main__":
    set_up()
    print(json.dumps({"devices": told()}), flush=True)
