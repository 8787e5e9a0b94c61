"""What was counted between two snapshots, in the snapshots' own types."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from irqwatch.model.snapshot import CpuCounts, Line, Probe


@dataclass(frozen=True, slots=True)
class Interval:
    """A ``Line`` here holds the counts of the interval, or the machine's ``total`` of it, ``probe``
    the events of the interval.

    ``lines`` and ``softirqs`` are the kernel's counts, on the CPUs of which both readings of their
    file had a column (``line_cpus``, ``softirq_cpus``); a row whose counter was reset is absent,
    and so is one that counted nothing; ``unknown_lines`` are the numbers of the lines among the
    first, ``unknown_rows`` the labels of other rows, and the softirqs, of both files,
    ``unknown_cpus`` those that only one reading of a file had a column of. ``probe`` is
    None where the same probe did not run at both ends. ``devices`` are what lines' devices are
    called, by interrupt number; ``cgroups`` paths by id; ``counted_again`` are the labels of rows
    that are no interrupts of their own (``base/rows.py``).
    """

    ns: int
    line_cpus: frozenset[int]
    softirq_cpus: frozenset[int]
    lines: tuple[Line, ...]
    softirqs: Mapping[str, CpuCounts]
    probe: Probe | None
    unknown_lines: frozenset[int] = frozenset()
    unknown_rows: frozenset[str] = frozenset()
    unknown_cpus: frozenset[int] = frozenset()
    devices: Mapping[int, str] = field(default_factory=dict)
    cgroups: Mapping[int, str] = field(default_factory=dict)
    counted_again: frozenset[str] = frozenset()
