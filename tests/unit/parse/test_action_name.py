import pytest

from irqwatch.parse.action_name import queue_of


@pytest.mark.parametrize(
    ("action", "queue"),
    [
        ("nvme0q0", 0),
        ("nvme12q127", 127),
        ("nvme 0 io5", 5),
        ("mlx5_comp40@pci:0000:86:00.0", 40),
        ("mlx5_async0@pci:0000:86:00.0", None),
        ("mlx4-3@0000:04:00.0", 3),
        ("eth0-TxRx-3", 3),
        ("i40e-eth0-TxRx-7", 7),
        ("i40e-0000:03:00.0:misc", None),
        ("ens5-Tx-Rx-0", 0),
        ("ena-mgmnt@pci:0000:00:05.0", None),
        ("eth0-rxtx-2", 2),
        ("eth0-rx-1", 1),
        ("eth0-tx-14", 14),
        ("eth0-fp-4", 4),
        ("eth0-q3-tx", 3),
        ("hns3-0000:7d:00.0-TxRx-5", 5),
        ("virtio2-input.0", 0),
        ("virtio3-output.11", 11),
        ("virtio1-req.0", 0),
        ("virtio0-config", None),
        ("virtio3-rx", None),
        ("megasas0-msix3", 3),
        ("eth0", None),
        ("enp3s0f1", None),
        ("ahci[0000:00:17.0]", None),
        ("xhci_hcd", None),
        ("ttyS0", None),
        ("ACPI:Ged", None),
        ("", None),
    ],
)
def test_queue(action: str, queue: int | None) -> None:
    assert queue_of(action) == queue
