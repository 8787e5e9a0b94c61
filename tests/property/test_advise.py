"""What holds of every plan, whatever the host."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irqwatch.advise.plan import GOALS, Wanted, make_plan
from irqwatch.model.plan import CannotTell, Improves
from irqwatch.sink.advise import words
from irqwatch.sink.advise.document import to_json
from irqwatch.sink.advise.report import ReportLook, to_text
from tests.advising import Busy, Machine

CPUS = 4

LOADS = st.sampled_from((0.0, 0.0005, 0.004, 0.05, 0.2, 0.6))


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    lines = []
    for number in range(draw(st.integers(0, 6))):
        line = Busy(
            30 + number,
            draw(st.integers(0, CPUS - 1)),
            device=draw(st.sampled_from(("eth0", "nvme0"))),
            kind=draw(st.sampled_from(("net", "nvme", "pci", ""))),
            queue=draw(st.none() | st.integers(0, 3)),
            node=draw(st.none() | st.integers(0, 1)),
            writable=draw(st.booleans()),
            read=draw(st.booleans()),
            rate=draw(st.sampled_from((0.0, 10.0, 30_000.0))),
            loads=draw(st.tuples(LOADS, LOADS)),
        )
        lines.append(replace(line, action=f"{line.device}-TxRx-{number}"))
    return Machine(
        tuple(lines),
        cpus=CPUS,
        nodes=draw(st.sampled_from((1, 2))),
        threads_per_core=draw(st.sampled_from((1, 2))),
        isolated=frozenset(draw(st.sets(st.integers(0, CPUS - 1)))),
        softirq={cpu: draw(LOADS) for cpu in range(CPUS)},
        user={cpu: draw(LOADS) for cpu in range(CPUS)},
        timed=draw(st.booleans()),
        windows=2,
    )


@given(machines(), st.sampled_from(GOALS))
def test_what_holds_of_every_plan(machine: Machine, goal: str) -> None:
    plan = make_plan(machine.measured(), Wanted(goal))
    fixed = {line.irq for line in machine.lines if not (line.writable and line.read)}
    usable = {load.cpu for load in plan.loads if load.eligible}
    moved = [move.line.irq for move in plan.moves]

    assert len(moved) == len(set(moved)) and not fixed & set(moved)
    assert all(move.to <= usable and move.to != move.effective for move in plan.moves)
    assert not {one.line.irq for one in plan.immovable} & set(moved)
    assert plan.change == bool(plan.moves)
    verdict = words.verdict(plan)
    assert (plan.verdict == Improves()) == plan.change
    is_hidden = isinstance(plan.verdict, CannotTell)
    assert is_hidden == (not machine.lines)
    assert verdict.startswith("change nothing: ") == (not plan.change and not is_hidden)
    if plan.lower_bound is None or plan.busiest_planned is None:
        assert is_hidden
    else:
        assert plan.lower_bound <= plan.busiest_planned + 1e-9 or plan.gap == 0
    # Load goes from CPU to CPU and is neither made nor lost.
    now, planned = (sum(getattr(load, of) for load in plan.loads) for of in ("now", "planned"))
    assert planned == pytest.approx(now)
    # It is for people and scripts whatever it holds.
    assert json.loads(to_json(plan))["change"] == plan.change
    assert verdict.split(":")[0] in to_text(plan, ReportLook(110))


@given(machines())
def test_what_moved_stays(machine: Machine) -> None:
    """Asked again once the plan is in force, it asks for nothing more."""
    plan = make_plan(machine.measured(), Wanted())
    to = {move.line.irq: min(move.to) for move in plan.moves}
    lines = tuple(replace(line, cpu=to.get(line.irq, line.cpu)) for line in machine.lines)
    assert not make_plan(replace(machine, lines=lines).measured(), Wanted()).moves
