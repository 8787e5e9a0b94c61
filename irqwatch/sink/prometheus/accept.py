"""What a scraper would rather have, by its Accept header (RFC 9110, 12.5.1)."""

PROTOBUF = "application/vnd.google.protobuf"
_TEXTS = ("application/openmetrics-text", "text/plain")


def prefers_protobuf(accept: str) -> bool:
    """Whether it names the format that irqwatch writes, and no text before it: by weight, and
    among equals by place."""
    best = 0.0
    is_protobuf = False
    for item in accept.split(","):
        kind, *pairs = (part.strip() for part in item.split(";"))
        wanted = dict(pair.partition("=")[::2] for pair in pairs)
        weight = _weight(wanted.get("q", "1"))
        if weight > best and (kind in _TEXTS or _is_ours(kind, wanted)):
            best, is_protobuf = weight, kind == PROTOBUF
    return is_protobuf


def _is_ours(kind: str, wanted: dict[str, str]) -> bool:
    message = wanted.get("proto", "").strip('"')
    return (
        kind == PROTOBUF
        and message == "io.prometheus.client.MetricFamily"
        and wanted.get("encoding") == "delimited"
    )


def _weight(text: str) -> float:
    """0 for what is none."""
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 0.0
