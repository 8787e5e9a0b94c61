"""/proc/interrupts: rows of lines (kernel/irq/proc.c, show_interrupts) and of the architecture's
own interrupts (its arch_show_interrupts).

A row of a line is ``irq: counts CHIP [hwirq] [Level|Edge] [oob] [-name]  [actions]``. Any part but
the first may be missing, and a chip's name may hold spaces and digits. Who prints what:

    since 2.6.39        " %8s" chip, [level], ["-%-8s" name], ["  %s" actions]
    later               " %*d" hwirq after the chip where its domain has one, as wide as the first
                        column; later still, blanks of that width where there is none
    7.x, irq_seq_show   the chip stands at the left of its column, not at the right
    [level] is          " %-8s" of "Level" or "Edge", with CONFIG_GENERIC_IRQ_SHOW_LEVEL: arm since
                        4.3, arm64, powerpc, riscv, arc; not x86, mips, s390
    Dovetail            " %-3s" of "oob" or "" after the level (CONFIG_IRQ_PIPELINE)
    s390                " %8s" chip, "  %s" action (show_msi_interrupt)
    until 2.6.38, each architecture in its own way:
      x86, sh, ia64     " %14s" chip with the name joined to it: "IO-APIC-edge", "PCI-MSI-edge"
      powerpc           " %s " chip, "Level" or "Edge", "    %s" action
      arm, mips, avr32  " %10s" or so of the chip, "  %s" action
      alpha             the same, "+" before the name of an action that runs with interrupts off
      sparc32           no chip: " %c %s", of "+" or " " and the action

So a gap, which is two spaces or more, is before the actions, and inside what is before them only
in front of a number, "Level", "Edge", "oob" or "-name". Where a text can be read in two ways:

  - A number before a gap is the hwirq. Of two, as in "MPIC 1     16  uart", the second is; and
    before a level, from which only one space parts a hwirq, it belongs to the chip.
  - "5-NAME" is the hwirq 5 with the name of its flow handler. It is an action if nothing follows
    and NAME is neither padded to eight columns, as the kernel does it, nor one of the usual names:
    clients on I2C are called "1-0053" (drivers/i2c/i2c-core-base.c, i2c_dev_set_name).
  - A chip and a name are joined only where the name is a usual one, or the chip is Xen's.
  - One word alone is the chip; sparc32 prints the action so where it has no "+".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from irqwatch.base.rows import MACHINE_TOTALS, is_no_count
from irqwatch.base.text import clean
from irqwatch.errors import ParseError
from irqwatch.model.snapshot import Line
from irqwatch.parse.cpu_columns import nonzero_counts, parse_header
from irqwatch.parse.numbers import MOST_DIGITS, decimal
from irqwatch.parse.rows import complete_rows

# Words with single spaces between them.
_CHIP = rb"(?P<controller>\S+?(?:\ \S+?)*?)"
_ACTIONS = rb"(?:\ {2,}(?P<actions>\S.*)|\ *)"

# Kernels that print it by "%*d" cut it to an int, so that it can be negative: Hyper-V's holds the
# number of a PCI domain above bit 27.
_HWIRQ = rb"(?P<hwirq>-?\d{1,%d})" % MOST_DIGITS

# The part before the actions, in the order in which they are tried; each must match the whole.
_FORMS = tuple(
    re.compile(form, re.VERBOSE | re.DOTALL)
    for form in (
        _CHIP + rb"(?:\ +" + _HWIRQ + rb"(?=\ \S))?\ +(?P<level>Level|Edge)"
        rb"(?:(?<=Level)\ {4}oob|(?<=Edge)\ {5}oob)?(?:\ *-\S+)?" + _ACTIONS,
        _CHIP + rb"\ +" + _HWIRQ + rb"(?:\ oob|\ {4})?-(?P<name>\S+)(?P<pad>\ *)" + _ACTIONS,
        _CHIP + rb"\ +-(?P<name>(?!\d+(?:\ |$))\S+)(?P<pad>\ *)" + _ACTIONS,
        _CHIP + rb"\ +" + _HWIRQ + rb"(?:\ oob)?(?!\ \ +-?\d+(?:\ oob)?(?:\ \ |\ *$))" + _ACTIONS,
        _CHIP + _ACTIONS,
    )
)

# Joined to the chip's name: the usual flow handlers' names, and all that Xen has ("virq", "msi-x").
_JOINED = re.compile(
    rb"(xen-(?:dyn|percpu|pirq))-(\S+)|(.+?)-(edge|level|fasteoi|XT-PIC|IVEC)", re.DOTALL
)

_USUAL_NAMES = frozenset({b"edge", b"level", b"fasteoi"})
_NAME_COLUMNS = 8


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
    said = 0
    for row in rows[1:]:
        label, fields = _split(row, cpus)
        said += sum(map(len, fields[len(cpus) :]))
        if said > _MOST_TEXT:
            raise ParseError(f"its rows say more than {_MOST_TEXT >> 20} MB beside their counts")
        try:
            lines.append(_parse_row(label, fields, cpus))
        except ParseError:
            skipped += 1
    return Interrupts(tuple(lines), frozenset(cpus), skipped)


def _split(row: bytes, cpus: Sequence[int]) -> tuple[bytes, list[bytes]]:
    """The label, empty where there is none, and the counts with all that follows as the last."""
    label, colon, values = row.partition(b":")
    return (label.strip(), values.split(None, len(cpus))) if colon else (b"", [])


def _parse_row(label: bytes, fields: list[bytes], cpus: Sequence[int]) -> Line:
    """One row after the header; raises ParseError."""
    if not label:
        raise ParseError("a row has no label")
    if label.isdigit():
        return _parse_line(label, fields, cpus)
    return _parse_architecture_row(clean(label), fields, cpus)


def _parse_line(label: bytes, fields: list[bytes], cpus: Sequence[int]) -> Line:
    irq, counts = decimal(label), nonzero_counts(fields[: len(cpus)], cpus)
    text = _after_counts(fields, cpus)
    origin = _known_origin(text) if len(text) <= _LONGEST_KNOWN else _origin(text)
    return Line(label.decode(), irq, counts, *origin)


def _origin(text: bytes) -> tuple[str, str, str, tuple[str, ...]]:
    """Controller, hwirq, trigger and actions; empty where they are not printed."""
    if text.startswith(b"+ "):  # sparc32
        return "", "", "", _split_actions(text)
    parts = _parts(text)
    if parts is None:
        return "", "", "", ()
    controller, name = _separated(parts)
    return (
        clean(controller),
        (parts.get("hwirq") or b"").decode(),
        clean((parts.get("level") or b"").lower() or name),
        _split_actions(parts["actions"] or b""),
    )


# A line says the same of itself at each reading.
_known_origin = lru_cache(8192)(_origin)
_LONGEST_KNOWN = 512

# A page; names of thirty actions that share a line are 600 bytes.
_LONGEST_TEXT = 4096

# Of all rows: 128 bytes each where there are as many as there may be. It is what takes the time.
_MOST_TEXT = 8 << 20


def _parts(text: bytes) -> dict[str, bytes] | None:
    """By the first of the forms that the text has."""
    # A text without either word would be searched from end to end for the first form in vain.
    has_level = b"Level" in text or b"Edge" in text
    for form in _FORMS if has_level else _FORMS[1:]:
        if match := form.fullmatch(text):
            parts = match.groupdict()
            if "pad" not in parts or _is_flow_handler(parts):
                return parts
    return None


def _separated(parts: dict[str, bytes]) -> tuple[bytes, bytes]:
    """The chip and the flow handler's name, empty where there is none."""
    controller, name = parts["controller"], parts.get("name") or b""
    is_bare = parts.keys() == {"controller", "actions"}
    joined = _JOINED.fullmatch(controller) if is_bare else None
    return (joined[1] or joined[3], joined[2] or joined[4]) if joined else (controller, name)


