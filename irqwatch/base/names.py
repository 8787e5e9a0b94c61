"""What lines, their devices and cgroups are called: each face asks here. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from irqwatch.model.snapshot import Line, LineDevice


def device_names(devices: Iterable[LineDevice]) -> dict[int, str]:
    """By interrupt number; of a line that several devices share the names of all, in alphabetical
    order: "eth3, i801_smbus"."""
    names: defaultdict[int, list[str]] = defaultdict(list)
    for device in devices:
        names[device.irq].append(device.device)
    return {irq: ", ".join(sorted(of_line)) for irq, of_line in names.items()}


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
