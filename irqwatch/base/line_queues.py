"""Which queues the lines of one device serve, where a name alone does not tell. Pure."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from irqwatch.base.action_name import BOTH, RX, TX, parse
from irqwatch.model.snapshot import Line

# Drivers whose numbers count vectors, one way after the other: with four queues that receive, the
# first that sends is "eth0-tx-4" (vmxnet3_request_irqs, bnxt_setup_msix, tg3_request_irq).
_COUNTS_VECTORS = ("vmxnet3", "bnxt_en", "tg3")

# Drivers that call each vector of a kind alike, in the order of their queues (virtscsi_init,
# pqi_request_irqs, aac_acquire_irq, arcmsr_request_irq, interrupt_init_v3_hw,
# qedf_request_msix_irq, qedi_request_msix_irq).
_ALIKE = re.compile(
    r"virtio\d+-request|smartpqi|aacraid|arcmsr|qed[fi]|hisi_sas_v3_hw cq", re.ASCII
)
# aq_nic_start: the queues' vectors are called as the network device is, and so are those of the
# link and of the clock, which come after them.
_ALIKE_NET = "atlantic"

# gve.h, gve_tx_idx_to_ntfy and gve_rx_idx_to_ntfy: half of the blocks are of either way.
_GVE_BLOCK = re.compile(r"gve-ntfy-blk(\d{1,5})@pci:")


@dataclass(frozen=True, slots=True)
class Queues:
    """Numbers of /sys/class/net/DEVICE/queues; none at all where they are not known."""

    rx: frozenset[int] = frozenset()
    tx: frozenset[int] = frozenset()

    def of(self, serves: str) -> frozenset[int]:
        return {RX: self.rx, TX: self.tx, BOTH: self.rx | self.tx}.get(serves, frozenset())


def queues_of(
    lines: Collection[Line], device: str, kind: str, driver: str = "", known: Queues | None = None
) -> dict[int, int]:
    """Line → queue, of those ``lines`` of one ``device`` of which it is known. ``driver`` is the
    name of its kernel driver, ``known`` are a network device's queues."""
    known = known or Queues()
    actions = {
        line.irq: action
        for line in lines
        if line.irq is not None and (action := _own_action(line, device)) is not None
    }
    counts_vectors = kind == "net" and driver in _COUNTS_VECTORS
    # A name that is the device's and a number tells no way.
    nets = [device] if kind == "net" and not counts_vectors else []
    parsed = {irq: parse(action, nets) for irq, action in actions.items()}
    found = {irq: one.queue for irq, one in parsed.items() if one.queue is not None}
    ways = {irq: one.serves for irq, one in parsed.items() if one.queue is not None}
    if counts_vectors:
        found = _counted_by_way(found, ways, known)
    elif blocks := _numbers(_GVE_BLOCK, actions):
        found = {irq: block % (len(blocks) // 2 or 1) for irq, block in blocks.items()}
        ways = {irq: TX if block < len(blocks) // 2 else RX for irq, block in blocks.items()}
    else:
        found |= _numbered_alike(lines, actions, lambda action: bool(_ALIKE.fullmatch(action)))
        if driver == _ALIKE_NET:
            alike = _numbered_alike(lines, actions, lambda action: action == device)
            if len(alike) >= len(known.rx) > 0:
                found, ways = alike, dict.fromkeys(alike, BOTH)
    if kind != "net" or not (known.rx or known.tx):
        return found
    return {irq: queue for irq, queue in found.items() if queue in known.of(ways[irq])}


def _own_action(line: Line, device: str) -> str | None:
    """Of a shared line the one that names the device."""
    if len(line.actions) == 1:
        return line.actions[0]
    return next((one for one in line.actions if parse(one, [device]).device), None)


def _numbers(pattern: re.Pattern[str], actions: Mapping[int, str]) -> dict[int, int]:
    return {
        irq: int(match[1]) for irq, action in actions.items() if (match := pattern.match(action))
    }


def _counted_by_way(
    numbers: Mapping[int, int], ways: Mapping[int, str], known: Queues
) -> dict[int, int]:
    """A queue is its number's place among those of its way: where both tell, they must agree, and
    there must be a line for each queue."""
    places: dict[int, set[int]] = {}
    for way in (RX, TX):
        of_way = [irq for irq in numbers if ways[irq] in {way, BOTH}]
        if not 0 < len(known.of(way)) <= len(of_way):
            continue
        for place, irq in enumerate(sorted(of_way, key=lambda irq: numbers[irq])):
            places.setdefault(irq, set()).add(place)
    return {irq: min(found) for irq, found in places.items() if len(found) == 1}


def _numbered_alike(
    lines: Iterable[Line], actions: Mapping[int, str], is_alike: Callable[[str], bool]
) -> dict[int, int]:
    """By their place among the device's vectors: hwirq has that, and the number of the line where
    it does not (the kernel sets vectors up in their order)."""
    alike = [line for line in lines if line.irq is not None and is_alike(actions.get(line.irq, ""))]
    by_vector = all(line.hwirq.isdecimal() for line in alike)
    # Of numbers without leading zeros the longer one is the larger, however long.
    place = (lambda line: (len(line.hwirq), line.hwirq)) if by_vector else (lambda line: (0, ""))
    alike.sort(key=lambda line: (place(line), line.irq or 0))
    return {line.irq: place for place, line in enumerate(alike) if line.irq is not None}
