"""Which device, and which queue of it, a line belongs to, and what hangs behind it (sysfs)."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from irqwatch.base.action_name import named_in, words
from irqwatch.base.line_queues import Queues, queues_of
from irqwatch.base.text import clean
from irqwatch.model.snapshot import Line, LineDevice
from irqwatch.parse import numbers
from irqwatch.source.behind import links_of, read_behind, target
from irqwatch.source.root import Root, names_in, read_parsed, shown

NS = 10**9

# A disk that is plugged in changes no line.
READ_EVERY_NS = 60 * NS

Lines = Mapping[int, Line]  # by their numbers

# Folders of a PCI or virtio device that hold its functions.
FUNCTIONS = ("net", "nvme", "block")

# What the folder of a host adapter holds, and its kind then. It has no better name than its
# address: what hangs behind it comes and goes (decision 16).
_ADAPTERS = (
    (re.compile(r"ata\d+"), "ata"),
    (re.compile(r"host\d+"), "scsi"),
    (re.compile(r"usb\d+"), "usb"),
)

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
_USB_BUS = re.compile(r".*:(usb\d+)")

# What ndo_get_phys_port_name says of a network device: a port of the card, or the representor of a
# function or subfunction, through which a switch reaches it (Documentation/networking/
# switchdev.rst; mlx5_esw_devlink_port, devlink's __devlink_port_phys_port_name_get).
_PORT = re.compile(r"p\d+(?:s\d+)?")
_REPRESENTOR = re.compile(r"(?:c\d+)?pf\d+(?:vf\d+|sf\d+)?|VF\d+")
# udev puts it at the end of a name (systemd.net-naming-scheme(7): "n" and phys_port_name).
_NAMED_PORT = re.compile(
    r"[a-z]{2}(?:P\d+)?(?:o\d+|s\d+|p\d+s\d+)(?:f\d+)?n(p\d+(?:s\d+)?|pf\d+(?:vf|sf)\d+)"
)


@dataclass(frozen=True, slots=True)
class Function:
    """What a person knows a device by."""

    name: str
    kind: str
    queues: Queues = field(default_factory=Queues)


@dataclass(frozen=True, slots=True)
class Devices:
    """The fields of a Snapshot."""

    devices: tuple[LineDevice, ...] = ()
    behind: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class DevicesReader:
    """Walks sysfs when the lines or their actions have changed (drivers ask for their interrupts
    anew when a device comes, goes, or changes its queues), and once a minute."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._found = Devices()
        self._read_of: list[tuple[int, str, tuple[str, ...]]] | None = None
        self._read_ns = 0

    def read(self, lines: Iterable[Line], now_ns: int) -> Devices:
        """In order of ``irq``; a line shared by several devices has an entry for each."""
        own = [line for line in lines if line.irq is not None]
        wanted = [(line.irq or 0, line.hwirq, line.actions) for line in own]
        if wanted != self._read_of or now_ns - self._read_ns > READ_EVERY_NS:
            by_irq = {line.irq: line for line in own if line.irq is not None}
            self._found = read_devices(self._root, by_irq)
            self._read_of, self._read_ns = wanted, now_ns
        return self._found


def read_devices(root: Root, lines: Lines) -> Devices:
    """PCI says whose a line is; of the other lines only the names of their actions do."""
    on_pci = list(_pci_devices(root, lines))
    known = {device.irq for device in on_pci}
    rest = {irq: line for irq, line in lines.items() if irq not in known}
    found = {(d.irq, d.device): d for d in (*on_pci, *_named_devices(root, rest))}
    devices = tuple(found[key] for key in sorted(found))
    return Devices(devices, read_behind(root, devices))


def _pci_devices(root: Root, lines: Lines) -> Iterator[LineDevice]:
    pci = root.sysfs / "bus" / "pci" / "devices"
    for address in names_in(pci):
        folder = pci / address
        own = [lines[irq] for irq in _pci_irqs(folder) if irq in lines]
        if own:
            node = read_parsed(folder / "numa_node", numbers.id_or_none)
            driver = shown("".join(target(folder / "driver")[-1:]))
            functions = _functions(folder) or [_adapter(folder)]
            yield from _of_functions(own, functions, shown(address), node, driver)


