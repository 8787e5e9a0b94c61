"""The native probe over events that kernels made: exactly what the reference computes of them."""

from pathlib import Path

import pytest

from irqwatch.model.snapshot import Probe, Worst
from tests import events
from tests.events import Event
from tests.native.build import NotBuilt
from tests.native.harness import replay
from tests.oracle.compare import counted, has_buckets, worst_series, worsts
from tests.oracle.reference import Distribution, Reference, Series, Span, distribution, worst

RECORDED = sorted((Path(__file__).parents[2] / "fixtures" / "events").glob("*.events.gz"))


@pytest.fixture(scope="module", params=RECORDED, ids=lambda path: path.name.partition(".events")[0])
def recorded(request: pytest.FixtureRequest) -> list[Event]:
    return list(events.read(request.param))


@pytest.fixture(scope="module")
def reference(recorded: list[Event]) -> Reference:
    return Reference().feed(recorded)


@pytest.fixture(scope="module")
def probe(recorded: list[Event]) -> Probe:
    try:
        return replay(recorded, cpus=1 + max(event.cpu for event in recorded))
    except NotBuilt as error:
        pytest.skip(str(error))


def expected(series: Series, spans: list[Span]) -> Distribution:
    """As the probe keeps it: some series without a histogram."""
    whole = distribution([span.ns for span in spans])
    return whole if has_buckets(series) else whole._replace(buckets={})


def expected_worst(spans: list[Span]) -> Worst | None:
    found = worst(sorted(spans, key=lambda span: span.end.time_ns))
    if not found:
        return None
    end = found.end
    return Worst(found.ns, end.time_ns, end.cpu, end.pid, end.comm)


def test_counts_sums_and_buckets_are_equal(probe: Probe, reference: Reference) -> None:
    assert counted(probe) == {
        series: expected(series, spans) for series, spans in reference.series.items()
    }


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


def test_there_is_something_to_compare(reference: Reference) -> None:
    kinds = {str(series[0]) for series in reference.series}
    assert kinds >= {"softirq", "work"}
