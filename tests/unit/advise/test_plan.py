"""Windows → Plan: what is weighed, what moves, what stays, and when nothing should change."""

import json
from dataclasses import replace

import pytest

from irqwatch.advise import thresholds
from irqwatch.advise.plan import Wanted, check, make_plan
from irqwatch.advise.thresholds import DEFAULTS, THRESHOLDS
from irqwatch.collectors.hardirq import HardirqSource
from irqwatch.errors import IrqwatchError, UsageError
from irqwatch.model.plan import (
    Busier,
    CannotTell,
    GainIsNoise,
    Improves,
    NodeFull,
    NoneBetter,
    NothingCounts,
    NothingMovable,
    OtherNode,
    Outside,
    Plan,
    Stays,
    Verdict,
)
from irqwatch.model.snapshot import SCHEMA, CpuTimes, Snapshot, Thread, Unavailable
from irqwatch.model.view import Caused, CpuPart
from irqwatch.sink.advise.document import to_json
from irqwatch.sink.advise.report import ReportLook, to_text
from tests.advising import HOST, Busy, Machine, crowded, timer

THREE = tuple(
    Busy(30 + n, 0, load, "dev", f"dev{n}", "pci") for n, load in enumerate((0.4, 0.2, 0.1))
)


def plan_of(machine: Machine, **wanted: object) -> Plan:
    return make_plan(machine.measured(), Wanted(**wanted))  # type: ignore[arg-type]


def to_of(plan: Plan) -> dict[int, set[int]]:
    return {move.line.irq: set(move.to) for move in plan.moves}


def test_a_crowded_cpu_is_relieved_with_the_fewest_moves() -> None:
    plan = plan_of(crowded())
    assert plan.busiest_now == pytest.approx(0.8) and plan.busiest_planned == pytest.approx(0.2)
    assert len(plan.moves) == 3 and plan.exact and plan.gap == pytest.approx(0, abs=1e-9)
    assert [load.now for load in plan.loads] == pytest.approx([0.8, 0, 0, 0])
    assert [load.planned for load in plan.loads] == pytest.approx([0.2] * 4)
    assert plan.verdict == Improves()
    assert plan.moves[0].reason == Busier(pytest.approx(0.8), 0.0)


def test_a_line_weighs_what_it_causes_too() -> None:
    windows = Machine((Busy(30, 0, 0.2), Busy(31, 0, 0.2))).measured()
    plan = make_plan(windows, Wanted())
    assert [move.load for move in plan.moves] == pytest.approx([0.2])  # half of it is NET_RX's


def test_work_that_ran_elsewhere_stays_there() -> None:
    (window,) = Machine((Busy(30, 0, 0.2), Busy(31, 0, 0.2)), windows=1).measured()
    work = Caused("work", "f", 1, 0.5, {0: CpuPart(1, 0.1), 3: CpuPart(1, 0.4)})
    first, *others = window.view.sources
    view = replace(window.view, sources=(replace(first, caused=(*first.caused, work)), *others))
    plan = make_plan([replace(window, view=view)], Wanted())
    assert plan.loads[0].now == pytest.approx(0.5) and plan.loads[3].now == 0
    assert to_of(plan).keys() <= {30, 31} and plan.busiest_planned == pytest.approx(0.3)


def test_softirqs_that_no_line_caused_stay() -> None:
    plan = plan_of(Machine(THREE, cpus=2, softirq={1: 0.35}))
    assert plan.loads[1].now == pytest.approx(0.35)
    assert to_of(plan) in ({31: {1}}, {32: {1}}, {31: {1}, 32: {1}})
    assert plan.busiest_planned == pytest.approx(0.55)


def test_a_gain_within_the_spread_is_none() -> None:
    lines = (
        Busy(30, 0, loads=(0.02, 0.4, 0.02), queue=0),
        Busy(31, 0, loads=(0.4, 0.02, 0.02), queue=1),
        Busy(32, 0, loads=(0.02, 0.02, 0.5), queue=2),
    )
    steady = tuple(replace(line, loads=(), load=sum(line.loads) / 3) for line in lines)
    assert plan_of(Machine(steady)).change
    # The gain is 0.3 of a CPU in both.
    noisy = plan_of(Machine(lines), thresholds={**DEFAULTS, "gain_spreads": 6})
    assert noisy.spread > 0 and not noisy.change
    assert noisy.verdict == GainIsNoise(pytest.approx(6 * noisy.spread))


def test_a_gain_that_nobody_feels_is_none() -> None:
    small = Machine(tuple(Busy(30 + n, 0, 0.004) for n in range(2)))
    assert not plan_of(small).change
    assert plan_of(small, thresholds={**DEFAULTS, "min_gain": 0.001}).change


