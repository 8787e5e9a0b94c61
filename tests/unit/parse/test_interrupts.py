"""Every form of /proc/interrupts that has been seen, and what must not be taken for one."""

import pytest

from irqwatch.base.rows import MACHINE_TOTALS
from irqwatch.errors import ParseError
from irqwatch.model.snapshot import Line
from irqwatch.parse import interrupts

HEADER = b"           CPU0       CPU1       \n"
ONE_CPU = b"           CPU0       \n"


def parse_one(row: bytes, header: bytes = HEADER) -> Line:
    found = interrupts.parse(header + row + b"\n")
    assert found.skipped == 0
    (line,) = found.lines
    return line


def test_columns_are_online_cpus_not_indexes() -> None:
    header = b"           CPU0       CPU2       \n"
    assert parse_one(b" 24:          1          7  IO-APIC   5-edge      a", header).counts == {
        0: 1,
        2: 7,
    }


def test_zeros_are_left_out_and_the_largest_count_is_kept_as_read() -> None:
    assert parse_one(b" 24:          0 4294967295  IO-APIC   5-edge      a").counts == {
        1: 2**32 - 1
    }


# What stands after the counts → controller, hwirq, trigger, actions.
FORMS = {
    "x86 MSI-X per device": (
        b" PCI-MSIX-0000:00:01.0   1-edge      virtio0-inflate",
        ("PCI-MSIX-0000:00:01.0", "1", "edge", ("virtio0-inflate",)),
    ),
    "x86 IO-APIC": (b"  IO-APIC   6-edge      ACPI:Ged", ("IO-APIC", "6", "edge", ("ACPI:Ged",))),
    "x86 old MSI": (
        b" IR-PCI-MSI 524288-edge      nvme0q0",
        ("IR-PCI-MSI", "524288", "edge", ("nvme0q0",)),
    ),
    "x86 interrupt remapping": (
        b" IR-IO-APIC    8-edge      rtc0",
        ("IR-IO-APIC", "8", "edge", ("rtc0",)),
    ),
    "x86 shared": (
        b" IR-IO-APIC   16-fasteoi   uhci_hcd:usb3, i801_smbus",
        ("IR-IO-APIC", "16", "fasteoi", ("uhci_hcd:usb3", "i801_smbus")),
    ),
    "x86 until 3.18: no hwirq, chip and handler joined": (
        b"   IO-APIC-edge      timer",
        ("IO-APIC", "", "edge", ("timer",)),
    ),
    "the same without an action": (b"   IO-APIC-edge    ", ("IO-APIC", "", "edge", ())),
    "x86 from 7.1: the chip at the left": (
        b"  IO-APIC                  2-edge      timer",
        ("IO-APIC", "2", "edge", ("timer",)),
    ),
    "arm64 from 7.1": (
        b"  GICv3      27 Level     arch_timer",
        ("GICv3", "27", "level", ("arch_timer",)),
    ),
    "Dovetail: in-band": (
        b"  IR-IO-APIC     18    -fasteoi   i801_smbus",
        ("IR-IO-APIC", "18", "fasteoi", ("i801_smbus",)),
    ),
    "Dovetail: out of band": (
        b"  IR-PCI-MSI-0000:00:19.0      0 oob-edge      eno1",
        ("IR-PCI-MSI-0000:00:19.0", "0", "edge", ("eno1",)),
    ),
    "Dovetail: out of band, no handler's name": (
        b"     SIPIC      1 oob  EVL reschedule",
        ("SIPIC", "1", "", ("EVL reschedule",)),
    ),
    "Dovetail: in-band, no handler's name": (
        b"     SIRQC     24      in-band irq work",
        ("SIRQC", "24", "", ("in-band irq work",)),
    ),
    "Dovetail: in-band, with a level": (
        b"     GICv3  27 Level        arch_timer",
        ("GICv3", "27", "level", ("arch_timer",)),
    ),
    "Dovetail: out of band, with a level": (
        b"     GICv3  27 Level    oob  arch_timer",
        ("GICv3", "27", "level", ("arch_timer",)),
    ),
    "an I2C client, no hwirq": (b"      GPIO  1-0053", ("GPIO", "", "", ("1-0053",))),
    "an I2C client of a bus of two digits": (
        b"   msmgpio  12-004b",
        ("msmgpio", "", "", ("12-004b",)),
    ),
    "two I2C clients": (b"      GPIO  1-0053, 1-0054", ("GPIO", "", "", ("1-0053", "1-0054"))),
    "an I2C client, with a hwirq": (b"      GPIO  12  1-0048", ("GPIO", "12", "", ("1-0048",))),
    "an I2C client of mips": (b"      MIPS   7  1-0050", ("MIPS", "7", "", ("1-0050",))),
    "an I2C client on an I2C expander": (b"  3-0020   7  1-0050", ("3-0020", "7", "", ("1-0050",))),
    "an I2C client that comes with a name": (
        b"  IO-APIC   9-fasteoi   1-0050",
        ("IO-APIC", "9", "fasteoi", ("1-0050",)),
    ),
    "an action of a digit and a dash": (b"     pl061  1-wire", ("pl061", "", "", ("1-wire",))),
    "a handler's name that is not usual, padded": (
        b"      INTC   5-rtc     ",
        ("INTC", "5", "rtc", ()),
    ),
    "two numbers and no level": (b"    MPIC 1     16  uart", ("MPIC 1", "16", "", ("uart",))),
    "mips: a name that looks like a level": (
        b"      MIPS   7  disk 3 Level x",
        ("MIPS", "7", "", ("disk 3 Level x",)),
    ),
    "x86 PIC": (b"   XT-PIC   2-XT-PIC    cascade", ("XT-PIC", "2", "XT-PIC", ("cascade",))),
    "a name with spaces": (
        b" PCI-MSIX-0000:02:00.0   5-edge      nvme 0 io5",
        ("PCI-MSIX-0000:02:00.0", "5", "edge", ("nvme 0 io5",)),
    ),
    "a name with colons": (
        b" PCI-MSIX-0000:86:00.0  41-edge      mlx5_comp40@pci:0000:86:00.0",
        ("PCI-MSIX-0000:86:00.0", "41", "edge", ("mlx5_comp40@pci:0000:86:00.0",)),
    ),
    "a name with a comma and no space": (
        b" IO-APIC   9-fasteoi   acpi,pinctrl",
        ("IO-APIC", "9", "fasteoi", ("acpi,pinctrl",)),
    ),
    "a name that looks like a trigger": (
        b" IO-APIC   9-fasteoi   disk 3-edge",
        ("IO-APIC", "9", "fasteoi", ("disk 3-edge",)),
    ),
    "a name that looks like a level": (
        b" IO-APIC   9-fasteoi   disk 3 Level x",
        ("IO-APIC", "9", "fasteoi", ("disk 3 Level x",)),
    ),
    "no chip": (b"     None   9  lonely", ("None", "9", "", ("lonely",))),
    "no chip and no hwirq": (b"     None       lonely", ("None", "", "", ("lonely",))),
    "chip without a name": (b"        -   9  lonely", ("-", "9", "", ("lonely",))),
    "Xen": (b"  xen-dyn    -event     eth0-q0-tx", ("xen-dyn", "", "event", ("eth0-q0-tx",))),
    "Xen per CPU": (b"  xen-percpu    -virq      timer0", ("xen-percpu", "", "virq", ("timer0",))),
    "Xen physical": (
        b"  xen-pirq    -ioapic-level  acpi",
        ("xen-pirq", "", "ioapic-level", ("acpi",)),
    ),
    "arm64 GIC": (
        b"     GICv3  27 Level     arch_timer",
        ("GICv3", "27", "level", ("arch_timer",)),
    ),
    "arm64 MSI": (b"   ITS-MSI 524288 Edge      eth0", ("ITS-MSI", "524288", "edge", ("eth0",))),
    "arm64 MSI-X per device": (
        b" ITS-PCI-MSIX-0000:01:00.0   0 Edge      nvme0q0",
        ("ITS-PCI-MSIX-0000:01:00.0", "0", "edge", ("nvme0q0",)),
    ),
    "arm with a level and a name": (
        b"     GIC-0  34 Level    -handler   uart",
        ("GIC-0", "34", "level", ("uart",)),
    ),
    "arm GPIO on I2C": (b"  3-0020   7 Edge      button", ("3-0020", "7", "edge", ("button",))),
    "powerpc": (b"  XIVE-IRQ  16 Edge      IPI", ("XIVE-IRQ", "16", "edge", ("IPI",))),
    "powerpc: the chip's name holds a number": (
        b"  MPIC 1     16 Level     ohci_hcd:usb1",
        ("MPIC 1", "16", "level", ("ohci_hcd:usb1",)),
    ),
    "riscv: the chip's name holds a space": (
        b"  RISC-V INTC   5 Edge      riscv-timer",
        ("RISC-V INTC", "5", "edge", ("riscv-timer",)),
    ),
    "riscv PLIC": (b"  SiFive PLIC  10 Edge      ttyS0", ("SiFive PLIC", "10", "edge", ("ttyS0",))),
    "mips": (b"      MIPS   7  timer", ("MIPS", "7", "", ("timer",))),
    "x86 without an action": (b"  IO-APIC   5-edge    ", ("IO-APIC", "5", "edge", ())),
    "arm without an action": (b"     GICv3  27 Level    ", ("GICv3", "27", "level", ())),
    "mips without an action": (b"      MIPS   7", ("MIPS", "7", "", ())),
    "nothing but counts": (b"", ("", "", "", ())),
    "bytes that are not UTF-8": (
        b"  IO-APIC   5-edge      \xff\xfe",
        ("IO-APIC", "5", "edge", ("\\xff\\xfe",)),
    ),
    "a terminal escape": (
        b"  IO-APIC   5-edge      \x1b[2J",
        ("IO-APIC", "5", "edge", ("\\x1b[2J",)),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_form(form: str) -> None:
    text, (controller, hwirq, trigger, actions) = FORMS[form]
    line = parse_one(b" 24:          0          3" + text)
    assert line == Line("24", 24, {1: 3}, controller, hwirq, trigger, actions)


def test_architecture_row() -> None:
    assert parse_one(b"LOC:      35688      43235   Local timer interrupts") == Line(
        "LOC", None, {0: 35688, 1: 43235}, description="Local timer interrupts"
    )


@pytest.mark.parametrize("header", [HEADER, ONE_CPU])
@pytest.mark.parametrize("label", MACHINE_TOTALS)
def test_one_number_for_the_machine(label: str, header: bytes) -> None:
    row = f"{label}:          7".encode()
    assert parse_one(row, header) == Line(label, None, {}, total=7)


def test_any_row_of_one_number_is_of_the_machine_where_it_has_several_cpus() -> None:
    assert parse_one(b"FOO:          7") == Line("FOO", None, {}, total=7)


@pytest.mark.parametrize(
    "row", [b"EXT:          7 ", b"NMI:          7 ", b"LOC:          7   text"]
)
def test_one_number_is_the_count_of_the_one_cpu(row: bytes) -> None:
    """s390's sums and 2.6.16's NMI have no words behind it."""
    line = parse_one(row, ONE_CPU)
    assert (line.counts, line.total) == ({0: 7}, None)


@pytest.mark.parametrize(
    "row", [b"STK: 3520 2976   Kernel stack usage", b"IST: 9 8  Interrupt stack usage"]
)
def test_sizes_of_stacks_are_no_counts(row: bytes) -> None:
    """parisc, arch_show_interrupts: they would be shown as so many interrupts a second."""
    assert parse_one(row).counts == {}


def test_arm64_ipi_without_a_space() -> None:
    assert parse_one(b"IPI0:2768808080         12       Rescheduling interrupts") == Line(
        "IPI0", None, {0: 2768808080, 1: 12}, description="Rescheduling interrupts"
    )


def test_arm_fiq_has_a_name_and_no_counts() -> None:
    assert parse_one(b"FIQ:              usb_fiq") == Line("FIQ", None, {}, description="usb_fiq")


def test_s390_labels() -> None:
    assert parse_one(b"I/O:          1          2  [I/O] Input/Output").label == "I/O"


@pytest.mark.parametrize(
    "row",
    [
        b" 24:          1",
        b" 24:          1          2          3  IO-APIC   5-edge      a",
        b" 24:          1         -2  IO-APIC   5-edge      a",
        b" 24:          1         xx  IO-APIC   5-edge      a",
        b" 24:          1 " + b"9" * 5000 + b"  IO-APIC   5-edge      a",
        b"9" * 5000 + b":          1          2  IO-APIC   5-edge      a",
        b" 24           1          2  IO-APIC   5-edge      a",
        b"   :          1          2  IO-APIC   5-edge      a",
        b"LOC:          1          2          3   Local timer interrupts",
        b"LOC:",
        b"",
    ],
    ids=lambda row: row[:40].decode(),
)
def test_a_garbled_row_is_stepped_over_and_counted(row: bytes) -> None:
    found = interrupts.parse(HEADER + row + b"\n 25:          1          2  IO-APIC   5-edge   a\n")
    assert [line.irq for line in found.lines] == [25]
    assert found.skipped == 1


def test_a_row_that_was_cut_off_is_stepped_over_and_counted() -> None:
    whole = HEADER + b" 25:          1          2  IO-APIC   5-edge      a\n"
    found = interrupts.parse(whole + b" 26:          1         2")
    assert [line.irq for line in found.lines] == [25]
    assert found.skipped == 1


def test_a_newline_in_a_name_costs_one_row_only() -> None:
    found = interrupts.parse(HEADER + b" 25:          1          2  IO-APIC   5-edge      a\nb\n")
    assert found.lines[0].actions == ("a",)
    assert found.skipped == 1


@pytest.mark.parametrize(
    "raw", [b"", b"\n", b"garbage\n", b"CPU0 CPUx\n", b"CPU0 CPU0\n", b"\0\xff"]
)
def test_without_a_header_it_is_no_such_file(raw: bytes) -> None:
    with pytest.raises(ParseError):
        interrupts.parse(raw)


def test_a_header_alone_is_a_host_without_interrupts() -> None:
    assert interrupts.parse(HEADER) == interrupts.Interrupts((), frozenset({0, 1}), 0)