def _of_functions(
    lines: Collection[Line],
    functions: Collection[Function],
    address: str = "",
    node: int | None = None,
    driver: str = "",
) -> Iterator[LineDevice]:
    """A line is of the function that its action names; of all where it names none."""
    names = [function.name for function in functions]
    named = {
        line.irq: {named_in(action, names) for action in line.actions} & {*names} for line in lines
    }
    for function in functions:
        of_function = [line for line in lines if function.name in (named[line.irq] or names)]
        queues = queues_of(of_function, function.name, function.kind, driver, function.queues)
        for line in of_function:
            if line.irq is not None:
                queue = queues.get(line.irq)
                yield LineDevice(line.irq, function.name, function.kind, address, queue, node)


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
    found = []
    for kind in FUNCTIONS:
        if kind in held:
            names = names_in(folder / kind)
            if kind == "net":
                found += [_net_function(folder / kind / name) for name in _ports(folder, names)]
            else:
                found += [Function(shown(name), kind) for name in names]
    for name in filter(_VIRTIO.fullmatch, held):
        found += _virtio_functions(folder / name)
    return found


def _net_function(folder: Path) -> Function:
    numbered = defaultdict(set)
    for name in names_in(folder / "queues"):
        way, _, number = name.partition("-")
        if number.isdecimal():
            numbered[way].add(int(number))
    queues = Queues(frozenset(numbered["rx"]), frozenset(numbered["tx"]))
    return Function(shown(folder.name), "net", queues)


def _ports(folder: Path, names: list[str]) -> list[str]:
    """Those of a card's network devices that its lines are of: not the representors, whose packets
    come by the card's own."""
    if len(names) < 2:
        return names
    said = {name: _port_name(folder / "net" / name) for name in names}
    ports = [name for name in names if _PORT.fullmatch(said[name])]
    others = [name for name in names if not _REPRESENTOR.fullmatch(said[name])]
    return ports or others or names


def _port_name(folder: Path) -> str:
    said = read_parsed(folder / "phys_port_name", lambda raw: clean(raw.strip()))
    match = _NAMED_PORT.fullmatch(folder.name)
    return said or (match[1] if match else "")


def _adapter(folder: Path) -> Function:
    held = names_in(folder)
    kinds = (kind for pattern, kind in _ADAPTERS if any(map(pattern.fullmatch, held)))
    return Function(shown(folder.name), next(kinds, "pci"))


def _virtio_functions(folder: Path) -> list[Function]:
    device_id = read_parsed(folder / "device", _virtio_id)
    kind = VIRTIO_KINDS.get(device_id or 0, "virtio")
    return _functions(folder) or [Function(shown(folder.name), kind)]


def _virtio_id(raw: bytes) -> int:
    return numbers.hexadecimal(raw.strip().removeprefix(b"0x"))


def _named_devices(root: Root, lines: Lines) -> Iterator[LineDevice]:
    """Platform devices, virtio-mmio, Xen: their drivers call an interrupt by the device's name."""
    finder = _ByName(root)
    of_folder: defaultdict[Path, dict[int, Line]] = defaultdict(dict)
    for irq, line in lines.items():
        for action in line.actions:
            for folder in finder.folders(action):
                of_folder[folder][irq] = line
    for folder, of_device in of_folder.items():
        node = read_parsed(folder / "device" / "numa_node", numbers.id_or_none)
        yield from _of_functions(of_device.values(), _functions_called(folder), node=node)


def _functions_called(folder: Path) -> list[Function]:
    """``folder`` is one that ``_ByName`` gave."""
    kind = folder.parent.name
    if kind == "net":
        return [_net_function(folder)]
    if kind == "devices":
        usb = not _VIRTIO.fullmatch(folder.name)
        return [Function(shown(folder.name), "usb")] if usb else _virtio_functions(folder)
    return [Function(shown(folder.name), kind)]


class _ByName:
    """Finds devices by the names that their drivers call interrupts by."""

    def __init__(self, root: Root) -> None:
        self._sysfs = root.sysfs
        self._by_name: defaultdict[str, list[Path]] = defaultdict(list)
        for kind in CLASSES:
            for name in names_in(root.sysfs / "class" / kind):
                self._by_name[shown(name)].append(root.sysfs / "class" / kind / name)
        for kind in ("net", "mmc_host"):
            for name, parts in links_of(root.sysfs / "class" / kind):
                # "…/platform/20b4000.ethernet/net/eth5"; virtual ones have no device.
                if len(parts) > 2 and parts[-2] == kind and parts[-3] != "virtual":
                    self._by_name[shown(parts[-3])].append(root.sysfs / "class" / kind / name)

    def folders(self, action: str) -> list[Path]:
        """Those of one device, or of several that are one with several ports."""
        for name in words(action):
            if _VIRTIO.fullmatch(name):
                return [self._sysfs / "bus" / "virtio" / "devices" / name]
            if name in self._by_name:
                return self._by_name[name]
        if match := _USB_BUS.fullmatch(action):  # "xhci-hcd:usb1" (usb_add_hcd)
            folder = self._sysfs / "bus" / "usb" / "devices" / match[1]
            return [folder] if names_in(folder) else []
        return []
