"""tests/oracle/functions.py: names in place of addresses."""

from pathlib import Path

import pytest

from tests.oracle.functions import names_around, names_of

SYMBOLS = "ffff0200 t second\nffff0100 T first\nffff0100 t alias\nffff0300 t third\t[module]\n"


@pytest.fixture
def kallsyms(tmp_path: Path) -> Path:
    path = tmp_path / "kallsyms"
    path.write_text(SYMBOLS)
    return path


def test_a_function_is_named_by_its_own_address(kallsyms: Path) -> None:
    found = names_of(["0xffff0100", "0xffff0104", "0xffff0300"], kallsyms)
    assert found == {"0xffff0100": "first", "0xffff0300": "third [module]"}


def test_a_place_is_named_by_the_function_that_it_is_in(kallsyms: Path) -> None:
    found = names_around(["0xffff00ff", "0xffff0104", "0xffff02ff"], kallsyms)
    assert found == {"0xffff0104": "first", "0xffff02ff": "second"}
