"""What is written is what prometheus_client would write, byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client import Metric as Family
from prometheus_client.exposition import choose_encoder
from prometheus_client.samples import Sample

from irqwatch.base.collector import Metric
from irqwatch.base.fold import to_bounds
from irqwatch.base.sheet import Sheet
from irqwatch.model.histogram import BUCKETS, Histogram
from irqwatch.sink.prometheus import Exporter
from irqwatch.sink.prometheus.table import METRICS
from irqwatch.sink.prometheus.text import BOUNDS, Encoder
from irqwatch.sink.prometheus.values import Accountant
from tests.unit.sink.exported_hosts import SMALL, large

FORMATS = ("text/plain;version=0.0.4", "application/openmetrics-text;version=1.0.0")


class Theirs:
    """The same sheet as families of prometheus_client; those without a sample are left out."""

    def __init__(self, metrics, sheet):
        self._metrics = metrics
        self._sheet = sheet

    def collect(self):
        for metric in self._metrics:
            suffix = {"counter": "_total", "info": "_info"}.get(metric.kind, "")
            family = Family(metric.name.removesuffix(suffix), metric.help, metric.kind)
            if metric.kind == "histogram":
                family.samples = list(self._of_histograms(metric))
            else:
                values = self._sheet.values.get(metric.name, {})
                family.samples = [
                    Sample(metric.name, dict(zip(metric.labels, labels, strict=True)), value)
                    for labels, value in values.items()
                ]
            if family.samples:
                yield family

    def _of_histograms(self, metric):
        for values, histogram in self._sheet.histograms.get(metric.name, {}).items():
            *counts, sum_ns = to_bounds(histogram)
            labels = dict(zip(metric.labels, values, strict=True))
            for bound, count in zip(BOUNDS, counts, strict=True):
                yield Sample(f"{metric.name}_bucket", {**labels, "le": bound}, count)
            yield Sample(f"{metric.name}_sum", labels, sum_ns / 1e9)
            yield Sample(f"{metric.name}_count", labels, counts[-1])


def same(metrics, *sheets):
    """One encoder, as it goes from scrape to scrape."""
    for accept in FORMATS:
        encoder = Encoder()
        encode, content_type = choose_encoder(f"{accept};escaping=allow-utf-8")
        is_openmetrics = content_type.startswith("application/openmetrics-text")
        for sheet in sheets:
            registry = CollectorRegistry()
            registry.register(Theirs(metrics, sheet))
            ours = encoder.encode(metrics, sheet, is_openmetrics=is_openmetrics)
            end = "# EOF\n" if is_openmetrics else ""
            assert (ours + end).encode() == encode(registry)


@pytest.mark.parametrize("host", [SMALL, large(3, 7, devices=3, works=9)], ids=["all", "busy"])
def test_of_a_host(host):
    accountant = Accountant(host, ("hardirq", "softirq"))
    same(METRICS, *(accountant.update(host, {"hardirq": 0.5}) for _ in range(2)))


labels = st.tuples(st.text(max_size=9), st.sampled_from(('a"b', "a\\b", "a\nb", "\\n", "")))
numbers = st.one_of(st.floats(), st.integers(-(2**70), 2**70), st.booleans())
KINDS = ("counter", "gauge", "info")
histograms = st.builds(
    Histogram,
    st.dictionaries(st.integers(0, BUCKETS - 1), st.integers(0, 2**50)),
    st.integers(0, 2**70),
)


@given(st.lists(st.dictionaries(labels, numbers, max_size=4), max_size=3), st.text(), st.data())
def test_of_any_values(scrapes, words, data):
    kind = data.draw(st.sampled_from(KINDS))
    metric = Metric(f"irqwatch_x_{_SUFFIX[kind]}", kind, ("zone", "cpu"), words, "", "", "")
    sheets = []
    for values in scrapes:
        sheet = Sheet()
        sheet.values[metric.name] = values
        sheets.append(sheet)
    same((metric,), *sheets)


_SUFFIX = {"counter": "total", "gauge": "now", "info": "info"}


@given(st.lists(st.dictionaries(labels, histograms, max_size=3), max_size=3))
def test_of_any_histograms(scrapes):
    metric = Metric("irqwatch_x_seconds", "histogram", ("zone", "mode"), "Help.", "", "", "")
    sheets = []
    for values in scrapes:
        sheet = Sheet()
        sheet.histograms[metric.name] = values
        sheets.append(sheet)
    same((metric,), *sheets)


@pytest.mark.parametrize("escaping", ["", ";escaping=underscores", ";escaping=dots"])
@pytest.mark.parametrize("accept", FORMATS)
def test_the_process_is_part_of_the_same_text(accept, escaping):
    """Its part is prometheus_client's own."""
    exporter = Exporter(SMALL, ("hardirq",), "1.2.3")
    exporter.update(SMALL, {})
    body, content_type = exporter.render(accept + escaping)
    assert body.count(b"\n# TYPE process_") > 3
    assert body.endswith(b"# EOF\n") == content_type.startswith("application/openmetrics-text")
    assert body.count(b"# EOF") <= 1
