import pytest

from irqwatch.errors import ParseError
from irqwatch.parse import cpumask


@pytest.mark.parametrize(
    ("raw", "cpus"),
    [
        (b"3\n", {0, 1}),
        (b"00000000,00000000\n", set()),
        (b"80000001,00000000,f0000000\n", {28, 29, 30, 31, 64, 95}),
        (b"1,00000000", {32}),
    ],
)
def test_masks(raw: bytes, cpus: set[int]) -> None:
    assert cpumask.parse(raw) == cpus


@pytest.mark.parametrize("raw", [b"", b"0x3", b"g", b"1,2", b"1,", b"-1", b"\xff", b"1_0"])
def test_garbage(raw: bytes) -> None:
    with pytest.raises(ParseError):
        cpumask.parse(raw)
