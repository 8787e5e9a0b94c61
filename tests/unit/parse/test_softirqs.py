import pytest

from irqwatch.errors import ParseError
from irqwatch.parse import softirqs

RAW = b"""                    CPU0       CPU2       CPU3
          HI:          0          0          0
      NET_RX:       1476          0 4294967295
"""


def test_vectors_by_cpu_without_zeros() -> None:
    parsed = softirqs.parse(RAW)
    assert parsed.counts == {"HI": {}, "NET_RX": {0: 1476, 3: 2**32 - 1}}
    assert parsed.cpus == {0, 2, 3}


def test_a_row_that_was_cut_off_is_left_out() -> None:
    assert softirqs.parse(RAW[:-2]).counts == {"HI": {}}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"garbage\n",
        b"CPU0\nHI: 1 2\n",
        b"CPU0 CPU1\nHI: 1\n",
        b"CPU0\nHI 1\n",
        b"CPU0\nHI: x\n",
    ],
)
def test_garbage(raw: bytes) -> None:
    with pytest.raises(ParseError):
        softirqs.parse(raw)
