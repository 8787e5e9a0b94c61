"""What is served where."""

import gzip

import pytest

from irqwatch.sink.http.message import Request
from irqwatch.sink.http.pages import Pages

BODY = b"metric 1\n" * 100


def scrape(accept):
    return BODY, f"text/plain; {accept}"


def answer(path, method="GET", scrape=scrape, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return Pages(scrape, "/metrics", "irqwatch <1>").answer(Request(method, path, headers))


def test_metrics():
    response = answer("/metrics", accept="x")

    assert (response.status, response.body, response.gzipped) == (200, BODY, False)
    assert response.content_type == "text/plain; x"


def test_metrics_in_gzip_for_those_who_accept_it():
    response = answer("/metrics", accept_encoding="gzip")

    assert response.gzipped
    assert len(response.body) < len(BODY)
    assert gzip.decompress(response.body) == BODY


def test_landing_page_leads_to_the_metrics_and_is_escaped():
    response = answer("/")

    assert (response.status, response.content_type) == (200, "text/html; charset=utf-8")
    assert b'<a href="/metrics">' in response.body
    assert b"irqwatch &lt;1&gt;" in response.body


def test_health():
    assert (answer("/-/healthy").status, answer("/-/healthy").body) == (
        200,
        b"irqwatch is healthy\n",
    )


@pytest.mark.parametrize("path", ["/metric", "/metrics/", "//metrics", "/favicon.ico", "/../etc"])
def test_what_is_elsewhere_is_not_found(path):
    response = answer(path)

    assert (response.status, response.body) == (404, b"not here; metrics are at /metrics\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "get", "\x00"])
@pytest.mark.parametrize("path", ["/metrics", "/", "/elsewhere"])
def test_other_methods_are_not_allowed(method, path):
    assert answer(path, method).status == 405


def test_head_is_as_get():
    assert answer("/metrics", "HEAD") == answer("/metrics", "GET")


def test_what_is_not_http_is_a_bad_request():
    assert Pages(scrape, "/metrics", "").answer(None).status == 400


def test_scrape_that_fails_is_one_line_and_no_traceback(capsys):
    def fail(accept):
        raise RuntimeError("the map\nis gone")

    response = answer("/metrics", scrape=fail)

    assert response.status == 500
    assert response.body == b"the scrape failed: RuntimeError: the map is gone\n"
    assert capsys.readouterr().err == ("irqwatch: a scrape failed: RuntimeError: the map is gone\n")
