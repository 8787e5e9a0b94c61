"""Names of the kernel's functions by address, from /proc/kallsyms: for kernels that cannot write
them into the probe's maps themselves (bpf_snprintf() is of Linux 5.13)."""

import io
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import IO

from irqwatch.base.text import clean

KALLSYMS = Path("/proc/kallsyms")

CHUNK_BYTES = 1 << 20

# Addresses that no symbol is at are remembered too, but not for ever: a module may come.
MAX_NAMES = 4096


class Symbols:
    """Opened while the process may see addresses: who opens the file decides, not who reads it
    (kernel/kallsyms.c, kallsyms_open), so names are found after privileges were given up.
    ``why_none`` says why there are none."""

    def __init__(self, path: Path = KALLSYMS) -> None:
        self.why_none = ""
        self._names: dict[int, str] = {}
        self._file: IO[bytes] = io.BytesIO()
        try:
            self._file = path.open("rb", buffering=0)
            shows_addresses = any(line[:16].strip(b"0") for line in self._first())
        except OSError as error:
            self.why_none = f"{path} cannot be read: {error.strerror}"
        else:
            if not shows_addresses:
                self.why_none = f"{path} hides addresses: seeing them takes CAP_SYSLOG"

    def _first(self) -> list[bytes]:
        """Some lines: the very first symbols are per-CPU ones on x86, whose address is 0."""
        return self._file.read(4096).splitlines()[:-1]

    def names(self, addresses: Collection[int]) -> Mapping[int, str]:
        """All that are known, those of ``addresses`` for certain: in hexadecimal where there is no
        symbol. The whole file is read once for all that are new."""
        new = {address for address in addresses if address not in self._names}
        if new:
            if len(self._names) + len(new) > MAX_NAMES:
                self._names.clear()
                new = set(addresses)
            self._names.update({address: f"0x{address:x}" for address in new})
            self._names.update(self._find(new))
        return self._names

    def _find(self, addresses: set[int]) -> dict[int, str]:
        """Of several names at one address the first, as the kernel takes it."""
        sought = {b"%016x" % address: address for address in addresses}
        found: dict[int, str] = {}
        for line in self._lines():
            address = sought.get(line[:16])
            if address is not None:
                found.setdefault(address, name_in(line))
        return found

    def _lines(self) -> Iterator[bytes]:
        self._file.seek(0)
        rest = b""
        while chunk := self._file.read(CHUNK_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines

    def close(self) -> None:
        self._file.close()


def name_in(line: bytes) -> str:
    """``name``, or ``name [module]``, as printk's %ps has it; the line is ``address type name``,
    then a TAB and ``[module]`` where it is of one."""
    name, tab, module = line[19:].partition(b"\t")
    return clean(name + (b" " + module if tab else b""))