def _is_flow_handler(parts: dict[str, bytes]) -> bool:
    """Whether what stands behind the dash is the name of one, and not a part of an action's."""
    name = parts["name"]
    is_padded = len(name) + len(parts["pad"]) >= _NAME_COLUMNS
    return bool(parts["actions"]) or is_padded or name in _USUAL_NAMES


def _split_actions(raw: bytes) -> tuple[str, ...]:
    """The drivers that share the line: ``uhci_hcd:usb3, i801_smbus``."""
    names = (name.lstrip(b"+ ").rstrip() for name in raw.split(b", "))
    return tuple(clean(name) for name in names if name)


def _parse_architecture_row(label: str, fields: list[bytes], cpus: Sequence[int]) -> Line:
    if label == "FIQ" and fields and not fields[0].isdigit():
        # arch/arm/kernel/fiq.c, show_fiq_list: the name of its handler, no counts.
        return Line(label, None, {}, description=clean(b" ".join(fields)))
    if len(fields) == 1 and (len(cpus) > 1 or label in MACHINE_TOTALS):
        return Line(label, None, {}, total=decimal(fields[0]))
    counts = nonzero_counts(fields[: len(cpus)], cpus)
    description = clean(_after_counts(fields, cpus).rstrip())
    return Line(
        label, None, {} if is_no_count(label, description) else counts, description=description
    )


def _after_counts(fields: list[bytes], cpus: Sequence[int]) -> bytes:
    """The text after the counts; raises ParseError if there are more counts than CPUs."""
    if len(fields) <= len(cpus):
        return b""
    rest = fields[len(cpus)]
    if len(rest) > _LONGEST_TEXT:
        raise ParseError("a row is longer than any of a kernel's")
    if rest.split(None, 1)[0].isdigit():
        raise ParseError("a row has more counts than there are CPUs")
    return rest
