"""Writing the masks of a plan, coldest line first, so that a surprise costs least."""

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from irqwatch.cells import cpu_list
from irqwatch.model.plan import Line, Move, Plan
from irqwatch.model.topology import Topology
from irqwatch.sink.affinity.files import WriteMask

# What the kernel means (kernel/irq/proc.c, write_irq_affinity; of one write or of its close).
REFUSALS = {
    errno.EPERM: "immovable: the kernel manages it",
    errno.EIO: "immovable: the kernel manages it",  # before Linux 6.12
    errno.EINVAL: "those CPUs are offline",
    errno.ERANGE: "this kernel has no such CPUs",
    errno.ENOENT: "the line is gone",
}

# Told of each value before it is written; where it raises nothing is.
Intend = Callable[[Line, frozenset[int]], None]


@dataclass(frozen=True, slots=True)
class Written:
    """What came of a move. ``cpus`` is the mask that was accepted, None where it was left as it
    was; ``why`` is not empty where that is not what was planned."""

    move: Move
    cpus: frozenset[int] | None
    why: str = ""


def write_moves(
    plan: Plan, topology: Topology, write: WriteMask, intend: Intend
) -> tuple[Written, ...]:
    """In the order in which they were written. A CPU whose interrupt vectors are used up (ENOSPC)
    is replaced by the next best one. Raises nothing of its own."""
    loads = {load.cpu: load.planned for load in plan.loads}
    done = []
    for move in sorted(plan.moves, key=lambda move: (move.load, move.line.irq)):
        written = _write_move(move, _spares(plan, move, loads, topology), write, intend)
        loads = shifted(loads, written)
        done.append(written)
    return tuple(done)


def predicted(plan: Plan, written: tuple[Written, ...]) -> dict[int, float]:
    """The load of each CPU by the plan, with what was not written as planned where it is."""
    loads = {load.cpu: load.planned for load in plan.loads}
    for one in written:
        loads = shifted(loads, one)
    return loads


def shifted(loads: Mapping[int, float], written: Written) -> dict[int, float]:
    """``loads`` with the line's moved from where it was planned to where it was written."""
    move = written.move
    now = move.effective if written.cpus is None else written.cpus
    changed = dict(loads)
    for cpus, load in ((move.to, -move.load), (now, move.load)):
        for cpu in cpus:
            changed[cpu] = changed.get(cpu, 0.0) + load / len(cpus)
    return changed


def _write_move(
    move: Move, spares: list[frozenset[int]], write: WriteMask, intend: Intend
) -> Written:
    for cpus in (move.to, *spares):
        intend(move.line, cpus)
        try:
            write(move.line.irq, cpus)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                return Written(move, None, refusal(error))
        else:
            full = "" if cpus == move.to else f"CPU {cpu_list(move.to)} has no vector left"
            return Written(move, cpus, full)
    return Written(move, None, "no CPU that would do has an interrupt vector left")


def refusal(error: OSError) -> str:
    """Why the kernel refused a mask."""
    number = error.errno or 0
    return REFUSALS.get(number) or f"refused: {os.strerror(number)}"


def _spares(
    plan: Plan, move: Move, loads: Mapping[int, float], topology: Topology
) -> list[frozenset[int]]:
    """Other CPUs, best first: those of the same node, then the least loaded; none on which it would
    be as bad as it was."""
    busiest = max((load.now for load in plan.loads), default=0.0)
    nodes = {cpu.number: cpu.node for cpu in topology.cpus.values()}
    wanted = {nodes.get(cpu) for cpu in move.to}
    found = [
        load.cpu
        for load in plan.loads
        if load.eligible
        and load.cpu not in move.to | move.effective
        and loads[load.cpu] + move.load < busiest
    ]
    found.sort(key=lambda cpu: (nodes.get(cpu) not in wanted, loads[cpu], cpu))
    return [frozenset({cpu}) for cpu in found]
