"""/proc/irq/N/spurious (kernel/irq/proc.c, irq_spurious_proc_show)."""

from irqwatch.errors import ParseError
from irqwatch.parse.numbers import decimal


def parse(raw: bytes) -> tuple[int, int]:
    """(interrupts that nobody handled, of the last 100,000; when the last of them was, in
    milliseconds of the kernel's jiffies). Raises ParseError."""
    rows = dict(words[:2] for row in raw.splitlines() if len(words := row.split()) >= 2)
    try:
        return decimal(rows[b"unhandled"]), decimal(rows[b"last_unhandled"])
    except KeyError as missing:
        raise ParseError(f"no row {missing}") from None
