"""Writing the masks of a plan, coldest line first, so that a surprise costs least."""

import errno
from collections.abc import Callable, Mapping

from irqwatch.affinity.access import WriteMask
from irqwatch.model.applied import Refusal, Written
from irqwatch.model.plan import Move, Plan, PlannedLine
from irqwatch.model.topology import Topology

# Told of each value before it is written; where it raises nothing is.
Intend = Callable[[PlannedLine, frozenset[int]], None]


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
    refused = None
    for cpus in (move.to, *spares):
        intend(move.line, cpus)
        try:
            write(move.line.irq, cpus)
        except OSError as error:
            refused = refusal(error)
            if error.errno != errno.ENOSPC:
                break
        else:
            return Written(move, cpus, refused)
    return Written(move, None, refused)


def refusal(error: OSError) -> Refusal:
    """Of a mask by the kernel."""
    return Refusal(error.errno or 0, error.strerror or str(error))


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
