"""The shape that most kernel files share: rows."""

from irqwatch.errors import ParseError

# Lines of /proc/interrupts are the most. A kernel for 8,192 CPUs, which is the most there are, has
# as many rows in /proc/stat and softnet_stat, and its largest host has some thousand devices of
# some hundred queues: no list of 65,536 lines has been seen, and one of as many CPUs would be 5 GB.
MOST_ROWS = 1 << 16


def complete_rows(raw: bytes) -> tuple[list[bytes], bytes]:
    """The rows of a file that end in a newline, and what is left of one that was cut off. Raises
    ParseError where there are more than any kernel has: each takes memory and time, however short
    it is."""
    if raw.count(b"\n") > MOST_ROWS:
        raise ParseError(f"it has more than {MOST_ROWS:,} rows, and no kernel's has so many")
    *rows, cut = raw.split(b"\n")
    return rows, cut
