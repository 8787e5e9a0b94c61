"""Queue numbers in the names that drivers give their interrupts."""

import re

# What stands before the queue's number, and what may stand after it:
#   nvme0q5 · nvme 0 io5 · mlx5_comp40@pci:0000:86:00.0 · mlx4-3@0000:04:00.0
#   eth0-TxRx-3 · i40e-eth0-TxRx-7 · eth0-Tx-Rx-0 · eth0-rxtx-2 · eth0-rx-1 · eth0-fp-4
#   virtio3-input.0 · virtio3-req.0 · eth0-q0-tx (Xen) · megasas0-msix3 · gve-ntfy-blk3@pci:…
_QUEUE = re.compile(
    r"""
    (?: ^nvme\d+q | \bio | _comp | ^mlx4- | -ntfy-blk
      | -(?: tx-?rx | rx-?tx | rx | tx | fp | q | input | output | req | request | msix )[-.]?
    )
    (?P<queue>\d{1,5})
    (?= $ | @ | -[rt]x$ )
    """,
    re.VERBOSE | re.IGNORECASE,
)


def queue_of(action: str) -> int | None:
    """The queue that an action serves; None where its name does not say."""
    match = _QUEUE.search(action)
    return int(match["queue"]) if match else None
