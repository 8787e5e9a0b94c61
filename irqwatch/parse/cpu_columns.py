"""Tables with a column a CPU: /proc/interrupts and /proc/softirqs."""

from collections.abc import Sequence

from irqwatch.errors import ParseError
from irqwatch.model.topology import NR_CPUS
from irqwatch.parse.numbers import decimal


def parse_header(row: bytes) -> tuple[int, ...]:
    """CPU numbers of ``CPU0 CPU2``, in the order of the columns; raises ParseError.

    The columns of /proc/interrupts are the CPUs online (kernel/irq/proc.c, show_interrupts), so a
    column's index is not a CPU number.
    """
    names = row.split(None, NR_CPUS)
    if len(names) > NR_CPUS:
        raise ParseError(f"the first row names more than {NR_CPUS:,} CPUs")
    if not names or not all(name.startswith(b"CPU") for name in names):
        raise ParseError("the first row does not name CPUs")
    cpus = tuple(decimal(name[3:]) for name in names)
    if len(set(cpus)) < len(cpus):
        raise ParseError("the first row names a CPU twice")
    return cpus


def nonzero_counts(fields: list[bytes], cpus: Sequence[int]) -> dict[int, int]:
    """CPU → count of one row, zeros left out; raises ParseError if a field is not a number.

    On a large host nearly all fields are zeros, so they are told apart before any is converted.
    """
    if len(fields) != len(cpus) or not b"".join(fields).isdigit():
        raise ParseError("a row does not have one count for each CPU")
    pairs = zip(cpus, fields, strict=True)
    return {cpu: decimal(field) for cpu, field in pairs if field != b"0"}
