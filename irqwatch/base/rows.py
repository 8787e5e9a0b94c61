"""What rows of /proc/interrupts are that count no line: totals of the machine, rows that count what
others count too, and rows that are no counts. The kernel marks none of these. Pure."""

from collections.abc import Iterable

from irqwatch.model.snapshot import Line

# One number for the whole machine, with nothing behind it. On a host of one CPU it looks like that
# CPU's count, so there the label alone tells.
MACHINE_TOTALS = {
    # arch_show_interrupts() of x86, mips, loongarch, sh, alpha, m68k (arch/*/kernel/irq.c): most
    # count vectors that are of no line; x86 errors of the APIC too.
    "ERR": "interrupts that were not expected, and errors",
    "Err": "interrupts that were not expected",  # of arm, c6x
    "MIS": "level interrupts that an IO-APIC took for edges",  # x86, eoi_ioapic_pin()
    "BAD": "interrupts of no line",  # powerpc before 4e14a4d17a8c, which made it SPU of each CPU
}

# Sums of the rows whose description starts with the label in brackets: irqclass_main_desc in
# arch/s390/kernel/irq.c, whose comment says so.
_SUMS = frozenset({"EXT", "I/O", "AIO"})

# Each is counted by its line too: zpci_handle_cpu_local_irq(), arch/s390/pci/pci_irq.c.
_S390_MSI = ("MSI", "[AIO] MSI Interrupt")

# A performance counter that overflows raises an NMI on x86, and x86_pmu_handle_irq()
# (arch/x86/events/core.c) counts it again. On powerpc rows of these labels are other interrupts.
_X86_NMI = ("NMI", "Non-maskable interrupts")
_X86_PMI = "PMI"

# The most bytes of a stack that were in use, arch_show_interrupts() in arch/parisc/kernel/irq.c.
_NO_COUNTS = frozenset({("STK", "Kernel stack usage"), ("IST", "Interrupt stack usage")})


def is_no_count(label: str, description: str) -> bool:
    """Whether the numbers of a row are no counts of anything."""
    return (label, description) in _NO_COUNTS


def counted_again(lines: Iterable[Line]) -> frozenset[str]:
    """The labels of those rows that count interrupts which other rows have: with them a sum over
    all rows has some twice."""
    rows = [(line.label, line.description) for line in lines if line.irq is None]
    again = {label for label, description in rows if label in _SUMS and not description}
    if _S390_MSI in rows:
        again.add(_S390_MSI[0])
    if _X86_NMI in rows:
        again |= {label for label, _ in rows if label == _X86_PMI}
    return frozenset(again)


def described(line: Line) -> str:
    """What a row of the architecture's own counts, in the kernel's words where it has any."""
    if line.total is not None:
        return MACHINE_TOTALS.get(line.label, "")
    if line.label in _SUMS and not line.description:
        return f"all of the rows marked [{line.label}]"
    return line.description
