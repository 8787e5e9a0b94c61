"""Whatever the events are: nothing is lost without being counted, and what the kernel can do is
counted as the reference of tests/oracle counts it. With the sanitizers where they are to be had."""

from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from irqwatch.collectors.vector import X86
from irqwatch.model.histogram import OVERFLOW, Histogram, lower_edge_ns
from irqwatch.model.snapshot import Probe
from tests.events import Event
from tests.native.build import compilers
from tests.native.harness import Native, replay
from tests.native.sequence import (
    IDLE,
    IDLE_1,
    KSOFTIRQD,
    NIC,
    SHELL,
    USB,
    Item,
    Task,
    activate,
    end,
    ipi_entry,
    ipi_exit,
    irq_entry,
    irq_exit,
    napi_poll,
    queue,
    soft_entry,
    soft_exit,
    soft_raise,
    start,
    vector_entry,
    vector_exit,
)
from tests.oracle.compare import counted, expected, worst_series, worsts
from tests.oracle.reference import Reference, worst
from tests.probes import shared_losses
from tests.unit.probe.sums import check_causes

pytestmark = pytest.mark.skipif(not compilers(), reason="there is no C compiler here")

CPUS = 2
ITEMS = tuple(
    Item(0xC0000 + 0x1000 * n, f"function_{n // 2}", 0xB0000 + 0x1000 * (n % 3), f"q{n % 2}")
    for n in range(4)
)
TASKS = (IDLE, IDLE_1, SHELL, KSOFTIRQD, Task(2, 9, "ksoftirqd/2"))

LIMITED = ("hardirqs", "works_waiting", "works_running", "works", "work_cpus", "work_causes")

limited = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def one_event(draw: st.DrawFn, tasks: tuple[Task, ...] = TASKS) -> Event:
    """At time 0. Each work item runs on a thread of its own."""
    on = draw(st.sampled_from(tasks))
    line = draw(st.sampled_from((NIC, USB)))
    own = draw(st.sampled_from(("local_timer", "reschedule")))
    vector = draw(st.sampled_from((1, 3, 9, 10)))
    item = draw(st.sampled_from(ITEMS))
    napi = draw(st.integers(0, 2))
    work = draw(st.sampled_from((0, 1, 64)))
    budget = draw(st.sampled_from((0, 64)))
    thread = Task(on.cpu, 800 + ITEMS.index(item), "kworker")
    return draw(
        st.sampled_from(
            (
                irq_entry(0, line, on),
                irq_exit(0, line, on, ret=draw(st.integers(0, 2))),
                vector_entry(0, own, on),
                vector_exit(0, own, on),
                ipi_entry(0, on=on),
                ipi_exit(0, on=on),
                soft_raise(0, vector, on),
                soft_entry(0, vector, on),
                soft_exit(0, vector, on),
                napi_poll(
                    f"eth{napi}" if napi else "", work, budget, on, napi=0xF1000 + 4096 * napi
                ),
                queue(0, item, on),
                activate(0, item, on),
                start(0, item, thread),
                end(0, item, thread),
            )
        )
    )


def at(event: Event, time_ns: int) -> Event:
    rest = (event.cpu, event.pid, event.comm, event.name, event.args, event.is_kthread)
    return Event(time_ns, *rest)


steps = st.one_of(st.integers(0, 100), st.integers(0, 1 << 20), st.integers(0, 1 << 37))


@st.composite
def receiving(draw: st.DrawFn) -> Event:
    """Two lines' queues and the backlog on one CPU. At time 0."""
    line = draw(st.sampled_from((NIC, USB)))
    napi = draw(st.integers(0, 2))
    work = draw(st.sampled_from((0, 1, 1, 1, 64)))
    raised = soft_raise(0, 3)
    run = (soft_entry(0, 3), soft_exit(0, 3))
    poll = napi_poll(f"eth{napi}" if napi else "", work, napi=0xF1000 + 4096 * napi)
    return draw(st.sampled_from((irq_entry(0, line), irq_exit(0, line), raised, *run, poll)))


@st.composite
def sequence(draw: st.DrawFn, one: st.SearchStrategy[Event]) -> list[Event]:
    drawn = draw(st.lists(st.tuples(one, steps), max_size=60))
    now_ns = 1
    out = []
    for event, step in drawn:
        now_ns += step
        out.append(at(event, now_ns))
    return out