@pytest.mark.parametrize(
    "machine, why",
    [
        (Machine((Busy(30, 0, 0.0001),)), NothingCounts(0.001)),
        (Machine(), CannotTell("none is listed")),
        (Machine((Busy(30, 0, rate=10.0),), timed=False), NothingCounts(20)),
        (Machine(tuple(replace(line, writable=False) for line in THREE)), NothingMovable()),
        (Machine(THREE[:1]), GainIsNoise(0.01)),
    ],
)
def test_change_nothing_says_why(machine: Machine, why: Verdict) -> None:
    plan = plan_of(machine)
    assert not plan.moves and plan.verdict == why


def test_a_bound_that_is_out_of_reach_is_no_gain() -> None:
    """Of plans as good within epsilon the one that moves nothing is taken."""
    plan = plan_of(crowded(), thresholds={**DEFAULTS, "epsilon": 9})
    assert not plan.moves and plan.verdict == NoneBetter()


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"writable": False}, Stays.MANAGED),
        ({"read": False}, Stays.NOT_READ),
        ({"kind": "nvme", "queue": 1, "device": "nvme0"}, Stays.LIKELY_MANAGED),
        ({"effective": frozenset()}, Stays.NOT_PLACED),
    ],
)
def test_what_cannot_be_moved_says_why(change: dict[str, object], reason: Stays) -> None:
    fixed = replace(THREE[0], **change)  # type: ignore[arg-type]
    machine = Machine((fixed, *THREE[1:]), host=replace(HOST, kernel="6.8.0-31-generic"))
    plan = plan_of(machine)
    assert [(one.line.irq, one.reason) for one in plan.immovable] == [(30, reason)]
    assert to_of(plan).keys() == {31, 32}


def test_a_line_whose_cpu_is_not_known_stays() -> None:
    plan = plan_of(Machine((replace(THREE[0], cpu=3), *THREE[1:]), offline=frozenset({3})))
    assert [(one.line.irq, one.reason) for one in plan.immovable] == [(30, Stays.CPU_UNKNOWN)]


def test_what_stays_counts_on_each_cpu_as_it_was_measured() -> None:
    clock = Busy(11, 0, 0.1, "arch_timer", "", "", effective=frozenset())
    there = HardirqSource(
        kind="hardirq",
        name="arch_timer",
        count=9,
        seconds=0.3,
        rate=9.0,
        cpus={1: CpuPart(9, 0.3)},
        irq=11,
    )
    plan = plan_of(Machine((clock, Busy(30, 2, 0.2)), extra=(there,)))
    assert [round(load.now, 6) for load in plan.loads] == [0.1, 0.3, 0.2, 0.0]
    assert plan.busiest_now == pytest.approx(0.3) and plan.exact
    assert not plan.moves and [one.line.irq for one in plan.immovable] == [11]


def test_only_the_wanted_device_moves() -> None:
    plan = plan_of(Machine(THREE), devices=frozenset({"dev1"}))
    assert to_of(plan).keys() == {31}
    assert not plan.immovable
    assert [(one.line.irq, one.reason) for one in plan.left_out] == [
        (30, Stays.OTHER_DEVICE),
        (32, Stays.OTHER_DEVICE),
    ]
    assert "Left out by --device: 2 interrupts of other devices (50.0%)" in to_text(
        plan, ReportLook(110)
    )
    assert [one["irq"] for one in json.loads(to_json(plan))["left_out"]] == [30, 32]


def test_only_the_wanted_cpus_are_used() -> None:
    plan = plan_of(crowded(), cpus=frozenset({2, 3}))
    assert set().union(*to_of(plan).values()) == {2, 3} and len(plan.moves) == 4
    assert plan.moves[0].reason == Outside(frozenset({0}), "unwanted")
    assert [load.eligible for load in plan.loads] == [False, False, True, True]


def test_isolated_cpus_are_left_alone_unless_asked_for() -> None:
    machine = crowded(isolated=frozenset({0, 3}))
    plan = plan_of(machine)
    assert set().union(*to_of(plan).values()) == {1, 2} and len(plan.moves) == 4
    assert plan.moves[0].reason == Outside(frozenset({0}), "reserved")
    asked = plan_of(machine, cpus=frozenset({0, 1, 2, 3}))
    assert asked.busiest_planned == pytest.approx(0.2)


def test_latency_keeps_away_from_busy_cpus() -> None:
    """CPU 1 is empty of interrupts, and full of tasks."""
    machine = Machine(THREE[:2], cpus=3, user={1: 0.9})
    assert not {1} & set().union(*to_of(plan_of(machine, goal="latency")).values())


