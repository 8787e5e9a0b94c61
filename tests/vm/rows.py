"""Rows of the tables that `make test-vm` prints: the last result of each, kept in ``.cache``, so
that rows which ran one by one make one table. A row says when it ran and of which commit it is."""

import json
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.vm.packages import CACHE, REPOSITORY

RESULTS = CACHE / "results"


def commit() -> str:
    """Of this tree; with a plus where it was changed since."""
    found = _git("rev-parse", "--short", "HEAD")
    return f"{found}+" if _git("status", "--porcelain", "--untracked-files=no") else found


def keep(table: str, row: str, result: Mapping[str, Any]) -> None:
    """Replaces the row's last result."""
    folder = RESULTS / table
    folder.mkdir(parents=True, exist_ok=True)
    told = {"commit": commit(), "date": time.strftime("%Y-%m-%d %H:%M"), **result}
    part = folder / f"{row}.part"
    part.write_text(json.dumps(told, indent=1))
    part.rename(folder / f"{row}.json")


def kept(table: str) -> dict[str, dict[str, Any]]:
    """By row."""
    files = sorted((RESULTS / table).glob("*.json"))
    return {file.stem: json.loads(file.read_text()) for file in files}


def lines(head: Sequence[str], body: Iterable[Sequence[str]]) -> Iterator[str]:
    """As wide as it must be."""
    rows = [head, *body]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def when(result: Mapping[str, Any]) -> str:
    """A row of another state of the tree is marked with a star."""
    stale = "" if result["commit"] == commit() else "*"
    return f"{result['date']} {result['commit']}{stale}"


def _git(*words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
