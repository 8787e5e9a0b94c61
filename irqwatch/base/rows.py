"""What rows of /proc/interrupts are that count no line: totals of the machine, rows that count what
others count too, and rows that are no counts. The kernel marks none of these. Pure.

Of x86 (arch/x86/kernel/irq.c, arch_show_interrupts()) these are no interrupts of their own:

    PMI   a counter that overflows raises an NMI; x86_pmu_handle_irq() counts it again
    TLB   flush_tlb_func() counts what CAL has: it runs in the interrupt of a function call
    PMN   each of the posted MSIs that it hands out is counted by its line
    MIS   ioapic_ack_level(): an interrupt that its line has counted
    MCP   machine_check_poll(): within interrupts that LOC or THR count, or in a worker
    RTR   reads of a register that were tried again
    HYP   on Xen: an upcall, whose events are counted by their lines
    RES, CAL, IWI  on Xen: counted by handlers of lines (xen_reschedule_interrupt() and its like)

The others have a vector of their own, and stay: LOC, SPU, IWI, RES, CAL, TRM, THR, DFR, HRE, HVS,
PIN, NPI, PIW, and HYP of Hyper-V, KVM and ACRN. So do NMI and MCE: exceptions that no other row
has. On arm, arm64 and riscv IPI rows count lines that are not printed (IRQ_HIDDEN).
"""

import re
from collections.abc import Iterable

from irqwatch.model.doctor import kernel_version
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

# On powerpc rows of the labels NMI and PMI are other interrupts.
_X86_NMI = ("NMI", "Non-maskable interrupts")
_X86_PMI = "PMI"

_X86_CAL = ("CAL", "Function call interrupts")
_X86_TLB = ("TLB", "TLB shootdowns")
# Before, TLB had vectors of its own, or CAL was printed without it: 82ba4faca1bf.
_TLB_IS_IN_CAL = (4, 8)

# Of x86 alone.
_X86_AGAIN = frozenset(
    {
        ("PMN", "Posted MSI notification event"),
        ("MCP", "Machine check polls"),
        ("RTR", "APIC ICR read retries"),
    }
)

_HYP = ("HYP", "Hypervisor callback interrupts")
# Chips of drivers/xen/events/events_base.c: xen-dyn, xen-percpu, xen-pirq.
_XEN = "xen-"
# xen_smp_intr_init() in arch/x86/xen/smp.c names lines so, and their handlers count the rows.
_XEN_IPI = re.compile(r"(resched|callfunc|callfuncsingle|irqwork)\d+", re.ASCII)
_XEN_IPI_ROWS = {"resched": "RES", "callfunc": "CAL", "callfuncsingle": "CAL", "irqwork": "IWI"}

# The most bytes of a stack that were in use, arch_show_interrupts() in arch/parisc/kernel/irq.c.
_NO_COUNTS = frozenset({("STK", "Kernel stack usage"), ("IST", "Interrupt stack usage")})


def is_no_count(label: str, description: str) -> bool:
    """Whether the numbers of a row are no counts of anything."""
    return (label, description) in _NO_COUNTS


def counted_again(lines: Iterable[Line], kernel: str) -> frozenset[str]:
    """The labels of those rows that are no interrupts of their own, since other rows have these:
    with them a sum over all rows has some twice. ``kernel`` is its release, empty where it is not
    known; ``lines`` are all rows, also those that counted nothing."""
    lines = tuple(lines)
    rows = {(line.label, line.description) for line in lines if line.irq is None}
    again = {label for label, description in rows if label in _SUMS and not description}
    again |= {label for label, _ in rows & _X86_AGAIN}
    again |= {line.label for line in lines if line.label == "MIS" and line.total is not None}
    if _S390_MSI in rows:
        again.add(_S390_MSI[0])
    if _X86_NMI in rows:
        again |= {label for label, _ in rows if label == _X86_PMI}
    version = kernel_version(kernel)
    if rows >= {_X86_CAL, _X86_TLB} and (version is None or version >= _TLB_IS_IN_CAL):
        again.add(_X86_TLB[0])
    return frozenset(again | _counted_by_xen(lines, rows))


def _counted_by_xen(lines: Iterable[Line], rows: set[tuple[str, str]]) -> set[str]:
    of_xen = [line for line in lines if line.irq is not None and line.controller.startswith(_XEN)]
    if not of_xen:
        return set()
    ipis = (_XEN_IPI.fullmatch(action) for line in of_xen for action in line.actions)
    again = {_XEN_IPI_ROWS[match[1]] for match in ipis if match}
    if _HYP in rows:
        again.add(_HYP[0])
    return again & {label for label, _ in rows}


def described(line: Line) -> str:
    """What a row of the architecture's own counts, in the kernel's words where it has any."""
    if line.total is not None:
        return MACHINE_TOTALS.get(line.label, "")
    if line.label in _SUMS and not line.description:
        return f"all of the rows marked [{line.label}]"
    return line.description
