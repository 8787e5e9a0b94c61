"""Whole outputs, compared with files under tests/golden. ``make golden`` writes them anew."""

import difflib
import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent / "golden"


def check(name: str, text: str) -> None:
    """Fail, with a diff, unless ``text`` is what tests/golden/``name`` holds."""
    path = FOLDER / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    if text != expected:
        diff = difflib.unified_diff(
            expected.splitlines(), text.splitlines(), f"golden/{name}", "now", lineterm=""
        )
        pytest.fail("\n".join([*diff, "`make golden` accepts it"]), pytrace=False)
