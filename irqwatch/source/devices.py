"""Which device, and which queue of it, a line belongs to (sysfs)."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from irqwatch.base.text import clean
from irqwatch.model.snapshot import Line, LineDevice
from irqwatch.parse import numbers
from irqwatch.parse.action_name import queue_of
from irqwatch.source.root import Root, names_in, read_parsed

Actions = Mapping[int, tuple[str, ...]]  # of each line, by its number
Function = tuple[str, str]  # name and kind of what a person knows a device by: ("eth0", "net")

# Folders of a PCI or virtio device that hold its functions.
FUNCTIONS = ("net", "nvme", "block")

# Device ids of the virtio specification, chapter 5, for those without such a folder.
VIRTIO_KINDS = {
    3: "console",
    4: "hwrng",
    5: "balloon",
    8: "scsi",
    9: "9p",
    16: "gpu",
    18: "input",
    19: "vsock",
    26: "fs",
}

# Classes whose devices' interrupts are often called as they are, on no bus that lists interrupts.
CLASSES = ("net", "tty", "rtc", "mmc_host")

_VIRTIO = re.compile(r"virtio\d+")
_STEM = re.compile(r"[^-@: ]+")


class DevicesReader:
    """Walks sysfs only when the lines or their actions have changed: drivers ask for their
    interrupts anew when a device comes, goes, or changes its queues."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._devices: tuple[LineDevice, ...] = ()
        self._read_of: frozenset[tuple[int, tuple[str, ...]]] | None = None

    def read(self, lines: Iterable[Line]) -> tuple[LineDevice, ...]:
        """In order of ``irq``; a line shared by several devices has an entry for each."""
        actions = {line.irq: line.actions for line in lines if line.irq is not None}
        wanted = frozenset(actions.items())
        if wanted != self._read_of:
            self._devices = read_devices(self._root, actions)
            self._read_of = wanted
        return self._devices


def read_devices(root: Root, actions: Actions) -> tuple[LineDevice, ...]:
    """PCI says whose a line is; of the other lines only the names of their actions do."""
    on_pci = list(_pci_devices(root, actions))
    known = {device.irq for device in on_pci}
    rest = {irq: names for irq, names in actions.items() if irq not in known}
    devices = {(d.irq, d.device): d for d in (*on_pci, *_named_devices(root, rest))}
    return tuple(devices[key] for key in sorted(devices))


def _pci_devices(root: Root, actions: Actions) -> Iterator[LineDevice]:
    pci = root.sysfs / "bus" / "pci" / "devices"
    for address in names_in(pci):
        folder = pci / address
        irqs = [irq for irq in _pci_irqs(folder) if irq in actions]
        if not irqs:
            continue
        functions = _functions(folder) or [(_clean(address), "pci")]
        node = read_parsed(folder / "numa_node", numbers.id_or_none)
        for irq in irqs:
            name, kind = _choose(functions, actions[irq])
            yield LineDevice(irq, name, kind, _clean(address), _queue(actions[irq]), node)


def _pci_irqs(folder: Path) -> list[int]:
    """The MSI or MSI-X interrupts; without those the INTx line, if a driver may be using it."""
    message_signalled = [int(name) for name in names_in(folder / "msi_irqs") if name.isdecimal()]
    if message_signalled:
        return message_signalled
    irq = read_parsed(folder / "irq", lambda raw: numbers.decimal(raw.strip()))
    return [irq] if irq and "driver" in names_in(folder) else []


def _functions(folder: Path) -> list[Function]:
    """What a PCI or virtio device gives the system."""
    held = names_in(folder)
    found = [
        (_clean(name), kind)
        for kind in FUNCTIONS
        if kind in held
        for name in names_in(folder / kind)
    ]
    for name in filter(_VIRTIO.fullmatch, held):
        found += _virtio_functions(folder / name)
    return found


def _virtio_functions(folder: Path) -> list[Function]:
    device_id = read_parsed(folder / "device", _virtio_id)
    kind = VIRTIO_KINDS.get(device_id or 0, "virtio")
    return _functions(folder) or [(_clean(folder.name), kind)]


def _virtio_id(raw: bytes) -> int:
    return numbers.hexadecimal(raw.strip().removeprefix(b"0x"))


def _named_devices(root: Root, actions: Actions) -> Iterator[LineDevice]:
    """Platform devices, virtio-mmio, Xen: their drivers call an interrupt by the device's name."""
    classes = {
        _clean(name): (root.sysfs / "class" / kind / name, kind)
        for kind in CLASSES
        for name in names_in(root.sysfs / "class" / kind)
    }
    for irq, names in actions.items():
        for action in names:
            stem = _STEM.match(action)
            name = stem[0] if stem else action
            if _VIRTIO.fullmatch(name):
                folder = root.sysfs / "bus" / "virtio" / "devices" / name
                for device, kind in _virtio_functions(folder):
                    yield LineDevice(irq, device, kind, "", queue_of(action))
            elif name in classes:
                folder, kind = classes[name]
                node = read_parsed(folder / "device" / "numa_node", numbers.id_or_none)
                yield LineDevice(irq, name, kind, "", queue_of(action), node)


def _choose(functions: list[Function], actions: tuple[str, ...]) -> Function:
    """Of a device with several ports, the one that an action names; else the first."""
    words = {word for action in actions for word in re.split(r"[-@:, ]", action)}
    return next((function for function in functions if function[0] in words), functions[0])


def _queue(actions: tuple[str, ...]) -> int | None:
    return next((q for action in actions if (q := queue_of(action)) is not None), None)


def _clean(name: str) -> str:
    return clean(os.fsencode(name))
