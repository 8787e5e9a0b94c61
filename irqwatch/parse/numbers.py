"""Numbers as the kernel prints them. ``int()`` takes more: "1_000", "+5", Unicode digits."""

import re

from irqwatch.base.text import clean
from irqwatch.errors import ParseError

# Of the largest 64-bit value, in decimal.
MOST_DIGITS = 20

_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]{1,16}")


def decimal(raw: bytes) -> int:
    """A number that is not negative; raises ParseError."""
    if not raw.isdigit() or len(raw) > MOST_DIGITS:
        raise ParseError(f"not a number: {clean(raw)}")
    return int(raw)


def hexadecimal(raw: bytes) -> int:
    """A number of up to 64 bits in hexadecimal, without 0x; raises ParseError."""
    if not _HEXADECIMAL.fullmatch(raw):
        raise ParseError(f"not a hexadecimal number: {clean(raw)}")
    return int(raw, 16)


def id_or_none(raw: bytes) -> int | None:
    """A number of a node, package or core; None where the kernel says -1. Raises ParseError."""
    text = raw.strip()
    return None if text == b"-1" else decimal(text)
