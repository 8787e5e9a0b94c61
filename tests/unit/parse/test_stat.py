import pytest

from irqwatch.errors import ParseError
from irqwatch.model.snapshot import CpuTimes
from irqwatch.parse import stat

RAW = b"""cpu  101 20 30 40 50 60 70 80 90 100
cpu0 1 2 3 4 5 6 7 8 9 10
cpu2 100 0 0 0 0 0 0 0 0 0
intr 1234 0 0
ctxt 5
"""


def test_cpus_keep_their_numbers_and_ticks_become_nanoseconds() -> None:
    tick = 10_000_000
    assert stat.parse(RAW, 100) == {
        0: CpuTimes(*(n * tick for n in range(1, 9))),
        2: CpuTimes(10**9, 0, 0, 0, 0, 0, 0, 0),
    }


def test_another_tick() -> None:
    assert stat.parse(RAW, 250)[0].user_ns == 4_000_000


def test_a_row_that_was_cut_off_is_left_out() -> None:
    assert list(stat.parse(b"cpu0 1 2 3 4 5 6 7 8\ncpu1 1 2 3 4 5 6 7 8", 100)) == [0]


@pytest.mark.parametrize(
    "raw",
    [b"", b"intr 0\n", b"cpu0 1 2 3\n", b"cpux 1 2 3 4 5 6 7 8\n", b"cpu0 1 2 3 4 5 6 7 -8\n"],
)
def test_garbage(raw: bytes) -> None:
    with pytest.raises(ParseError):
        stat.parse(raw, 100)
