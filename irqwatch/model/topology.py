"""What the machine is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

# The most that any architecture allows (arch/x86/Kconfig: NR_CPUS_RANGE_END with CPUMASK_OFFSTACK).
NR_CPUS = 8192


@dataclass(frozen=True, slots=True)
class Cpu:
    """One possible CPU. Ids are the kernel's own; ``None`` is what the kernel does not say
    (an offline CPU has no topology folder)."""

    number: int
    online: bool
    package: int | None = None
    core: int | None = None
    node: int | None = None
    siblings: frozenset[int] = frozenset()  # hardware threads of its core, itself included


@dataclass(frozen=True, slots=True)
class Topology:
    """CPUs by number, and the sets the kernel keeps of them."""

    cpus: Mapping[int, Cpu] = field(default_factory=dict)
    isolated: frozenset[int] = frozenset()
    nohz_full: frozenset[int] = frozenset()
    node_distances: Mapping[int, tuple[int, ...]] = field(default_factory=dict)  # node → row

    @property
    def online(self) -> tuple[int, ...]:
        return tuple(number for number, cpu in sorted(self.cpus.items()) if cpu.online)

    @property
    def possible(self) -> tuple[int, ...]:
        return tuple(sorted(self.cpus))
