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

CARDS = len(hardware.NETWORK_CARDS) + 1
WAIT_SECONDS = 120
MODULES = (
    *("e1000e", "vmxnet3", "igb", "virtio_net"),
    *("nvme", "sd_mod", "ahci", "usb_storage", "xhci_pci", "usbhid", "virtio_scsi", "megaraid_sas"),
)


def disks() -> dict[str, str]:
    """Of each disk, the path that it hangs on."""
    found = {path.name: str(path.resolve()) for path in Path("/sys/block").iterdir()}
    return {name: path for name, path in found.items() if name.startswith(("sd", "nvme"))}


def cards() -> list[Path]:
    return [link.parent for link in Path("/sys/class/net").glob("*/device")]


def adapters() -> dict[str, dict[str, Any]]:
    """By the driver of each PCI device, or of the virtio device in it: what it is called. Of two
    with one driver that with a disk: the machine has an AHCI controller of its own."""
    found: dict[str, dict[str, Any]] = {}
    for folder in sorted(Path("/sys/bus/pci/devices").iterdir()):
        if not (folder / "driver").exists():
            continue
        (virtio, *_) = [*sorted(folder.glob("virtio*")), None]
        driver = ((virtio or folder) / "driver").resolve().name
        behind = sorted(name for name, path in disks().items() if f"/{folder.name}/" in path)
        if driver in found and not behind:
            continue
        found[driver] = {
            "address": folder.name,
            "virtio": virtio.name if virtio else "",
            "net": "".join(card.name for card in (virtio or folder).glob("net/*")),
            "host": "".join(host.name.removeprefix("host") for host in folder.glob("host*")),
            "disks": behind,
        }
    return found


def products() -> set[str]:
    """What USB devices say that they are."""
    return {path.read_text().strip() for path in Path("/sys/bus/usb/devices").glob("*/product")}


def set_up() -> None:
    for module in MODULES:
        subprocess.run(["modprobe", module], check=True)
    wait_for(lambda: len(cards()) == CARDS, "the network cards", WAIT_SECONDS)
    for card in cards():
        subprocess.run(["ip", "link", "set", card.name, "up"], check=True)
    wait_for(lambda: len(disks()) == hardware.DISKS, "the disks", WAIT_SECONDS)
    wait_for(lambda: hardware.USB_PRODUCT in products(), hardware.USB_PRODUCT, WAIT_SECONDS)


def told() -> dict[str, Any]:
    with LiveSource(Root(), frozenset(), settings_max_age_ns=0) as source:
        snapshot = source.sample()
    settings = {one.irq: one for one in snapshot.settings}
    actions = {line.irq: ", ".join(line.actions) for line in snapshot.lines}
    return {
        "drivers": adapters(),
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
    }


if __name__ == "__main__":
    set_up()
    print(json.dumps({"devices": told()}), flush=True)
