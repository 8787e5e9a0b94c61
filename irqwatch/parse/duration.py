"""Durations as people write them: "200us", "1.5ms", "2s"."""

import re

from irqwatch.errors import ParseError

_NS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9}


def duration_ns(text: str) -> int:
    """In nanoseconds. Raises ParseError."""
    match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,9})?)\s*(ns|us|µs|μs|ms|s)", text.strip(), re.ASCII)
    if not match:
        raise ParseError(f"{text!r} is not a duration such as 200us, 1.5ms or 2s")
    whole, _, fraction = match[1].partition(".")
    ns = _NS[match[2]]
    return int(whole) * ns + int(fraction or 0) * ns // int(10 ** len(fraction))
