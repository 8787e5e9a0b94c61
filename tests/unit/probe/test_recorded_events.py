"""The native probe over events that kernels made: exactly what the reference computes of them."""

import dataclasses
from pathlib import Path

import pytest

from irqwatch.derive.view import derive
from irqwatch.model.snapshot import SCHEMA, Host, Probe, Snapshot, Worst
from irqwatch.model.topology import Cpu, Topology
from tests import events
from tests.events import Event
from tests.native.build import NotBuilt
from tests.native.harness import replay
from tests.oracle.compare import counted, expected, worst_series, worsts
from tests.oracle.reference import NET_RX, Reference, Span, worst
from tests.unit.probe.sums import busy_ns, check_causes, up_to_a_quiet_moment

RECORDED = sorted((Path(__file__).parents[2] / "fixtures" / "events").glob("*.events.gz"))


@pytest.fixture(scope="module", params=RECORDED, ids=lambda path: path.name.partition(".events")[0])
def recorded(request: pytest.FixtureRequest) -> list[Event]:
    """But for calls of functions on other CPUs, which have a test of their own."""
    calls = ("csd_", "ipi_send_")
    return [event for event in events.read(request.param) if not event.name.startswith(calls)]


@pytest.fixture(scope="module")
def reference(recorded: list[Event]) -> Reference:
    return Reference().feed(recorded)


@pytest.fixture(scope="module")
def probe(recorded: list[Event]) -> Probe:
    try:
        return replay(recorded, cpus=1 + max(event.cpu for event in recorded))
    except NotBuilt as error:
        pytest.skip(str(error))


def expected_worst(spans: list[Span]) -> Worst | None:
    found = worst(sorted(spans, key=lambda span: span.end.time_ns))
    if not found:
        return None
    end = found.end
    return Worst(found.ns, end.time_ns, end.cpu, end.pid, end.comm)


def test_counts_sums_and_buckets_are_equal(probe: Probe, reference: Reference) -> None:
    assert counted(probe) == expected(reference.series)


def test_worst_events_are_the_same(probe: Probe, reference: Reference) -> None:
    longest = {
        series: expected_worst(spans) for series, spans in worst_series(reference.series).items()
    }
    assert worsts(probe) == {series: found for series, found in longest.items() if found}


def test_losses_are_equal(probe: Probe, reference: Reference) -> None:
    losses = {
        f"{collector}.{reason}": count
        for collector, reasons in probe.losses.items()
        for reason, count in reasons.items()
        if count
    }
    assert losses == dict(reference.losses)


def test_causes_add_up_to_the_whole(probe: Probe) -> None:
    check_causes(probe)


def test_interrupts_vectors_softirqs_and_the_rest_are_all_the_time(recorded: list[Event]) -> None:
    events = up_to_a_quiet_moment(recorded)
    cpus = range(1 + max(event.cpu for event in events))
    probe = replay(events, cpus=len(cpus))
    elapsed_ns = events[-1].time_ns
    topology = Topology({cpu: Cpu(number=cpu, online=True) for cpu in cpus})
    before = Snapshot(
        schema=SCHEMA, monotonic_ns=0, wall_ns=0, host=Host("here", "6.18", ""), topology=topology,
        probe=Probe(probe.collectors, probe.attached_ns),
    )  # fmt: skip
    after = dataclasses.replace(before, monotonic_ns=elapsed_ns, probe=probe)
    for view in derive(after, before).cpus:
        busy = busy_ns(events, view.cpu) / elapsed_ns
        assert view.hardirq is not None and view.softirq is not None
        assert view.vector is not None and view.rest is not None
        assert view.hardirq + view.vector + view.softirq == pytest.approx(busy, rel=1e-9)
        assert view.rest == pytest.approx(1 - busy, rel=1e-9)


def test_most_softirqs_of_timers_are_the_timers_doing() -> None:
    """One of the recordings has vectors: run_local_timers() raises TIMER in the local timer's."""
    (path,) = (path for path in RECORDED if "vectors" in path.name)
    recorded = list(events.read(path))
    probe = replay(recorded, cpus=1 + max(event.cpu for event in recorded))
    caused = sum(v.softirqs["TIMER"].count for v in probe.parts["vectors"] if "TIMER" in v.softirqs)
    assert caused > 0.9 * sum(s.run.count for s in probe.parts["softirqs"] if s.vector == "TIMER")
    lines = [part for part in probe.parts["hardirqs"] if "BLOCK" in part.softirqs]
    assert lines


def test_each_queue_of_a_network_card_is_its_own_lines() -> None:
    """One recording is of three virtio cards whose lines interrupt together: a line for what is
    received and one for what was sent each. Cards and their virtio devices have the same order."""
    (path,) = (path for path in RECORDED if "cards" in path.name)
    recorded = list(events.read(path))
    reference = Reference().feed(recorded)
    polled = {int(e.args[0]): str(e.args[1]) for e in recorded if e.name == "napi_poll"}
    queues = sorted((device, reference.line_of[napi]) for napi, device in polled.items() if device)
    names = [line.removesuffix(".0").partition("-") for _, (_, line) in queues]
    assert [device for device, _ in queues] == ["eth0", "eth0", "eth1", "eth1", "eth2", "eth2"]
    assert [kind for _, _, kind in names] == ["input", "output"] * 3
    assert [virtio for virtio, _, _ in names[::2]] == [virtio for virtio, _, _ in names[1::2]]
    assert len({virtio for virtio, _, _ in names}) == 3

    runs = sum(e.name == "softirq_entry" and e.args[0] == NET_RX for e in recorded)
    moved = sum(len(spans) for series, spans in reference.series.items() if series[-1] == "polled")
    assert moved > 500 and runs > 3000


def test_there_is_something_to_compare(reference: Reference) -> None:
    kinds = {str(series[0]) for series in reference.series}
    assert kinds >= {"softirq", "work"}
