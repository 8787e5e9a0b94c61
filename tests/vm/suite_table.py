"""Where irqwatch's own tests ran: guests of few and of many CPUs, and each Python."""

from collections.abc import Iterator

from tests.vm import rows

TABLE, PYTHONS = "suite", "pythons"


def text() -> Iterator[str]:
    guests, pythons = rows.kept(TABLE), rows.kept(PYTHONS)
    body = [
        *(
            (f"{n}, uptime {one['uptime']} s", one["ended"], rows.when(one))
            for n, one in guests.items()
        ),
        *((f"Python {n}", one["result"], rows.when(one)) for n, one in pythons.items()),
    ]
    if body:
        yield ""
        yield from rows.lines(("own tests on", "result", "run"), body)
    for name, one in guests.items():
        for line in one["told"]:
            yield f"{name}: {line}"
