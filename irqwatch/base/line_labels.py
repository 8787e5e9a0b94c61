"""What series call lines and their handlers: the same after a reboot that numbers lines anew, and
on each host of a kind. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from irqwatch.base.action_name import parse, without_queue
from irqwatch.base.names import device_names
from irqwatch.model.snapshot import Line, LineDevice

# Of these kinds each handler is worth its own series, however little time it takes now.
_CARRIERS = frozenset({"net", "nvme", "block", "ata", "scsi", "mmc"})


class LineName(NamedTuple):
    """``action`` has "*" for the number of the queue. ``queue`` is that number; of lines that are
    alike in all of this, "#0", "#1", … in the order of their vectors; else empty."""

    device: str
    action: str
    queue: str


class HandlerName(NamedTuple):
    """A handler on all lines of a device that have it; ``action`` as in LineName."""

    device: str
    action: str


class LineLabels:
    """Of the lines of one snapshot."""

    def __init__(self) -> None:
        self._made_of: object = None
        self.lines: dict[int, LineName] = {}
        self.carriers: frozenset[str] = frozenset()  # devices that packets or data go through
        self._devices: dict[int, str] = {}
        self._actions: dict[int, tuple[str, ...]] = {}
        self._handlers: dict[tuple[int, str], HandlerName] = {}

    def update(self, lines: Iterable[Line], devices: Collection[LineDevice]) -> None:
        """To be called with each snapshot; costs little where nothing has changed."""
        own = [line for line in lines if line.irq is not None]
        made_of = [(line.irq, line.actions, line.hwirq) for line in own], devices
        if made_of == self._made_of:
            return
        self._made_of = made_of
        self._devices = device_names(devices)
        self._actions = {line.irq: line.actions for line in own if line.irq is not None}
        self._handlers = {}
        carriers = {device.irq for device in devices if device.kind in _CARRIERS}
        self.carriers = frozenset(self._devices[irq] for irq in carriers)
        queues = {device.irq: device.queue for device in devices}
        self.lines = _told_apart(
            (line, self._line_name(line, queues.get(line.irq or 0))) for line in own
        )

    def handler(self, irq: int, action: str) -> HandlerName:
        """Of an action on a line. The probe's copy of its name may be cut short."""
        if (irq, action) not in self._handlers:
            whole = next((one for one in self._actions.get(irq, ()) if one.startswith(action)), "")
            device = self._devices.get(irq, "")
            name = without_queue(whole or action, device.split(", "))
            self._handlers[irq, action] = HandlerName(device, name)
        return self._handlers[irq, action]

    def _line_name(self, line: Line, queue: int | None) -> LineName:
        device = self._devices.get(line.irq or 0, "")
        devices = device.split(", ")
        actions = ", ".join(without_queue(action, devices) for action in line.actions)
        if len(line.actions) != 1:
            queue = None
        elif queue is None:
            queue = parse(line.actions[0], devices).queue
        return LineName(device, actions, "" if queue is None else str(queue))


def _told_apart(named: Iterable[tuple[Line, LineName]]) -> dict[int, LineName]:
    """A number to those that are called alike. A vector's place in its device stays, and the kernel
    numbers lines in that order."""
    alike: defaultdict[LineName, list[Line]] = defaultdict(list)
    for line, name in named:
        alike[name].append(line)
    found = {}
    for name, lines in alike.items():
        lines.sort(key=lambda line: (len(line.hwirq), line.hwirq, line.irq or 0))
        for place, line in enumerate(lines):
            is_alone = len(lines) == 1
            queue = name.queue if is_alone else f"{name.queue}#{place}"
            found[line.irq or 0] = name._replace(queue=queue)
    return found
