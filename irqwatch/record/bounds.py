"""How much a recording may hold: what a recorder does not write, a reader does not take. A few
bytes may stand for gigabytes in a file that was made to do harm, so what they become is bounded
before it is made, by how many there are. Pure.

A whole sample of irqwatch's own becomes up to 11 times as long when it is unpacked, and has up to 2
values a byte of payload; with changes of a host that counts evenly it is 31 times and 6 values, and
two entries a byte are copied.
"""

from dataclasses import dataclass

# The most text of one sample, and of all changes between two whole ones. 1,024 CPUs and 4,000 lines
# need a third of it.
LARGEST_TEXT = 32 << 20

# The most values in as much text, at up to some 100 bytes each. That host has 2.3 million.
MOST_VALUES = 4 << 20

# No name of the kernel's is near it, nor is what is said of a part that could not be had.
LONGEST_STRING = 1 << 16

# Of a whole sample and the changes after it: what is always allowed, and what more for each byte.
SPARE_TEXT, TEXT_PER_BYTE = 1 << 16, 64
SPARE_VALUES, VALUES_PER_BYTE = 1 << 11, 8
# Of sets of CPUs, which a few bytes name; at up to some 100 bytes each.
SPARE_MEMBERS, MEMBERS_PER_BYTE = 1 << 14, 8
# Entries of dicts and lists that are copied because one of them changed.
SPARE_COPIES, COPIES_PER_BYTE = 1 << 14, 16


@dataclass(slots=True)
class Tally:
    """What a whole sample and the changes after it hold, up to the block last added."""

    payload_bytes: int = 0
    text_bytes: int = 0
    values: int = 0
    copies: int = 0
    changes_text_bytes: int = 0
    changes_values: int = 0

    def most_text(self, payload_bytes: int) -> int:
        """That a block of so many bytes may become."""
        spare = SPARE_TEXT + TEXT_PER_BYTE * (self.payload_bytes + payload_bytes) - self.text_bytes
        return max(0, min(LARGEST_TEXT, spare))

    @property
    def most_members(self) -> int:
        """That the sets may have together."""
        return SPARE_MEMBERS + MEMBERS_PER_BYTE * self.payload_bytes

    def add(self, payload_bytes: int, text: bytes, *, is_change: bool) -> bool:
        """Whether a reader takes the block."""
        fits = len(text) <= self.most_text(payload_bytes)
        values = values_in(text)
        self.payload_bytes += payload_bytes
        self.text_bytes += len(text)
        self.values += values
        if is_change:
            # Each may add to the sample, which must stay as bounded as a whole one is.
            self.changes_text_bytes += len(text)
            self.changes_values += values
        return (
            fits
            and self.changes_text_bytes <= LARGEST_TEXT
            and max(values, self.changes_values) <= MOST_VALUES
            and self.values <= SPARE_VALUES + VALUES_PER_BYTE * self.payload_bytes
        )

    def copy(self, copies: int) -> bool:
        """Whether a reader makes a change that copies so many entries."""
        self.copies += copies
        return self.copies <= SPARE_COPIES + COPIES_PER_BYTE * self.payload_bytes


def values_in(text: bytes) -> int:
    """How many values JSON makes of it, or more."""
    return sum(map(text.count, (b",", b":", b"[", b"{")))
