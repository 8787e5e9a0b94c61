"""Accept headers as scrapers send them."""

import pytest

from irqwatch.sink.prometheus.accept import prefers_protobuf

OURS = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
OPENMETRICS = "application/openmetrics-text;version=1.0.0"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain", False),
        (OURS, True),
        # Prometheus 2.42 with native histograms on
        (f"{OURS},{OPENMETRICS};q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", True),
        # Prometheus 3
        (f"{OURS};q=0.6,{OPENMETRICS};escaping=allow-utf-8;q=0.5,text/plain;q=0.2", True),
        # ... without: text first, or alone
        (f"{OPENMETRICS};q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1", False),
        (f"{OPENMETRICS};q=0.6,{OURS};q=0.5", False),
        (f"{OURS};q=0", False),
        (f"{OURS};q=x", False),
        (f"{OURS};q=nan,text/plain", False),
        (OURS.replace("delimited", "text"), False),
        ("application/vnd.google.protobuf", False),
        (f"{OURS.replace(';', ' ; ')} , text/plain", True),
        (",;=,;;", False),
    ],
)
def test_protobuf_only_where_it_is_asked_for_first(accept: str, expected: bool) -> None:
    assert prefers_protobuf(accept) is expected
