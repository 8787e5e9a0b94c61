"""Files that are not too large in bytes, and of which every byte would cost: they are refused
before they are taken apart."""

import tracemalloc
from collections.abc import Callable

import pytest

from irqwatch.errors import ParseError
from irqwatch.model.topology import NR_CPUS
from irqwatch.parse import cpuinfo, interrupts, softirqs, softnet_stat, stat
from irqwatch.parse.rows import MOST_ROWS, complete_rows

HEADER = b"CPU0 CPU1\n"
MB = 1 << 20
MANY = 8 * MB


@pytest.mark.parametrize(
    ("parse", "raw"),
    [
        (interrupts.parse, b"\n" * MANY),
        (interrupts.parse, HEADER + b"1: 2 3 a\n" * (MANY // 9)),
        (interrupts.parse, HEADER + (b"1: 2 3 " + b"a " * 1000 + b"\n") * (2 * MANY // 2008)),
        (interrupts.parse, b"CPU0 " * (MANY // 5) + b"\n"),
        (softirqs.parse, HEADER + b"HI: 1 2\n" * (MANY // 8)),
        (softirqs.parse, HEADER + b"HI: " + b"1 " * (MANY // 2) + b"\n"),
        (lambda raw: stat.parse(raw, 100), b"\n" * MANY),
        (lambda raw: softnet_stat.parse(raw, [[0]]), b"0\n" * (MANY // 2)),
        (lambda raw: softnet_stat.parse(raw, [[0]]), b"0 " * (MANY // 2) + b"\n"),
    ],
)
def test_refused_with_little_memory(parse: Callable[[bytes], object], raw: bytes) -> None:
    """As rows or fields each of these would take 30 to 60 bytes a byte."""
    tracemalloc.start()
    try:
        with pytest.raises(ParseError):
            parse(raw)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 4 * len(raw)


def test_as_many_rows_as_there_may_be() -> None:
    assert len(complete_rows(b"\n" * MOST_ROWS)[0]) == MOST_ROWS
    with pytest.raises(ParseError, match="more than 65,536 rows"):
        complete_rows(b"\n" * (MOST_ROWS + 1))


def test_as_many_cpus_as_there_may_be() -> None:
    header = b" ".join(b"CPU%d" % cpu for cpu in range(NR_CPUS))
    assert len(interrupts.parse(header + b"\n").cpus) == NR_CPUS
    with pytest.raises(ParseError, match="more than 8,192 CPUs"):
        interrupts.parse(header + b" CPU8192\n")


def test_a_row_longer_than_any() -> None:
    row = b"1: 2 3 IO-APIC 1-edge  " + b"b, " * 2000 + b"\n"
    found = interrupts.parse(HEADER + row + b"2: 2 3 IO-APIC 2-edge  b\n")
    assert [line.irq for line in found.lines] == [2] and found.skipped == 1


def test_flags_are_those_of_the_first_cpu() -> None:
    assert cpuinfo.is_guest(b"flags\t\t: fpu hypervisor\n" + b"\n" * MB) is True
    assert cpuinfo.is_guest(b"\n" * MB + b"flags\t\t: fpu hypervisor\n") is None
