"""What hangs behind host adapters: disks, USB devices (sysfs). Links are read, no folder is walked,
so that a host with hundreds of disks costs a link each."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from irqwatch.base.names import USB_DEVICE, usb_name
from irqwatch.base.text import clean
from irqwatch.model.snapshot import LineDevice
from irqwatch.source.root import Root, names_in, read_parsed, shown

# Kinds of devices that others hang behind.
ADAPTERS = frozenset({"ata", "scsi", "usb", "nvme", "mmc_host"})

# More are not told apart: no host has them, and a sample holds the names.
MOST = 1024
LONGEST_NAME = 32

_USB_TTY = re.compile(r"tty(?:USB|ACM)\d+")
# The path of one controller to a namespace that has several (nvme_init_ctrl_head): the disk is
# called nvme0n1.
_NVME_PATH = re.compile(r"(nvme\d+)c\d+(n\d+)")
_HUB = b"09"  # bDeviceClass, include/uapi/linux/usb/ch9.h: USB_CLASS_HUB


def read_behind(root: Root, devices: Iterable[LineDevice]) -> dict[str, tuple[str, ...]]:
    """Name of a line's device → those behind it, disks before what has longer names."""
    kinds = {device.device: device.kind for device in devices if device.kind in ADAPTERS}
    if not kinds:
        return {}
    found: defaultdict[str, set[str]] = defaultdict(set)
    named: set[str] = set()  # parts of their paths: USB devices among them
    for name, parts in _functions(root, with_usb="usb" in kinds.values()):
        if adapter := _nearest(parts, kinds):
            found[adapter].add(name)
            named.update(parts)
    if "usb" in kinds.values():
        for name, parts in links_of(root.sysfs / "bus" / "usb" / "devices"):
            adapter = _nearest(parts, kinds)
            if adapter and USB_DEVICE.fullmatch(name) and name not in named:
                found[adapter].update(_usb_device(root.sysfs / "bus" / "usb" / "devices" / name))
    return {
        adapter: tuple(sorted(names, key=lambda name: (len(name), name))[:MOST])
        for adapter, names in sorted(found.items())
    }


def _functions(root: Root, *, with_usb: bool) -> Iterator[tuple[str, list[str]]]:
    """Disks, and what may be a USB device's."""
    for name, parts in links_of(root.sysfs / "block"):
        yield shown(_NVME_PATH.sub(r"\1\2", name)), parts
    if with_usb:
        yield from links_of(root.sysfs / "class" / "net")
        ttys = filter(_USB_TTY.fullmatch, names_in(root.sysfs / "class" / "tty"))
        for name in ttys:
            yield name, target(root.sysfs / "class" / "tty" / name)


def _nearest(parts: Sequence[str], adapters: Mapping[str, str]) -> str | None:
    """The adapter in a path that is nearest to its end."""
    return next((part for part in parts[-2::-1] if part in adapters), None)


def _usb_device(folder: Path) -> list[str]:
    """Its name and what it says that it is; nothing of a hub."""
    if read_parsed(folder / "bDeviceClass", bytes.strip) == _HUB:
        return []
    said = read_parsed(folder / "product", lambda raw: clean(raw.strip()[:LONGEST_NAME]))
    return [usb_name(shown(folder.name), said or "")]


def links_of(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """The links in a folder, with the parts of what each leads to."""
    for name in names_in(folder):
        if parts := target(f"{folder}/{name}"):
            yield shown(name), parts


def target(link: Path | str) -> list[str]:
    """The parts of what a link leads to; none where it is no link."""
    try:
        # A Path costs four times as much, and there may be thousands.
        return os.readlink(link).split("/")  # noqa: PTH115
    except OSError:
        return []
