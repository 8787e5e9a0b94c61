"""What this layer is handed of a host. Reading one is not its task."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from irqwatch.model.snapshot import Snapshot

# Ask for a line's mask. Raises OSError as the kernel refuses it.
WriteMask = Callable[[int, frozenset[int]], None]


@dataclass(frozen=True, slots=True)
class Access:
    """To the affinities of the host whose /proc is ``procfs``."""

    procfs: Path
    observe: Callable[[], Snapshot]  # with settings as they are now
    # pid and /proc/PID/cmdline of each irqbalance in a Snapshot
    irqbalances: Callable[[Snapshot], Sequence[tuple[int, bytes]]]
    default_affinity: Callable[[], frozenset[int]]
    write: WriteMask
