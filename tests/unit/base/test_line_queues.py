"""Queues that only the lines beside one tell."""

import pytest

from irqwatch.base.line_queues import Queues, queues_of
from irqwatch.model.snapshot import Line

FOUR = Queues(frozenset(range(4)), frozenset(range(4)))


def lines(*actions: str, hwirqs: tuple[int, ...] = ()) -> list[Line]:
    """With numbers from 40 on."""
    numbered = hwirqs or tuple(range(len(actions)))
    return [
        Line(str(irq), irq, {}, "PCI-MSIX", str(hwirq), "edge", (action,))
        for irq, (action, hwirq) in enumerate(zip(actions, numbered, strict=True), 40)
    ]


def net(driver: str, *actions: str, known: Queues = FOUR) -> list[int | None]:
    """The queue of each."""
    found = queues_of(lines(*actions), "eth0", "net", driver, known)
    return [found.get(irq) for irq in range(40, 40 + len(actions))]


def test_vectors_alike_stand_in_the_order_of_their_numbers_however_long() -> None:
    alike = [
        Line(str(irq), irq, {}, "PCI-MSIX", hwirq, "edge", ("virtio0-request",))
        for irq, hwirq in enumerate(("1" + "0" * 4999, "10", "9", "9" * 5000), 40)
    ]
    assert queues_of(alike, "vda", "block") == {42: 0, 41: 1, 40: 2, 43: 3}


def test_numbers_that_count_vectors() -> None:
    """bnxt_setup_msix without shared rings, vmxnet3 without pairs."""
    rx, tx = [f"eth0-rx-{n}" for n in range(4)], [f"eth0-tx-{n}" for n in range(4, 8)]
    assert net("bnxt_en", *rx, *tx) == [0, 1, 2, 3, 0, 1, 2, 3]
    rx, tx = [f"eth0-rx-{n}" for n in range(4, 8)], [f"eth0-tx-{n}" for n in range(4)]
    assert net("vmxnet3", *tx, *rx, "eth0-event-8") == [0, 1, 2, 3, 0, 1, 2, 3, None]
    pairs = [f"eth0-rxtx-{n}" for n in range(4)]
    assert net("vmxnet3", *pairs, "eth0-event-4") == [0, 1, 2, 3, None]
    # The first vector of tg3 is of the link alone, or of all that is sent.
    pairs = [f"eth0-txrx-{n}" for n in range(1, 5)]
    assert net("tg3", "eth0-0", *pairs) == [None, 0, 1, 2, 3]
    one = Queues(frozenset(range(4)), frozenset({0}))
    rx = [f"eth0-rx-{n}" for n in range(1, 5)]
    assert net("tg3", "eth0-tx-0", *rx, known=one) == [0, 0, 1, 2, 3]


def test_one_vector_of_all_queues_is_of_none() -> None:
    """VMXNET3_INTR_TXSHARE."""
    rx = [f"eth0-rx-{n}" for n in range(1, 5)]
    assert net("vmxnet3", "eth0-tx-0", *rx) == [None, 0, 1, 2, 3]


def test_half_of_gves_blocks_send() -> None:
    blocks = [f"gve-ntfy-blk{n}@pci:0000:00:04.0" for n in range(8)]
    assert net("gve", *blocks) == [0, 1, 2, 3, 0, 1, 2, 3]
    two = Queues(frozenset({0, 1}), frozenset({0, 1, 2}))
    assert net("gve", *blocks, known=two) == [0, 1, 2, None, 0, 1, None, None]


def test_a_number_that_the_device_has_no_queue_of_is_none() -> None:
    assert net("iwlwifi", "iwlwifi:queue_3", known=Queues(frozenset({0}), frozenset({0}))) == [None]
    assert net("mlx5_core", "mlx5_comp9@pci:0000:05:00.0") == [None]
    assert net("some", "eth0-tx-3", known=Queues(frozenset(range(4)), frozenset({0}))) == [None]
    # Not known which it has.
    assert net("mlx5_core", "mlx5_comp9@pci:0000:05:00.0", known=Queues()) == [9]


def test_atlantic_calls_all_alike() -> None:
    """The vectors of the link and of the clock come last."""
    assert net("atlantic", *["eth0"] * 6) == [0, 1, 2, 3, None, None]
    assert net("atlantic", *["eth0"] * 3) == [None] * 3  # several queues to a vector
    assert net("r8169", "eth0") == [None]


@pytest.mark.parametrize(
    "action", ["virtio5-request", "smartpqi", "aacraid", "arcmsr", "qedf", "hisi_sas_v3_hw cq"]
)
def test_vectors_that_are_called_alike_are_in_order(action: str) -> None:
    """Of the vector's number, not of the line's."""
    rows = lines("some-config", *[action] * 4, hwirqs=(0, 6, 3, 4, 5))
    assert queues_of(rows, "0000:00:05.0", "scsi") == {42: 0, 43: 1, 44: 2, 41: 3}


def test_lines_of_which_nothing_is_known() -> None:
    rows = lines("ahci0", "ahci1", "virtio5-control", "xhci_hcd", "other")
    assert queues_of(rows, "0000:00:05.0", "scsi") == {}


def test_of_a_shared_line_only_the_devices_own_action_counts() -> None:
    shared = Line("16", 16, {}, "IO-APIC", "16", "fasteoi", ("eth1-rx-3", "eth0"))
    assert queues_of([shared], "eth0", "net", "", FOUR) == {}
    assert queues_of([shared], "eth1", "net", "", FOUR) == {16: 3}
