"""Native histograms on a real Prometheus: each value in its own bucket, nothing put into others."""

from pathlib import Path

import pytest

from irqwatch.base.measures import quantile_ns
from irqwatch.model.histogram import Histogram
from tests.e2e.prometheus import MISSING, exporting, host, prometheus

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

RULES = Path(__file__).resolve().parents[2] / "deploy" / "prometheus-rules.yml"
LATENCY = 'irqwatch_softirq_latency_seconds{vector="NET_RX"}'
BUCKET = 2**0.25  # its upper edge over its lower one


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prometheus")
    native = "--enable-feature=native-histograms"
    with exporting() as target, prometheus(folder, target, RULES, native) as running:
        yield running


def value(server, expression):
    (series,) = server.series(expression)
    return float(series["value"][1])


def latencies():
    """Those of the exported host, whose turns all have the same distribution."""
    found = {}
    for time in host(1).probe.parts["softirqs"]:
        if time.vector == "NET_RX":
            for bucket, count in time.latency.buckets.items():
                found[bucket] = found.get(bucket, 0) + count
    return Histogram(found)


@pytest.mark.parametrize("percent", [10, 50, 75, 99])
def test_quantile_is_within_a_bucket_of_the_screens(server, percent):
    expression = f"histogram_quantile({percent / 100}, {LATENCY})"
    ours = quantile_ns(latencies(), percent, None) / 1e9
    assert ours / BUCKET <= value(server, expression) <= ours * BUCKET


def test_it_is_one_series_and_no_classic_one_is_beside(server):
    assert len(server.series(LATENCY)) == 1
    assert server.query(LATENCY.replace("seconds{", "seconds_bucket{")) == []


def test_count_and_sum_are_exact(server):
    """Both from one scrape: of one turn, all that a turn has."""
    one = latencies()
    count = value(server, f"histogram_count({LATENCY})")
    assert count and count % one.count == 0


def test_counters_gauges_and_labels_come_by_protobuf_too(server):
    assert value(server, 'irqwatch_coverage_ratio{collector="hardirq"}') == 1
    assert server.series("rate(irqwatch_softirqs_total[1m]) > 0")
    assert server.series('irqwatch_build_info{version="1.2.3"}')
    assert server.series("process_resident_memory_bytes > 0")
