"""The table of guests in which irqwatch's own tests ran."""

from collections.abc import Iterator

from tests.vm import rows

TABLE = "suite"


def text() -> Iterator[str]:
    results = rows.kept(TABLE)
    if not results:
        return
    yield ""
    body = [(name, one["uptime"], one["ended"], rows.when(one)) for name, one in results.items()]
    yield from rows.lines(("own tests on", "started at uptime", "result", "run"), body)
    for name, one in results.items():
        for line in one["told"]:
            yield f"{name}: {line}"
