"""/proc/interrupts (kernel/irq/proc.c, show_interrupts; each architecture's arch_show_interrupts).

A line of hardware is ``irq: counts controller [hwirq] [trigger] [actions]``, where controller and
actions may hold spaces and hwirq and trigger may be missing. Seen in the wild:

    36:  0  67953 PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0           x86
    16:  5      0   xen-dyn    -event     eth0-q0-tx                          Xen: no hwirq
    11:  9      3     GICv3  27 Level     arch_timer                          arm, powerpc, riscv
     5:  7      7  RISC-V INTC   5 Edge      riscv-timer                      a space in the name
     7:  1      0      MIPS   7  timer                                        no trigger
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from irqwatch.base.text import clean
from irqwatch.errors import ParseError
from irqwatch.model.snapshot import Line
from irqwatch.parse.cpu_columns import nonzero_counts, parse_header
from irqwatch.parse.numbers import decimal
from irqwatch.parse.rows import complete_rows

# What follows the counts of a line. The controller is the shortest text that is followed by one of
# the forms above, tried in their order.
_ORIGIN = re.compile(
    rb"""
    (?P<controller>\S.*?)
    (?:
        \ +(?P<leveled>\d+)\ (?P<level>Level|Edge)(?!\S)\ *(?:-\S+)?
      | \ +(?P<named>\d*)-(?P<name>\S+)
      | \ +(?P<bare>\d+)(?!\S)(?!\ *\d+(?:\ Level|\ Edge|-))
      | (?=\ \ )
      | \ *$
    )
    (?P<actions>.*)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Interrupts:
    """The lines in the file's order, the CPUs that they have counts of, and how many rows were
    stepped over: cut off, garbled, or printed while a CPU came or went, so that their counts cannot
    be told apart."""

    lines: tuple[Line, ...]
    cpus: frozenset[int]
    skipped: int


def parse(raw: bytes) -> Interrupts:
    """The whole file; raises ParseError where there is no header, as in a file that is empty."""
    rows, cut = complete_rows(raw)
    cpus = parse_header(rows[0] if rows else cut)
    lines = []
    skipped = 1 if cut else 0
    for row in rows[1:]:
        try:
            lines.append(parse_row(row, cpus))
        except ParseError:
            skipped += 1
    return Interrupts(tuple(lines), frozenset(cpus), skipped)


def parse_row(row: bytes, cpus: Sequence[int]) -> Line:
    """One row after the header; raises ParseError."""
    label, colon, values = row.partition(b":")
    label = label.strip()
    if not colon or not label:
        raise ParseError("a row has no label")
    fields = values.split(None, len(cpus))
    if label.isdigit():
        return _parse_line(label, fields, cpus)
    return _parse_architecture_row(clean(label), fields, cpus)


def _parse_line(label: bytes, fields: list[bytes], cpus: Sequence[int]) -> Line:
    line = Line(label.decode(), decimal(label), nonzero_counts(fields[: len(cpus)], cpus))
    match = _ORIGIN.match(_after_counts(fields, cpus))
    if not match:
        return line
    hwirq = match["leveled"] or match["named"] or match["bare"] or b""
    return replace(
        line,
        controller=clean(match["controller"]),
        hwirq=hwirq.decode(),
        trigger=clean((match["level"] or b"").lower() or match["name"] or b""),
        actions=_split_actions(match["actions"]),
    )


def _split_actions(raw: bytes) -> tuple[str, ...]:
    """The drivers that share the line: ``uhci_hcd:usb3, i801_smbus``."""
    names = (name.strip() for name in raw.split(b", "))
    return tuple(clean(name) for name in names if name)


def _parse_architecture_row(label: str, fields: list[bytes], cpus: Sequence[int]) -> Line:
    if label == "FIQ" and fields and not fields[0].isdigit():
        # arch/arm/kernel/fiq.c, show_fiq_list: the name of its handler, no counts.
        return Line(label, None, {}, description=clean(b" ".join(fields)))
    if len(fields) == 1:
        # x86 ERR and MIS, arm Err, powerpc BAD: one number for the machine.
        return Line(label, None, {}, total=decimal(fields[0]))
    counts = nonzero_counts(fields[: len(cpus)], cpus)
    return Line(label, None, counts, description=clean(_after_counts(fields, cpus)))


def _after_counts(fields: list[bytes], cpus: Sequence[int]) -> bytes:
    """The text after the counts; raises ParseError if there are more counts than CPUs."""
    if len(fields) <= len(cpus):
        return b""
    rest = fields[len(cpus)].rstrip()
    if rest.split(None, 1)[0].isdigit():
        raise ParseError("a row has more counts than there are CPUs")
    return rest