def test_latency_avoids_cpus_with_late_timers() -> None:
    on_it = replace(THREE[2], cpu=1)
    machine = Machine((*THREE[:2], on_it), cpus=3, extra=(timer(1, 900_000),))
    plan = plan_of(machine, goal="latency")
    reasons = {move.line.irq: move.reason for move in plan.moves}
    assert reasons[on_it.irq] == Outside(frozenset({1}), "late-timers")
    assert [load.eligible for load in plan.loads] == [True, False, True]
    once = machine.measured()
    views = [replace(window.view, sources=window.view.sources[:-1]) for window in once]
    mostly = [once[0], *(replace(w, view=v) for w, v in zip(once[1:], views[1:], strict=True))]
    assert all(load.eligible for load in make_plan(mostly, Wanted("latency")).loads)


def test_power_packs_up_to_the_cap() -> None:
    spread = Machine(tuple(Busy(30 + n, n, 0.1) for n in range(4)))
    plan = plan_of(spread, goal="power")
    assert [load.planned for load in plan.loads] == pytest.approx([0.2, 0.2, 0, 0])
    assert plan.moves[0].reason == Outside(frozenset({2}), "can-sleep")
    assert not plan_of(spread).change


def test_without_times_it_counts_and_says_so() -> None:
    plan = plan_of(crowded(timed=False))
    assert plan.weighed_by == "count" and plan.busiest_now == pytest.approx(4000)
    assert plan.busiest_planned == pytest.approx(1000)
    assert plan.moves[0].reason == Busier(4000.0, 0.0)


def test_node_of_the_device_is_preferred_and_not_sacred() -> None:
    lines = tuple(Busy(30 + n, 3, 0.3, f"eth0-TxRx-{n}", queue=n, node=0) for n in range(2))
    plan = plan_of(Machine(lines, nodes=2))
    assert to_of(plan) == {30: {0}, 31: {1}}
    assert plan.moves[0].reason == OtherNode(0)


def test_a_full_node_sends_a_line_to_another() -> None:
    lines = tuple(Busy(30 + n, 0, 0.3, f"eth0-TxRx-{n}", queue=n, node=0) for n in range(2))
    plan = plan_of(Machine(lines, cpus=2, nodes=2))
    assert to_of(plan) == {31: {1}} and plan.moves[0].reason == NodeFull(0)


def test_the_plan_carries_what_an_undo_needs() -> None:
    requested = frozenset({0, 1})
    machine = crowded(lines=tuple(replace(line, asked=requested) for line in crowded().lines))
    move = plan_of(machine).moves[0]
    assert move.requested == requested and move.effective == {0}
    assert move.line.hwirq == str(move.line.irq) and move.line.actions[0].startswith("eth0-TxRx-")


@pytest.mark.parametrize(
    "wanted, error",
    [
        ({"cpus": frozenset({7})}, "--cpus 7: none of these is online"),
        ({"devices": frozenset({"eth9"})}, "--device eth9: no interrupt is of such a device"),
    ],
)
def test_what_is_not_there_is_an_error(wanted: dict[str, object], error: str) -> None:
    with pytest.raises(UsageError, match=error):
        plan_of(crowded(), **wanted)


def test_a_device_of_which_lines_may_be_hidden_is_not_said_to_have_none() -> None:
    lack = Unavailable("interrupts", "1 garbled row left out")
    now = replace(crowded().measured()[-1].after, unavailable=(lack,))
    check(now, Wanted(devices=frozenset({"eth0"})))
    with pytest.raises(IrqwatchError, match="not all interrupts can be listed: 1 garbled") as error:
        check(now, Wanted(devices=frozenset({"eth9"})))
    assert not isinstance(error.value, UsageError)


def test_what_was_lacking_is_told_once() -> None:
    lack = Unavailable("probe", "not root")
    windows = [
        replace(window, view=replace(window.view, unavailable=(lack,)))
        for window in crowded(timed=False).measured()
    ]
    assert make_plan(windows, Wanted()).unavailable == (lack,)


def test_thresholds_are_named_and_checked() -> None:
    assert len({one.name for one in THRESHOLDS}) == len(THRESHOLDS)
    assert thresholds.chosen(["min_gain=0.5"]) == {**DEFAULTS, "min_gain": 0.5}
    for wrong in ("min_gain", "no_such=1", "min_gain=x", "min_gain=nan", "min_gain=-1"):
        with pytest.raises(UsageError, match=f"--set {wrong}"):
            thresholds.chosen([wrong])


def test_the_same_each_time() -> None:
    assert plan_of(crowded()) == plan_of(crowded())


def test_a_host_of_which_nothing_is_known() -> None:
    (window,) = Machine(windows=1).measured()
    bare = Snapshot(SCHEMA, 1, 1, HOST, cpu_times={0: CpuTimes(*[0] * 8)})
    bare = replace(bare, threads=(Thread(1, "ksoftirqd/0", "ksoftirqd", 0, 0),))
    view = replace(window.view, cpus=(), sources=())
    plan = make_plan([replace(window, before=bare, after=bare, view=view)], Wanted())
    assert not plan.change and not plan.loads