@limited
@given(st.one_of(sequence(one_event(TASKS[:4])), sequence(receiving())))
def test_as_the_reference_counts(events: list[Event]) -> None:
    probe = replay(events, CPUS)
    reference = Reference().feed(events)
    wanted, found = expected(reference.series), counted(probe)
    for series in wanted.keys() | found.keys():
        if series[-1] == "stall":  # what comes between queueing and activation is not the kernel's
            continue
        assert found.get(series) == wanted.get(series), series
    losses = {f"{c}.{r}": n for c, reasons in probe.losses.items() for r, n in reasons.items() if n}
    assert losses == dict(reference.losses)
    longest = {key: worst(spans) for key, spans in worst_series(reference.series).items()}
    assert {key: found.ns for key, found in worsts(probe).items()} == {
        key: span.ns for key, span in longest.items() if span
    }
    check_causes(probe)


@limited
@given(
    st.lists(
        st.tuples(
            one_event(), st.integers(-1000, 1 << 20), st.integers(0, 8), st.lists(one_event())
        ),
        max_size=30,
    ),
    st.integers(0, 3),
)
def test_each_event_is_counted_once(
    drawn: list[tuple[Event, int, int, list[Event]]], limit: int
) -> None:
    """Any events at any time, within each other, with next to no room, from a CPU too many."""
    with Native(CPUS) as native:
        for name in LIMITED:
            native.limit(name, limit)
        now_ns = 1 << 20
        for event, step, call, inner in drawn:
            now_ns = max(1, now_ns + step)
            native.fire(at(event, now_ns), [(call, at(other, now_ns)) for other in inner[:8]])
        check(native.read(), {name: runs for name, (_, runs) in native.maps.programs().items()})


def check(probe: Probe, ran: dict[str, int]) -> None:
    lost = {
        (collector, reason): probe.losses[collector][reason]
        for collector, reason in shared_losses()
    }
    assert ran["irq_handler_exit"] == sum(
        (h.handled.count + h.not_mine_count for h in probe.parts["hardirqs"]),
        lost["hardirq", "exit_without_entry"] + lost["hardirq", "map_full"],
    )
    assert ran["softirq_entry"] == sum(
        (s.latency.count for s in probe.parts["softirqs"]),
        lost["softirq", "entry_without_raise"] + lost["softirq", "unknown_entry"],
    )
    assert ran["softirq_exit"] == sum(
        (s.run.count for s in probe.parts["softirqs"]), lost["softirq", "exit_without_entry"]
    )
    assert ran["workqueue_execute_end"] == sum(
        (w.run.count for w in probe.parts["works"]),
        lost["work", "end_without_start"] + lost["work", "end_map_full"],
    )
    for softirq in probe.parts["softirqs"]:
        assert softirq.ksoftirqd_count <= softirq.run.count
        assert softirq.ksoftirqd_ns <= softirq.run.sum_ns
    for work in probe.parts["works"]:
        assert sum(part.count for part in work.cpus.values()) == work.run.count
        assert sum(part.ns for part in work.cpus.values()) == work.run.sum_ns
    vectors = [name for name in ran if name.removesuffix("_exit") in X86 or name == "ipi_exit"]
    assert sum(ran[name] for name in vectors) == sum(
        (v.run.count for v in probe.parts["vectors"]),
        lost["vector", "exit_without_entry"] + lost["vector", "map_full"],
    )
    check_causes(probe)
    for histogram in histograms(probe):
        check_sum(histogram)


def histograms(probe: Probe) -> Iterable[Histogram]:
    yield from (h.handled for h in probe.parts["hardirqs"])
    yield from (v.run for v in probe.parts["vectors"])
    yield from (s.latency for s in probe.parts["softirqs"])
    yield from (s.run for s in probe.parts["softirqs"])
    yield from (w.latency for w in probe.parts["works"])
    yield from (w.run for w in probe.parts["works"])


def check_sum(histogram: Histogram) -> None:
    """The exact sum lies between what the buckets' edges make possible."""
    least = sum(n * lower_edge_ns(bucket) for bucket, n in histogram.buckets.items())
    assert histogram.sum_ns >= least
    if OVERFLOW not in histogram.buckets:
        most = sum(n * (lower_edge_ns(b + 1) - 1) for b, n in histogram.buckets.items())
        assert histogram.sum_ns <= most
