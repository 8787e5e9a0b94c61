"""/proc/kallsyms (kernel/kallsyms.c, s_show): ``ffffffff81000000 T name`` and, of a module,
``ffffffffc0000000 t name\\t[module]``; about 250,000 rows."""

from collections.abc import Collection, Iterable

from irqwatch.parse.text import clean


def parse(rows: Iterable[bytes], wanted: Collection[int]) -> dict[int, str]:
    """Address → ``name`` or ``name [module]``, for those of ``wanted`` that are there.

    Reads no further than the last one found. Whoever may not see addresses is shown zeros for
    all, and so finds none. Of several names at one address the first counts.
    """
    found: dict[int, str] = {}
    missing: set[bytes] = set()
    width = 0
    for row in rows:
        if not width:
            width = row.find(b" ")  # addresses are padded to the width of a pointer
            missing = {b"%0*x" % (width, address) for address in wanted}
        if row[:width] in missing:
            missing.remove(row[:width])
            found[int(row[:width], 16)] = _name(row[width:])
            if not missing:
                break
    return found


def _name(row: bytes) -> str:
    """Of `` t name\\t[module]\\n``."""
    return " ".join(clean(word) for word in row.split()[1:])
