"""What is served where."""

import gzip
import html
import sys
from collections.abc import Callable

from irqwatch.sink.http.message import Request, Response, accepts_gzip, line

HEALTH_PATH = "/-/healthy"

# The body and its content type, for what a client's Accept header asks.
Scrape = Callable[[str], tuple[bytes, str]]


class Pages:
    """``metrics_path`` leads to what ``scrape`` gives; ``title`` is that of the page at ``/``."""

    def __init__(self, scrape: Scrape, metrics_path: str, title: str) -> None:
        self._scrape = scrape
        self._metrics_path = metrics_path
        self._title = title

    def answer(self, request: Request | None) -> Response:
        """The response to a request; None is one that could not be understood."""
        if request is None:
            return line(400, "this is not an HTTP/1 request")
        if request.method not in ("GET", "HEAD"):
            return line(405, "GET and HEAD only")
        if request.path == self._metrics_path:
            return self._metrics(request)
        if request.path == "/":
            return Response(200, self._landing_page(), "text/html; charset=utf-8")
        if request.path == HEALTH_PATH:
            return line(200, "irqwatch is healthy")
        return line(404, f"not here; metrics are at {self._metrics_path}")

    def _metrics(self, request: Request) -> Response:
        try:
            body, content_type = self._scrape(request.headers.get("accept", ""))
        except Exception as error:  # whatever it is, the next scrape may be well
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"irqwatch: a scrape failed: {reason}", file=sys.stderr, flush=True)
            return line(500, f"the scrape failed: {reason}")
        if accepts_gzip(request.headers.get("accept-encoding", "")):
            return Response(200, gzip.compress(body, 1), content_type, gzipped=True)
        return Response(200, body, content_type)

    def _landing_page(self) -> bytes:
        title, path = html.escape(self._title), html.escape(self._metrics_path)
        return (
            f'<!doctype html>\n<html lang="en"><head><title>{title}</title></head>\n'
            f'<body><h1>{title}</h1><p><a href="{path}">Metrics</a></p>'
            f'<p><a href="{HEALTH_PATH}">Health</a></p></body></html>\n'
        ).encode()
