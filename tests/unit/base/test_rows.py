"""Which rows of /proc/interrupts count what others count too."""

import pytest

from irqwatch.base.rows import MACHINE_TOTALS, counted_again, described
from irqwatch.model.snapshot import Line

NMI, PMI = "Non-maskable interrupts", "Performance monitoring interrupts"


def row(label: str, description: str = "", total: int | None = None) -> Line:
    return Line(label, None, {0: 1}, description=description, total=total)


@pytest.mark.parametrize(
    ("rows", "again"),
    [
        ([row("NMI", NMI), row("LOC", "x"), row("PMI", PMI)], {"PMI"}),
        ([row("PMI", PMI)], set()),
        ([row("NMI", "System Reset interrupts"), row("PMI", PMI)], set()),  # powerpc
        ([row("EXT"), row("I/O"), row("AIO"), row("CLK", "[EXT] Clock")], {"EXT", "I/O", "AIO"}),
        ([row("EXT", "External timer")], set()),
        ([row("MSI", "[AIO] MSI Interrupt"), row("PCF", "[AIO] PCI")], {"MSI"}),
        ([row("MSI", "Message signalled")], set()),
        ([Line("3", 3, {0: 1}, "PCI-MSI", actions=("EXT",))], set()),
        ([], set()),
    ],
)
def test_counted_again(rows: list[Line], again: set[str]) -> None:
    assert counted_again(rows) == again


def test_what_a_row_is_said_to_count() -> None:
    assert described(row("LOC", "Local timer interrupts")) == "Local timer interrupts"
    assert described(row("AIO")) == "all of the rows marked [AIO]"
    assert described(row("NMI")) == ""
    assert all(described(row(label, total=7)) for label in MACHINE_TOTALS)
    assert described(row("FOO", total=7)) == ""
