"""What is served where."""

import gzip
import html
from collections.abc import Callable
from typing import Protocol

from irqwatch.errors import UsageError
from irqwatch.sink.http.message import Request, Response, accepts_gzip, line

HEALTHY_PATH = "/-/healthy"
READY_PATH = "/-/ready"
_STATES = {HEALTHY_PATH: "irqwatch is healthy", READY_PATH: "irqwatch is ready"}
# Answers to one sample that are kept: who asks chooses the headers that they differ by.
MOST_KEPT = 8


class Scrapes(Protocol):
    """What is exported."""

    def refresh(self) -> bool:
        """Take a sample, unless the last is young enough to be given again; whether it was taken.
        Raises whatever goes wrong."""

    def render(self, accept: str, query: str) -> tuple[bytes, str]:
        """The last sample as an Accept header and a URL's query ask for it: the body and its
        content type. Raises UsageError."""


class Pages:
    """``metrics_path`` leads to ``scrapes``; ``title`` is that of the page at ``/``; ``say`` is
    told of a scrape that failed."""

    def __init__(
        self, scrapes: Scrapes, metrics_path: str, title: str, say: Callable[[str], None]
    ) -> None:
        self._scrapes = scrapes
        self._say = say
        self._metrics_path = metrics_path
        self._title = title
        self._kept: dict[tuple[str, str, bool], Response] = {}  # of the last sample, as was asked

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
        if request.path in _STATES:
            return line(200, _STATES[request.path])
        return line(404, f"not here; metrics are at {self._metrics_path}")

    def _metrics(self, request: Request) -> Response:
        accept = request.headers.get("accept", "")
        gzipped = accepts_gzip(request.headers.get("accept-encoding", ""))
        key = accept, request.query, gzipped
        try:
            if self._scrapes.refresh() or len(self._kept) > MOST_KEPT:
                self._kept.clear()
            if key not in self._kept:
                self._kept[key] = self._rendered(*key)
        except UsageError as error:
            return line(400, str(error))
        except Exception as error:  # whatever it is, the next scrape may be well
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            self._say(f"a scrape failed: {reason}")
            return line(500, f"the scrape failed: {reason}")
        return self._kept[key]

    def _rendered(self, accept: str, query: str, gzipped: bool) -> Response:
        body, content_type = self._scrapes.render(accept, query)
        body = gzip.compress(body, 1) if gzipped else body
        return Response(200, body, content_type, gzipped=gzipped)

    def _landing_page(self) -> bytes:
        title, path = html.escape(self._title), html.escape(self._metrics_path)
        return (
            f'<!doctype html>\n<html lang="en"><head><title>{title}</title></head>\n'
            f'<body><h1>{title}</h1><p><a href="{path}">Metrics</a></p>'
            f'<p><a href="{HEALTHY_PATH}">Health</a></p></body></html>\n'
        ).encode()
