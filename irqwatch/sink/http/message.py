"""HTTP/1 requests and responses as bytes; only what an exporter needs of them. Pure."""

from dataclasses import dataclass

TEXT = "text/plain; charset=utf-8"

REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}

DEFAULTS = {"X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: str  # what comes after "?", as it was sent
    headers: dict[str, str]  # by name in lower case


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes
    content_type: str = TEXT
    gzipped: bool = False
    headers: tuple[tuple[str, str], ...] = ()  # further ones

    def encode(self, *, with_body: bool) -> bytes:
        """As it goes over the wire; a response to HEAD has no body."""
        head = [
            f"HTTP/1.1 {self.status} {REASONS[self.status]}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            "Connection: close",
            *(f"{name}: {value}" for name, value in {**DEFAULTS, **dict(self.headers)}.items()),
        ]
        if self.gzipped:
            head.append("Content-Encoding: gzip")
        if self.status == 405:
            head.append("Allow: GET, HEAD")
        encoded = "\r\n".join([*head, "", ""]).encode("latin-1")
        return encoded + self.body if with_body else encoded


def line(status: int, text: str) -> Response:
    """A response that is one line of text."""
    return Response(status, f"{text}\n".encode(errors="backslashreplace"))


def parse_request(head: bytes) -> Request | None:
    """A request's line and headers, up to the empty line; None where they are not HTTP/1."""
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith("/"):
        return None
    path, _, query = words[1].partition("?")
    headers = {}
    for header in filter(None, lines):
        name, colon, value = header.partition(":")
        if not colon or not name or name != name.strip():
            return None
        headers[name.lower()] = value.strip()
    return Request(words[0], path, query, headers)


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether "gzip" is among the encodings, and not with a weight of zero."""
    for item in accept_encoding.lower().split(","):
        name, _, weight = item.replace(" ", "").partition(";q=")
        if name == "gzip":
            return weight not in ("0", "0.0", "0.00", "0.000")
    return False
