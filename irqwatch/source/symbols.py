"""Names of kernel functions by address, from /proc/kallsyms.

The kernel decides when the file is opened whether it shows addresses (kernel/kallsyms.c,
kallsyms_open), so the agent opens it while it may and can read it after it has given its
privileges up.
"""

from collections.abc import Collection
from pathlib import Path

from irqwatch.parse import kallsyms

# What a function is called whose name is not to be had: its address is not for everybody to see.
UNKNOWN = "unknown"


class KernelSymbols:
    """Looks addresses up when they are first asked for, and never the same one twice.

    Holds the file open; raises OSError if it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._names: dict[int, str] = {}

    def names_of(self, addresses: Collection[int]) -> dict[int, str]:
        """The name of each of ``addresses``, ``UNKNOWN`` for one that has none. Takes a tenth of a
        second when there is a new one. Raises OSError."""
        new = set(addresses) - self._names.keys()
        if new:
            self._file.seek(0)
            self._names.update(dict.fromkeys(new, UNKNOWN))
            self._names.update(kallsyms.parse(self._file, new))
        return {address: self._names[address] for address in addresses}

    def close(self) -> None:
        """Give the file back."""
        self._file.close()
