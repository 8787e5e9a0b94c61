"""Text from the kernel, made printable."""

# A name longer than this many bytes is cut, and "..." says so.
LONGEST = 256

# Printable ASCII stays. The rest could move a cursor, reverse the direction of a line, take two
# columns or none, or fail to encode in the C locale. The backslash is escaped too, so that two
# different names never become one (Prometheus refuses a scrape that holds a series twice).
_ESCAPES = {code: f"\\x{code:02x}" for code in range(256) if not 0x20 <= code <= 0x7E}
_ESCAPES[ord("\\")] = "\\\\"


def clean(raw: bytes) -> str:
    """Printable ASCII, one line, bounded: any other byte becomes ``\\xNN``, a backslash two."""
    text = raw[:LONGEST].decode("latin-1").translate(_ESCAPES)
    return text if len(raw) <= LONGEST else text + "..."
