"""What was counted between two snapshots, in the snapshots' own types."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from irqwatch.model.snapshot import CpuCounts, Line, Probe


@dataclass(frozen=True, slots=True)
class Interval:
    """A ``Line`` here holds the counts of the interval, ``probe`` the events of the interval.

    ``lines`` and ``softirqs`` are the kernel's counts, on the CPUs of which both readings of their
    file had a column (``line_cpus``, ``softirq_cpus``); what went backwards is absent, and so is a
    line that counted nothing; ``unknown_lines`` are those of which it is not known. ``probe`` is
    None where the same probe did not run at both ends. ``devices`` are what lines' devices are
    called, by interrupt number; ``cgroups`` paths by id.
    """

    ns: int
    line_cpus: frozenset[int]
    softirq_cpus: frozenset[int]
    lines: tuple[Line, ...]
    softirqs: Mapping[str, CpuCounts]
    probe: Probe | None
    unknown_lines: frozenset[int] = frozenset()
    devices: Mapping[int, str] = field(default_factory=dict)
    cgroups: Mapping[int, str] = field(default_factory=dict)
