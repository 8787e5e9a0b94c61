"""How much a recording may hold: what a recorder does not write, a reader does not take. A few
bytes may stand for gigabytes in a file that was made to do harm, so what they become is bounded
before it is made. Pure."""

# The most text of one sample, and of all changes between two whole ones. 1,024 CPUs and 4,000 lines
# need a third of it.
LARGEST_TEXT = 32 << 20

# The most values in as much text, at up to some 100 bytes each. That host has 2.3 million.
MOST_VALUES = 4 << 20

# What irqwatch writes becomes 4 to 12 times as long when it is unpacked.
SPARE_TEXT = 1 << 20
MOST_TEXT_PER_BYTE = 64


def values_in(text: bytes) -> int:
    """How many values JSON makes of it, or more."""
    return sum(map(text.count, (b",", b":", b"[", b"{")))
