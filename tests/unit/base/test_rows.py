"""Which rows of /proc/interrupts count what others count too."""

import pytest

from irqwatch.base.rows import MACHINE_TOTALS, counted_again, described
from irqwatch.model.snapshot import Line

NMI, PMI = "Non-maskable interrupts", "Performance monitoring interrupts"
CAL, TLB = "Function call interrupts", "TLB shootdowns"
HYP = "Hypervisor callback interrupts"


def row(label: str, description: str = "", total: int | None = None) -> Line:
    return Line(label, None, {0: 1}, description=description, total=total)


def xen(controller: str, action: str) -> Line:
    return Line("48", 48, {0: 1}, controller, actions=(action,))


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
        ([row("CAL", CAL), row("TLB", TLB)], {"TLB"}),
        ([row("CAL", CAL), row("TLB", "others")], set()),
        ([row("TLB", TLB)], set()),
        ([row("LOC", "x"), row("MIS", total=3), row("ERR", total=3)], {"MIS"}),
        ([row("MIS", "something")], set()),
        ([row("MCE", "Machine check exceptions"), row("MCP", "Machine check polls")], {"MCP"}),
        ([row("RTR", "APIC ICR read retries")], {"RTR"}),
        ([row("PMN", "Posted MSI notification event")], {"PMN"}),
        ([row("HYP", HYP), row("RES"), row("CAL", CAL)], set()),  # Hyper-V, KVM
        ([row("HYP", HYP), xen("xen-dyn", "eth0-q0-rx"), row("RES")], {"HYP"}),
        (
            [xen("xen-percpu", f"{ipi}0") for ipi in ("resched", "callfunc", "irqwork")]
            + [row(label) for label in ("HYP", "RES", "CAL", "IWI", "LOC")],
            {"RES", "CAL", "IWI"},
        ),
        ([xen("xen-percpu", "timer0"), row("LOC"), row("RES"), row("CAL", CAL)], set()),
        ([], set()),
    ],
)
def test_counted_again(rows: list[Line], again: set[str]) -> None:
    assert counted_again(rows, "6.12.3") == again
    assert counted_again(rows, "") == again


@pytest.mark.parametrize(
    ("kernel", "again"),
    [("4.7.10", set()), ("4.8.0-1-amd64", {"TLB"}), ("9" * 5000 + ".1", {"TLB"})],
)
def test_kernels_that_count_a_shootdown_once(kernel: str, again: set[str]) -> None:
    assert counted_again([row("CAL", CAL), row("TLB", TLB)], kernel) == again


def test_what_a_row_is_said_to_count() -> None:
    assert described(row("LOC", "Local timer interrupts")) == "Local timer interrupts"
    assert described(row("AIO")) == "all of the rows marked [AIO]"
    assert described(row("NMI")) == ""
    assert all(described(row(label, total=7)) for label in MACHINE_TOTALS)
    assert described(row("FOO", total=7)) == ""
