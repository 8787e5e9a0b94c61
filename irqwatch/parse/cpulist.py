"""Lists of CPUs or nodes as in /sys/devices/system/cpu/online: ``0-3,8,10-11``."""

import re

from irqwatch.base.text import clean
from irqwatch.errors import ParseError

# "8", "0-3", and with a stride "0-31:2/4": the first 2 of each 4 (lib/bitmap-str.c,
# bitmap_parselist). Four digits: no kernel is built for more than 8,192 CPUs.
_RANGE = re.compile(
    rb"(?P<first>\d{1,4})(?:-(?P<last>\d{1,4})(?::(?P<used>\d{1,4})/(?P<group>\d{1,4}))?)?"
)

# What some kernels print for a mask that was never allocated (nohz_full).
_NEVER_SET = b"(null)"


def parse(raw: bytes) -> frozenset[int]:
    """The numbers in the list, none for an empty one; raises ParseError."""
    text = raw.strip()
    if text in (b"", _NEVER_SET):
        return frozenset()
    numbers: set[int] = set()
    for part in text.split(b","):
        numbers.update(_parse_range(part.strip()))
    return frozenset(numbers)


def _parse_range(part: bytes) -> list[int]:
    match = _RANGE.fullmatch(part)
    if not match:
        raise ParseError(f"not a list of CPUs: {clean(part)}")
    first = int(match["first"])
    last = int(match["last"] or first)
    used, group = int(match["used"] or 1), int(match["group"] or 1)
    if last < first or group == 0:
        raise ParseError(f"not a list of CPUs: {clean(part)}")
    return [cpu for cpu in range(first, last + 1) if (cpu - first) % group < used]
