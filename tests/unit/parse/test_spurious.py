import pytest

from irqwatch.errors import ParseError
from irqwatch.parse import spurious


def test_unhandled_and_when() -> None:
    assert spurious.parse(b"count 70000\nunhandled 12\nlast_unhandled 4294680012 ms\n") == (
        12,
        4294680012,
    )


@pytest.mark.parametrize(
    "raw", [b"", b"count 1\n", b"unhandled 1\n", b"unhandled x\nlast_unhandled 1 ms\n"]
)
def test_garbage(raw: bytes) -> None:
    with pytest.raises(ParseError):
        spurious.parse(raw)
