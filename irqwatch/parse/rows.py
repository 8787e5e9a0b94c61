"""The shape that most kernel files share: rows."""


def complete_rows(raw: bytes) -> tuple[list[bytes], bytes]:
    """The rows of a file that end in a newline, and what is left of one that was cut off."""
    *rows, cut = raw.split(b"\n")
    return rows, cut
