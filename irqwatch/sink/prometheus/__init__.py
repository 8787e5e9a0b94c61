"""Snapshots as Prometheus metrics."""

import platform
from collections.abc import Collection, Iterator, Mapping
from functools import partial

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client import Metric as Family
from prometheus_client.exposition import choose_encoder
from prometheus_client.samples import Sample

from irqwatch.base.collector import Metric
from irqwatch.base.fold import BOUNDS_SECONDS, HistogramDetail, Labels, Vector
from irqwatch.base.measures import NS
from irqwatch.base.sheet import Sheet
from irqwatch.model.snapshot import Snapshot
from irqwatch.sink.prometheus.table import METRICS
from irqwatch.sink.prometheus.values import Accountant

BOUNDS = (*map(str, BOUNDS_SECONDS), "+Inf")

# In place of "underscores", which these names would give back as they are: for Prometheus 2, which
# asks for it, prometheus_client since 0.23 goes through the name of each sample letter by letter.
ESCAPING = "allow-utf-8"


class Exporter:
    """Renders snapshots of one host. ``first`` decides how finely the host is shown; ``collectors``
    are those of the probe that were asked for; ``own_process`` adds what this process costs."""

    def __init__(
        self,
        first: Snapshot,
        collectors: Collection[str],
        version: str,
        histograms: HistogramDetail = "auto",
        *,
        own_process: bool = True,
    ) -> None:
        self._accountant = Accountant(first, collectors, histograms)
        self._build = (version, platform.python_version())
        self._latest = _Latest()
        self._registry = CollectorRegistry()
        self._registry.register(self._latest)
        if own_process:
            ProcessCollector(registry=self._registry)

    def update(self, snapshot: Snapshot, coverage: Mapping[str, float]) -> None:
        """What is rendered from now on. Snapshots must come in order."""
        sheet = self._accountant.update(snapshot, coverage)
        sheet.values["irqwatch_build_info"][self._build] = 1
        self._latest.sheet = sheet

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The body of a scrape and its content type, as the Accept header has it."""
        try:
            encode, content_type = choose_encoder(accept)
        except (TypeError, ValueError):  # prometheus_client 0.26 on "text/plain;version=x"
            encode, content_type = choose_encoder("")
        if isinstance(encode, partial) and encode.keywords.get("escaping") == "underscores":
            encode = partial(encode.func, **{**encode.keywords, "escaping": ESCAPING})
        return encode(self._registry), content_type


class _Latest:
    """The collector that prometheus_client's registry asks: the values of the last snapshot."""

    sheet: Sheet

    def collect(self) -> Iterator[Family]:
        for metric in METRICS:
            if metric.kind == "histogram":
                yield _histogram(metric, self.sheet.histograms.get(metric.name, {}))
            else:
                yield _family(metric, self.sheet.values.get(metric.name, {}))


def _family(metric: Metric, samples: Mapping[Labels, float]) -> Family:
    # prometheus_client puts the suffix of a counter or info back.
    suffix = {"counter": "_total", "info": "_info"}.get(metric.kind, "")
    family = Family(metric.name.removesuffix(suffix), metric.help, metric.kind)
    family.samples = [
        Sample(metric.name, dict(zip(metric.labels, labels, strict=True)), value)
        for labels, value in samples.items()
    ]
    return family


def _histogram(metric: Metric, samples: Mapping[Labels, Vector]) -> Family:
    family = Family(metric.name, metric.help, metric.kind)
    bucket = f"{metric.name}_bucket"
    for values, (*counts, sum_ns) in samples.items():
        labels = dict(zip(metric.labels, values, strict=True))
        family.samples += [
            Sample(bucket, {**labels, "le": bound}, count)
            for bound, count in zip(BOUNDS, counts, strict=True)
        ]
        family.samples.append(Sample(f"{metric.name}_sum", labels, sum_ns / NS))
        family.samples.append(Sample(f"{metric.name}_count", labels, counts[-1]))
    return family
