import pytest

from irqwatch.errors import ParseError
from irqwatch.parse import cpulist


@pytest.mark.parametrize(
    ("raw", "cpus"),
    [
        (b"0-3,8,10-11\n", {0, 1, 2, 3, 8, 10, 11}),
        (b"0\n", {0}),
        (b"\n", set()),
        (b"", set()),
        (b"(null)\n", set()),
        (b"0-31:2/4", {0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29}),
        (b"1-5:1/2,9", {1, 3, 5, 9}),
    ],
)
def test_lists(raw: bytes, cpus: set[int]) -> None:
    assert cpulist.parse(raw) == cpus


@pytest.mark.parametrize(
    "raw", [b"x", b"3-1", b"0-", b"-1", b"1,,2", b"0-7:1/0", b"0-99999999999", b"1 2", b"\xff"]
)
def test_garbage(raw: bytes) -> None:
    with pytest.raises(ParseError):
        cpulist.parse(raw)
