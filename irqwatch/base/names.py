"""What lines, their devices and cgroups are called: each face asks here. Pure."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from irqwatch.model.snapshot import Line, LineDevice

_BEHIND_SHOWN = 2

# Bus and ports in sysfs, dmesg and "lsusb -t": "1-2.1".
USB_DEVICE = re.compile(r"\d+-\d+(?:\.\d+)*")


def device_names(devices: Iterable[LineDevice]) -> dict[int, str]:
    """By interrupt number; of a line that several devices share the names of all, in alphabetical
    order: "eth3, i801_smbus". A name stays as long as the device does, whatever is plugged in
    behind it (decision 16)."""
    names: defaultdict[int, list[str]] = defaultdict(list)
    for device in devices:
        names[device.irq].append(device.device)
    return {irq: ", ".join(sorted(of_line)) for irq, of_line in names.items()}


def behind_names(behind: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Adapter → what hangs behind it, short: "sda, sdb"; of more than two "sda +23". Not those that
    are called after the adapter, as nvme0n1 is: they say nothing new."""
    return {
        adapter: _short(names)
        for adapter, names in behind.items()
        if names and not all(name.startswith(adapter) for name in names)
    }


def _short(names: Sequence[str]) -> str:
    if len(names) <= _BEHIND_SHOWN:
        return ", ".join(names)
    return f"{names[0]} +{len(names) - 1}"


def usb_name(name: str, product: str) -> str:
    """What a USB device is called: "1-2.1 Mouse optical". Two of one make stay two, and each is
    found by either part. A comma stands between names, so it has none."""
    return " ".join((name, *product.replace(",", " ").split()))


def _found_by(behind: str) -> set[str]:
    """All that one behind an adapter is found by."""
    name, _, product = behind.partition(" ")
    is_usb = product and USB_DEVICE.fullmatch(name)
    return {behind, name, product} if is_usb else {behind}


def with_behind(device: str, behind: Mapping[str, str]) -> str:
    """What a person is shown of a line's device or devices, with what ``behind_names`` gives:
    "sda +23 (0000:00:17.0)"."""
    return ", ".join(
        f"{behind[name]} ({name})" if name in behind else name for name in device.split(", ")
    )


def behind_labels(devices: Mapping[int, str], behind: Mapping[str, str]) -> dict[str, str]:
    """What lines' devices are called, as ``device_names`` gives it → what hangs behind them, as
    ``behind_names`` does. Of a shared line that is what hangs behind any of its devices."""
    found = {}
    for device in sorted(set(devices.values())):
        if names := [behind[name] for name in device.split(", ") if name in behind]:
            found[device] = ", ".join(names)
    return found


def names_of_lines(
    lines: Iterable[Line], devices: Collection[LineDevice], behind: Mapping[str, Sequence[str]]
) -> dict[int, frozenset[str]]:
    """By interrupt number, every name that a line is found by: its actions; its devices, their
    addresses and what hangs behind them; all of a shared line together, as they are shown."""
    of_devices: defaultdict[int, set[str]] = defaultdict(set)
    for device in devices:
        of_devices[device.irq] |= {device.device, device.bus_address}
        for name in behind.get(device.device, ()):
            of_devices[device.irq] |= _found_by(name)
    joined, short = device_names(devices), behind_names(behind)
    found = {}
    for line in lines:
        if line.irq is not None:
            names = {*line.actions, line_name(line), *of_devices[line.irq]}
            if device_name := joined.get(line.irq):
                names |= {device_name, with_behind(device_name, short)}
            found[line.irq] = frozenset(names - {""})
    return found


def line_name(line: Line) -> str:
    """Its actions, of a shared line all; where it has none what the kernel says of it."""
    return ", ".join(line.actions) or line.description or line.label


def row_keys(lines: Iterable[Line]) -> list[tuple[str, int]]:
    """What tells each row of /proc/interrupts from the others: its label, and how many rows of that
    label stand above it. POWER has two rows LOC (arch/powerpc/kernel/irq.c,
    arch_show_interrupts)."""
    seen: defaultdict[str, int] = defaultdict(int)
    keys = []
    for line in lines:
        keys.append((line.label, seen[line.label]))
        seen[line.label] += 1
    return keys


def cgroup_name(cgroup: int, paths: Mapping[int, str]) -> str:
    """Its path; its id where that is not known."""
    return paths.get(cgroup, f"cgroup {cgroup}")
