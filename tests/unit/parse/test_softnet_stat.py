"""The columns of several kernels; net/core/net-procfs.c says which came when."""

import pytest

from irqwatch.errors import ParseError
from irqwatch.model.snapshot import Softnet
from irqwatch.parse import softnet_stat


def row(*columns: int) -> bytes:
    return b" ".join(b"%08x" % column for column in columns) + b"\n"


def test_the_kernel_says_which_cpu() -> None:
    raw = row(16, 1, 2, 0, 0, 0, 0, 0, 0, 3, 4, 5, 0, 0, 0) + row(255, *[0] * 11, 2, 0, 0)
    assert softnet_stat.parse(raw, online=[[0, 1]]) == (
        Softnet(0, 16, 1, 2, 3, 4, 5),
        Softnet(2, 255, 0, 0, 0, 0, 0),
    )


def test_before_5_10_rows_are_the_cpus_online() -> None:
    raw = row(16, 1, 2, 0, 0, 0, 0, 0, 0, 3, 4) * 2
    assert softnet_stat.parse(raw, online=[[0, 3]]) == (
        Softnet(0, 16, 1, 2, 3, 4),
        Softnet(3, 16, 1, 2, 3, 4),
    )


def test_before_5_10_the_cpus_are_those_of_a_file_with_as_many() -> None:
    """A CPU that came between two files; a container in which /proc/stat has CPUs of its own."""
    raw = row(16, 1, 2, 0, 0, 0, 0, 0, 0, 3, 4) * 3
    found = softnet_stat.parse(raw, online=[{0, 3}, {3: "", 1: "", 0: ""}, [7, 8, 9]])
    assert [softnet.cpu for softnet in found] == [0, 1, 3]


@pytest.mark.parametrize(
    ("columns", "received_rps", "flow_limit"), [(9, None, None), (10, 9, None), (11, 9, 10)]
)
def test_older_kernels_have_fewer_columns(
    columns: int, received_rps: int | None, flow_limit: int | None
) -> None:
    (softnet,) = softnet_stat.parse(row(*range(columns)), online=[[0]])
    assert (softnet.received_rps, softnet.flow_limit) == (received_rps, flow_limit)
    assert softnet.backlog is None


def test_a_row_that_was_cut_off_is_left_out() -> None:
    raw = row(*[1] * 12, 0) + row(*[1] * 12, 1)[:-1]
    assert [softnet.cpu for softnet in softnet_stat.parse(raw, online=[[0, 1]])] == [0]


@pytest.mark.parametrize("raw", [b"", b"\n", row(1, 2), row(*[1] * 11) * 2, b"zz 0 0\n"])
def test_garbage(raw: bytes) -> None:
    with pytest.raises(ParseError):
        softnet_stat.parse(raw, online=[[0]])
