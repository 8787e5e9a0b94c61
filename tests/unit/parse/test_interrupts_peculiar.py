"""Rows as architectures and drivers print them that none of the fixtures has, each with where the
form is from. A file here is what that source would print, on two CPUs."""

from typing import NamedTuple

import pytest

from irqwatch.model.snapshot import Line
from irqwatch.parse import interrupts

Origin = tuple[str, str, str, tuple[str, ...]]  # controller, hwirq, trigger, actions


class Peculiar(NamedTuple):
    rows: bytes
    lines: dict[int, Origin]
    others: tuple[Line, ...] = ()


PECULIAR = {
    # drivers/pci/controller/pci-hyperv.c, hv_msi_irq_chip: spaces and a dash in the name, and the
    # PCI domain above bit 27 of the hwirq; as posted to linux-hyperv on 2024-03-13.
    "Hyper-V, a hwirq of 42 bits": Peculiar(
        b" 25:          1        103  Hyper-V PCIe MSI 4138200989697-edge      mana_q0\n",
        {25: ("Hyper-V PCIe MSI", "4138200989697", "edge", ("mana_q0",))},
    ),
    # The same device on 4.4 to 5.x, where show_interrupts() prints "%*d" of (int) hwirq: domain
    # 0x7870 leaves bit 31 set.
    "Hyper-V, the same as an int": Peculiar(
        b" 25:          1        103  Hyper-V PCIe MSI -2147483647-edge      mana_q0\n",
        {25: ("Hyper-V PCIe MSI", "-2147483647", "edge", ("mana_q0",))},
    ),
    # Xen before 3.19, drivers/xen/events.c: handlers called "virq", "ipi", "event", "msi-x", joined
    # to the chip (mikaku/Monitorix issue 77 has such a file).
    "Xen without hwirqs": Peculiar(
        b" 16:  837307248          0  xen-percpu-virq      timer0\n"
        b" 17:       1744          0  xen-percpu-ipi       spinlock0\n"
        b" 18:         12          3  xen-pirq-msi-x     eth0-rx-1\n"
        b" 19:         12          3   xen-dyn-event     vif1.0\n",
        {
            16: ("xen-percpu", "", "virq", ("timer0",)),
            17: ("xen-percpu", "", "ipi", ("spinlock0",)),
            18: ("xen-pirq", "", "msi-x", ("eth0-rx-1",)),
            19: ("xen-dyn", "", "event", ("vif1.0",)),
        },
    ),
    # Xen from 7.1: kernel/irq/proc.c, irq_seq_show(): the chip at the left, blanks for the hwirq.
    "Xen of 7.1": Peculiar(
        b"  16:          5          0  xen-dyn           -event     eth0-q0-tx\n",
        {16: ("xen-dyn", "", "event", ("eth0-q0-tx",))},
    ),
    # arch/powerpc/kernel/irq.c before 2.6.39: " %s ", "Level " or "Edge  ", "    %s"; the names of
    # chips are padded by the platform (arch/powerpc/platforms/*/: " OpenPIC  ", " MPIC 1   ").
    "powerpc before 2.6.39": Peculiar(
        b" 16:       1234         17    OpenPIC  Level     eth0\n"
        b" 17:          9          0   MPIC 1    Edge      ide0, ide1\n"
        b" 18:          9          0   None      Edge      lonely\n"
        b"BAD:          3\n",
        {
            16: ("OpenPIC", "", "level", ("eth0",)),
            17: ("MPIC 1", "", "edge", ("ide0", "ide1")),
            18: ("None", "", "edge", ("lonely",)),
        },
        (Line("BAD", None, {}, total=3),),
    ),
    # arch/alpha/kernel/irq.c before 2.6.39: " %14s", "  %c%s": "+" where IRQF_DISABLED.
    "alpha before 2.6.39": Peculiar(
        b"  1:        120          0          XT-PIC  +keyboard\n"
        b"  5:         44          2            SRM   eth0, +eth1\n"
        b"IPI:      12345      12346 \nERR:          0\n",
        {
            1: ("XT-PIC", "", "", ("keyboard",)),
            5: ("SRM", "", "", ("eth0", "eth1")),
        },
        (Line("IPI", None, {0: 12345, 1: 12346}), Line("ERR", None, {}, total=0)),
    ),
    # arch/sparc/kernel/irq_32.c before 2.6.39: no chip at all, " %c %s" and ",%s %s".
    "sparc32 before 2.6.39": Peculiar(
        b" 10:       8812          0  + timer, + audio\n",
        {10: ("", "", "", ("timer", "audio"))},
    ),
    # arch/sparc/kernel/irq_64.c: a handler called "IVEC"; until 3.8 it is joined to the chip.
    "sparc64": Peculiar(
        b" 14:        990       1002       sun4v-IVEC      mpt0\n"
        b" 15:          0          4       sun4v     -IVEC      ehci_hcd:usb1\n"
        b"NMI:         10         20   Non-maskable interrupts\n",
        {
            14: ("sun4v", "", "IVEC", ("mpt0",)),
            15: ("sun4v", "", "IVEC", ("ehci_hcd:usb1",)),
        },
        (Line("NMI", None, {0: 10, 1: 20}, description="Non-maskable interrupts"),),
    ),
    # arch/parisc/kernel/irq.c, arch_show_interrupts with CONFIG_DEBUG_STACKOVERFLOW and IRQSTACKS:
    # sizes of stacks among the counts.
    "parisc": Peculiar(
        b" 64:     998877     998866       CPU   0  timer\n"
        b"STK:       3520       2976   Kernel stack usage\n"
        b"IST:       1200       1312   Interrupt stack usage\n"
        b"UAH:          0          2   Unaligned access handler traps\n",
        {64: ("CPU", "0", "", ("timer",))},
        (
            Line("STK", None, {}, description="Kernel stack usage"),
            Line("IST", None, {}, description="Interrupt stack usage"),
            Line("UAH", None, {1: 2}, description="Unaligned access handler traps"),
        ),
    ),
    # arch/loongarch/kernel/smp.c, show_ipi_list: the chip and number of an IPI among its words, and
    # a count without a space after the label since 6.15.
    "loongarch": Peculiar(
        b"IPI0:      4096      77001 LoongArch  1  Rescheduling interrupts\n"
        b" ERR:          0\n",
        {},
        (
            Line(
                "IPI0", None, {0: 4096, 1: 77001},
                description="LoongArch  1  Rescheduling interrupts",
            ),
            Line("ERR", None, {}, total=0),
        ),
    ),
    # arch/s390/kernel/irq.c, show_msi_interrupt: no hwirq and no handler's name.
    "s390, PCI": Peculiar(
        b"EXT:      30468      30511 \n"
        b"  8:         17          0   PCI-MSI  mlx5_comp0@pci:0001:00:00.0\n"
        b"CLK:       2936       2800   [EXT] Clock Comparator\n",
        {8: ("PCI-MSI", "", "", ("mlx5_comp0@pci:0001:00:00.0",))},
        (
            Line("EXT", None, {0: 30468, 1: 30511}),
            Line("CLK", None, {0: 2936, 1: 2800}, description="[EXT] Clock Comparator"),
        ),
    ),
    # drivers/bus/moxtet.c, moxtet_irq_print_chip: "%s.%i#%i" in place of a chip's name.
    "a chip's own way of printing": Peculiar(
        b" 80:          1          0   moxtet-usb3.1#2   3 Edge      cfg\n",
        {80: ("moxtet-usb3.1#2", "3", "edge", ("cfg",))},
    ),
    # drivers/pinctrl/nomadik and gpio-nomadik.c, nmk_gpio_irq_print_chip: "nmk%u-%u-%u"; and a
    # gpio-mcp23s08 that has printed dev_name() right after the counts, with no space of its own.
    "chips called after numbers": Peculiar(
        b" 91:          4          0 nmk1-32-63  17 Edge      button\n"
        b" 92:          4          0 1-0020   3 Edge      1-0053\n",
        {
            91: ("nmk1-32-63", "17", "edge", ("button",)),
            92: ("1-0020", "3", "edge", ("1-0053",)),
        },
    ),
    # Red Hat's 2.6.32 on x86: "-%-8s" joined to the chip, as arch/x86/kernel/irq.c had it.
    "x86 of 2.6.32": Peculiar(
        b"  0:        148          0   IO-APIC-edge      timer\n"
        b" 16:         17          3   IO-APIC-fasteoi   uhci_hcd:usb3, ehci_hcd:usb1\n"
        b" 59:          0          7   IR-PCI-MSI-edge      eth0-TxRx-3\n"
        b"  2:          0          0    XT-PIC-XT-PIC    cascade\n"
        b" 24:          0          0   HPET_MSI-edge      hpet2\n",
        {
            0: ("IO-APIC", "", "edge", ("timer",)),
            16: ("IO-APIC", "", "fasteoi", ("uhci_hcd:usb3", "ehci_hcd:usb1")),
            59: ("IR-PCI-MSI", "", "edge", ("eth0-TxRx-3",)),
            2: ("XT-PIC", "", "XT-PIC", ("cascade",)),
            24: ("HPET_MSI", "", "edge", ("hpet2",)),
        },
    ),
    # 2.4 and 2.6.16 on x86 and ia64: the trigger is a part of the controller's typename.
    "2.6.16": Peculiar(
        b" 20:    8157355          0   IO-APIC-level  megaraid\n"
        b" 12:          7          3    IO-APIC-edge  PS/2 Mouse\n"
        b" 51:          7          3  IO-SAPIC-level  cciss0\n"
        b"NMI:          5          6 \nLOC:    7177418    7177305 \n"
        b"ERR:          0\nMIS:          2\n",
        {
            20: ("IO-APIC", "", "level", ("megaraid",)),
            12: ("IO-APIC", "", "edge", ("PS/2 Mouse",)),
            51: ("IO-SAPIC", "", "level", ("cciss0",)),
        },
        (
            Line("NMI", None, {0: 5, 1: 6}),
            Line("LOC", None, {0: 7177418, 1: 7177305}),
            Line("ERR", None, {}, total=0),
            Line("MIS", None, {}, total=2),
        ),
    ),
    # arch/arm/kernel/irq.c of 3.4 (no hwirq, no level), a Qualcomm telephone; and 3.10, which has
    # the hwirq.
    "arm of 3.4 and 3.10": Peculiar(
        b"105:        784          0   msmgpio  3-0024\n"
        b"106:        784          0   msmgpio   62  3-0024\n"
        b" 34:        784          0       GIC  34  msm_serial_hs\n",
        {
            105: ("msmgpio", "", "", ("3-0024",)),
            106: ("msmgpio", "62", "", ("3-0024",)),
            34: ("GIC", "34", "", ("msm_serial_hs",)),
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PECULIAR)
def test_peculiar_rows(name: str) -> None:
    peculiar = PECULIAR[name]
    found = interrupts.parse(b"           CPU0       CPU1       \n" + peculiar.rows)
    assert found.skipped == 0
    assert {
        line.irq: (line.controller, line.hwirq, line.trigger, line.actions)
        for line in found.lines
        if line.irq is not None
    } == peculiar.lines
    assert tuple(line for line in found.lines if line.irq is None) == peculiar.others


def test_what_is_left_to_a_rule() -> None:
    """One word alone: sparc32 means the action, all others the chip."""
    (line,) = interrupts.parse(b"           CPU0       \n 10:       8812    timer\n").lines
    assert (line.controller, line.actions) == ("timer", ())
