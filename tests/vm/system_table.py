"""The table of systems: each of README's commands in each."""

from collections.abc import Iterator

from tests.vm import rows

TABLE = "systems"


def text() -> Iterator[str]:
    results = rows.kept(TABLE)
    if not results:
        return
    yield ""
    body = [
        (name, result["versions"], what, said.replace("\n", " ")[-60:], rows.when(result))
        for name, result in results.items()
        for what, said in result["steps"].items()
    ]
    yield from rows.lines(("system", "versions", "command", "does what README says", "run"), body)
