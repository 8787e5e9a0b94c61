"""/proc/cpuinfo: whether a hypervisor runs below (arch/x86/kernel/cpu/proc.c, show_cpuinfo)."""

import re

_FLAGS = re.compile(rb"^flags[ \t]*:(?P<flags>.*)$", re.MULTILINE)

# The first CPU's rows are 4 KB; those of the others say the same.
_FIRST_BYTES = 1 << 16


def is_guest(raw: bytes) -> bool | None:
    """None on an architecture that shows no such flag."""
    match = _FLAGS.search(raw, 0, _FIRST_BYTES)
    return b"hypervisor" in match["flags"].split() if match else None
