"""Requests as they come over the wire, hostile ones too."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irqwatch.errors import UsageError
from irqwatch.sink.http.listening import Tcp, Unix, parse_address
from irqwatch.sink.http.message import Request, Response, accepts_gzip, line, parse_request


def test_request():
    head = b"GET /metrics?a=b HTTP/1.1\r\nHost: x\r\nACCEPT:  text/plain \r\nEmpty:"

    assert parse_request(head) == Request(
        "GET", "/metrics", "a=b", {"host": "x", "accept": "text/plain", "empty": ""}
    )


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET",
        b"GET /metrics",
        b"GET  /metrics HTTP/1.1",
        b"GET /metrics HTTP/2",
        b"GET metrics HTTP/1.1",
        b"GET http://x/metrics HTTP/1.1",
        b"GET / HTTP/1.1\r\nno colon",
        b"GET / HTTP/1.1\r\n: no name",
        b"GET / HTTP/1.1\r\nspace : x",
        b"GET / HTTP/1.1\r\nA: 1\r\n folded: x",
        b"\x16\x03\x01\x02\x00\x01",  # TLS
        b"\r\nGET / HTTP/1.1",
    ],
)
def test_what_is_not_http_1_is_none(head):
    assert parse_request(head) is None


@given(st.binary())
def test_any_bytes_are_a_request_or_none(head):
    parse_request(head)
    parse_request(b"GET / HTTP/1.1\r\n" + head)


@pytest.mark.parametrize(
    ("header", "accepts"),
    [
        ("", False),
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("gzip; q=0", False),
        ("gzip;q=0.000", False),
        ("gzip;q=x", True),
        ("identity", False),
        ("xgzip", False),
    ],
)
def test_gzip_is_accepted_where_it_is_named(header, accepts):
    assert accepts_gzip(header) is accepts


def test_response():
    assert Response(405, b"no\n").encode(with_body=True) == (
        b"HTTP/1.1 405 Method Not Allowed\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Length: 3\r\n"
        b"Connection: close\r\n"
        b"X-Content-Type-Options: nosniff\r\n"
        b"Allow: GET, HEAD\r\n\r\nno\n"
    )


def test_response_to_head_has_the_length_but_no_body():
    encoded = Response(200, b"four", gzipped=True).encode(with_body=False)

    assert b"Content-Length: 4\r\n" in encoded
    assert encoded.endswith(b"\r\nContent-Encoding: gzip\r\n\r\n")


def test_line_of_text_that_is_not_unicode():
    assert line(500, "\udcff").body == b"\\udcff\n"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":9919", Tcp("", 9919)),
        ("127.0.0.1:0", Tcp("127.0.0.1", 0)),
        ("localhost:65535", Tcp("localhost", 65535)),
        ("[::1]:9919", Tcp("::1", 9919)),
        ("[::]:1", Tcp("::", 1)),
        ("unix:/run/irqwatch.sock", Unix("/run/irqwatch.sock")),
    ],
)
def test_address(text, address):
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    ["", "9919", ":", "host", "host:", "::1:9919", ":65536", ":-1", ":x", ":²", "[::1]", "unix:"],
)
def test_what_is_not_an_address(text):
    with pytest.raises(UsageError, match="is not an address: give host:port"):
        parse_address(text)
