"""What holds of any two snapshots."""

import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from irqwatch.base import counters
from irqwatch.base.measures import longest_ns, quantile_ns
from irqwatch.collectors.softirq import SoftirqTime
from irqwatch.derive.view import derive
from irqwatch.model.histogram import Histogram, merge
from irqwatch.model.snapshot import Line, Snapshot, Worst
from irqwatch.model.topology import Cpu, Topology
from tests import hosts
from tests.probes import a_probe

DURATIONS_NS = st.lists(st.integers(30, 64 * 10**9), min_size=1, max_size=200)
PERCENTS = st.integers(1, 100)


def exact_ns(values: list[int], percent: int) -> int:
    """The nearest-rank quantile."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


@given(DURATIONS_NS, PERCENTS, st.booleans())
def test_quantiles_are_within_an_eighth(values: list[int], percent: int, knows_worst: bool) -> None:
    histogram = hosts.histogram(*values)
    worst = Worst(max(values), 0, 0, 0, "") if knows_worst else None
    found = quantile_ns(histogram, percent, longest_ns(histogram, worst))
    assert found is not None
    assert abs(found - exact_ns(values, percent)) <= exact_ns(values, percent) / 10
    assert not knows_worst or found <= max(values)


COUNTS = st.dictionaries(st.integers(0, 3), st.integers(1, 2**32 - 1))


@given(COUNTS, COUNTS)
def test_steps_are_never_negative(now: dict[int, int], before: dict[int, int]) -> None:
    steps = counters.cpu_counts(now, before, frozenset(range(4)), hosts.SECOND)
    assert steps is None or all(step > 0 for step in steps.values())


BUCKETS = st.dictionaries(st.integers(0, 125), st.integers(1, 1000), max_size=6)
HISTOGRAMS = st.builds(Histogram, BUCKETS, st.integers(0, 10**9))


@given(HISTOGRAMS, HISTOGRAMS)
def test_histograms_subtract_to_what_was_added(before: Histogram, added: Histogram) -> None:
    after = merge([before, added])
    if added.buckets:
        assert counters.histogram(after, before) == added
    assert counters.histogram(before, before) == Histogram()


@st.composite
def three_in_a_row(draw: st.DrawFn) -> list[Snapshot]:
    """Snapshots a second apart whose counters grow as drawn, over the wrap too."""
    counts = {cpu: draw(st.integers(0, 2**32 - 1)) for cpu in range(2)}
    run = Histogram()
    made = []
    for tick in range(3):
        made.append(
            Snapshot(
                1,
                (1 + tick) * hosts.SECOND,
                0,
                hosts.HOST,
                hosts.topology(2),
                lines=(Line("30", 30, {c: n for c, n in counts.items() if n}, actions=("eth0",)),),
                probe=a_probe(
                    frozenset({"softirq"}), 0, softirqs=(SoftirqTime("RCU", 0, run=run),)
                ),
            )
        )
        counts = {c: (n + draw(st.integers(0, 10**6))) % 2**32 for c, n in counts.items()}
        run = merge([run, draw(HISTOGRAMS)])
    return made


def total(now: Snapshot, before: Snapshot) -> dict[tuple[str, str], int]:
    return {(source.kind, source.name): source.count for source in derive(now, before).sources}


@given(three_in_a_row())
def test_the_parts_of_an_interval_add_up(snapshots: list[Snapshot]) -> None:
    first, middle, last = snapshots
    whole, early, late = total(last, first), total(middle, first), total(last, middle)
    both = {name: early.get(name, 0) + late.get(name, 0) for name in {**early, **late}}
    assert whole == both


@given(three_in_a_row())
def test_nothing_happened_between_a_snapshot_and_itself(snapshots: list[Snapshot]) -> None:
    for snapshot in snapshots:
        view = derive(snapshot, snapshot)
        assert (view.sources, view.losses, view.coverage) == ((), {}, None)


CPU_SETS = st.frozensets(st.integers(0, 5), min_size=1)


@given(CPU_SETS, CPU_SETS, CPU_SETS, CPU_SETS, CPU_SETS)
def test_a_cpu_that_comes_or_goes_makes_its_own_interval_unknown_and_nothing_else(
    before: frozenset[int],
    after: frozenset[int],
    soft_before: frozenset[int],
    soft_after: frozenset[int],
    in_sysfs: frozenset[int],
) -> None:
    """Whichever file has it at which end, and whatever sysfs says."""

    def reading(tick: int, lines: frozenset[int], softirqs: frozenset[int]) -> Snapshot:
        return replace(
            hosts.empty(tick),
            topology=Topology({cpu: Cpu(cpu, cpu in in_sysfs) for cpu in range(6)}),
            lines=(
                Line("24", 24, dict.fromkeys(lines, 10 * tick), actions=("eth0",)),
                Line("LOC", None, dict.fromkeys(lines, 100 * tick)),
            ),
            line_cpus=lines,
            softirq_counts={"NET_RX": dict.fromkeys(softirqs, 1000 * tick)},
            softirq_cpus=softirqs,
        )

    view = derive(reading(2, after, soft_after), reading(1, before, soft_before))
    counted = {
        one.name: {cpu: part.count for cpu, part in one.cpus.items()} for one in view.sources
    }
    assert counted == {
        name: dict.fromkeys(cpus, step)
        for name, cpus, step in (
            ("eth0", before & after, 10),
            ("LOC", before & after, 100),
            ("NET_RX", soft_before & soft_after, 1000),
        )
        if cpus
    }
    unknown = sorted((before ^ after) | (soft_before ^ soft_after))
    told = ", ".join(f"CPU {cpu}" for cpu in unknown)
    reasons = [lack.reason for lack in view.unavailable if lack.part == "counts"]
    assert reasons == ([f"not known of this interval: {told}"] if unknown else [])
