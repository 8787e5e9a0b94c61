"""Masks of CPUs as in /proc/irq/N/affinity_hint: ``00000003,ffffffff`` (lib/vsprintf.c, %*pb:
groups of 32 bits in hexadecimal, the highest first)."""

import re

from irqwatch.base.text import clean
from irqwatch.errors import ParseError

# 256 groups are 8,192 CPUs; no kernel is built for more.
_MASK = re.compile(rb"[0-9a-fA-F]{1,8}(?:,[0-9a-fA-F]{8}){0,255}")


def parse(raw: bytes) -> frozenset[int]:
    """The CPUs in the mask; raises ParseError."""
    text = raw.strip()
    if not _MASK.fullmatch(text):
        raise ParseError(f"not a mask of CPUs: {clean(text)}")
    bits = int(text.replace(b",", b""), 16)
    return frozenset(cpu for cpu in range(bits.bit_length()) if bits >> cpu & 1)
