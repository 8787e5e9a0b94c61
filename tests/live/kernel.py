"""What the tests ask of the kernel without irqwatch: bpftool and /proc."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from irqwatch.base.counters import WRAP
from irqwatch.model.snapshot import SOFTIRQ_VECTORS
from tests.live.unseen import in_process_1

# Nothing takes as long where the machine is not overloaded.
LIMIT_SECONDS = 60


def wait_for(
    condition: Callable[[], object], what: str, limit_seconds: float = LIMIT_SECONDS
) -> None:
    """Until ``condition`` holds; fails after the limit."""
    deadline = time.monotonic() + limit_seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {limit_seconds} s in vain for {what}"
        time.sleep(0.02)


class Counts(NamedTuple):
    """How many events something saw, and how many the kernel counted meanwhile: at least and at
    most. These are equal unless somebody else makes events too. ``unseen`` are those over which
    the kernel called no BPF program."""

    least: int
    seen: int
    most: int
    unseen: int = 0

    @property
    def are_right(self) -> bool:
        return self.least - self.unseen <= self.seen <= self.most


class Kind(NamedTuple):
    """Events as tracefs has them: those of ``event`` of which the ``condition`` holds."""

    event: str  # "irq/softirq_entry"
    condition: str


def softirqs_of(vector: str) -> Kind:
    return Kind("irq/softirq_entry", f"vec == {SOFTIRQ_VECTORS.index(vector)}")


def interrupts_of(irq: int) -> Kind:
    return Kind("irq/irq_handler_entry", f"irq == {irq}")


def added(current: int, before: int) -> int:
    """Of one of the kernel's 32-bit counters, or of a sum of some of them: one of a few wraps in a
    test, if any does."""
    step = current - before
    return step if step >= 0 else step + WRAP


def counts_around(
    kernel: Callable[[], int], seen: Callable[[], int], make: Callable[[], object], of: Kind
) -> Counts:
    """Of a counter that grows and of the kernel's, which is read before and after it, around the
    events that ``make`` makes."""
    with in_process_1(*of) as unseen:
        outer, before, inner = kernel(), seen(), kernel()
        make()
        least, after = added(kernel(), inner), seen()
        return Counts(least, after - before, added(kernel(), outer), unseen())


def programs() -> set[int]:
    """Ids of irqwatch's programs in the kernel."""
    output = subprocess.run(
        ["bpftool", "-j", "prog", "show"], stdout=subprocess.PIPE, check=True
    ).stdout
    return {
        program["id"]
        for program in json.loads(output)
        if program.get("name", "").startswith("irqw_")
    }


def softirq_count(vector: str) -> int:
    """/proc/softirqs, all CPUs."""
    for line in Path("/proc/softirqs").read_text().splitlines():
        name, _, counts = line.partition(":")
        if name.strip() == vector:
            return sum(map(int, counts.split()))
    raise AssertionError(f"/proc/softirqs has no {vector}")


def interrupt_counts() -> dict[int, int]:
    """/proc/interrupts: all CPUs, by line."""
    lines = Path("/proc/interrupts").read_text(errors="replace").splitlines()
    cpus = len(lines[0].split())
    counts = {}
    for line in lines[1:]:
        label, _, rest = line.partition(":")
        if label.strip().isdigit():
            counts[int(label)] = sum(map(int, rest.split()[:cpus]))
    return counts


def vector_counts() -> dict[str, int]:
    """/proc/interrupts: all CPUs, by the rows of the architecture's own."""
    lines = Path("/proc/interrupts").read_text(errors="replace").splitlines()
    cpus = len(lines[0].split())
    rows = (line.partition(":") for line in lines[1:])
    return {
        label.strip(): sum(map(int, rest.split()[:cpus]))
        for label, _, rest in rows
        if not label.strip().isdigit()
    }
