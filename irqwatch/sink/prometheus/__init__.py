"""Snapshots as Prometheus metrics."""

import platform
from collections.abc import Collection, Mapping
from functools import partial

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder

from irqwatch.base.series import Filter
from irqwatch.base.sheet import Sheet
from irqwatch.model.snapshot import Snapshot
from irqwatch.sink.prometheus import protobuf
from irqwatch.sink.prometheus.accept import prefers_protobuf
from irqwatch.sink.prometheus.table import metrics_of
from irqwatch.sink.prometheus.text import Encoder
from irqwatch.sink.prometheus.values import Accountant

# In place of "underscores", which these names would give back as they are: for Prometheus 2, which
# asks for it, prometheus_client since 0.23 goes through the name of each sample letter by letter.
ESCAPING = "allow-utf-8"

OPENMETRICS = "application/openmetrics-text"


class Exporter:
    """Renders snapshots of one host. ``first`` decides how finely the host is shown; ``collectors``
    are those of the probe that were asked for, ``filters`` what is to be shown apart of each;
    ``own_process`` adds what this process costs."""

    def __init__(
        self,
        first: Snapshot,
        collectors: Collection[str],
        version: str,
        filters: Mapping[str, Filter] | None = None,
        *,
        own_process: bool = True,
    ) -> None:
        self._accountant = Accountant(first, collectors, filters)
        self._build = (version, platform.python_version())
        self._encoder = Encoder()
        self._sheet = Sheet()
        self._process = CollectorRegistry()
        if own_process:
            ProcessCollector(registry=self._process)

    def update(self, snapshot: Snapshot, coverage: Mapping[str, float]) -> None:
        """What is rendered from now on. Snapshots must come in order."""
        self._sheet = self._accountant.update(snapshot, coverage)
        self._sheet.values["irqwatch_build_info"][self._build] = 1

    def render(
        self, accept: str = "", collectors: frozenset[str] | None = None
    ) -> tuple[bytes, str]:
        """The body of a scrape and its content type, as the Accept header has it; of
        ``collectors`` alone, where they are given, and what irqwatch says of itself."""
        metrics = metrics_of(collectors)
        if prefers_protobuf(accept):
            process = (  # whose samples have no labels
                protobuf.family(sample.name, one.documentation, one.type, (), {(): sample.value})
                for one in self._process.collect()
                for sample in one.samples
            )
            own = protobuf.encode(metrics, self._sheet)
            return b"".join((own, *process)), protobuf.CONTENT_TYPE
        try:
            encode, content_type = choose_encoder(accept)
        except (TypeError, ValueError):  # prometheus_client 0.26 on "text/plain;version=x"
            encode, content_type = choose_encoder("")
        if isinstance(encode, partial) and encode.keywords.get("escaping") == "underscores":
            encode = partial(encode.func, **{**encode.keywords, "escaping": ESCAPING})
        is_openmetrics = content_type.startswith(OPENMETRICS)
        text = self._encoder.encode(metrics, self._sheet, is_openmetrics=is_openmetrics)
        return text.encode() + encode(self._process), content_type
