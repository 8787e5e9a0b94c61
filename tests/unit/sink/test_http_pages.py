"""What is served where."""

import gzip

import pytest

from irqwatch.errors import UsageError
from irqwatch.sink.http.message import Request
from irqwatch.sink.http.pages import MOST_KEPT, Pages

BODY = b"metric 1\n" * 100


class Scrapes:
    """``fresh`` says, of each time that it is asked, whether a sample was taken."""

    def __init__(self, fresh=()):
        self.fresh = iter(fresh)
        self.rendered = []

    def refresh(self):
        return next(self.fresh, True)

    def render(self, accept, query):
        if query == "collect[]=bogus":
            raise UsageError("there is no collector 'bogus'")
        self.rendered.append(accept)
        return BODY, f"text/plain; {accept}{query}"


def ask(pages, path, method="GET", query="", **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return pages.answer(Request(method, path, query, headers))


def answer(path, method="GET", query="", **headers):
    return ask(Pages(Scrapes(), "/metrics", "irqwatch <1>", print), path, method, query, **headers)


def test_what_was_rendered_of_a_sample_is_given_again_until_the_next():
    scrapes = Scrapes([True, False, False, False, True])
    pages = Pages(scrapes, "/metrics", "", print)
    one, again = (ask(pages, "/metrics", accept="a") for _ in range(2))
    assert again is one
    assert ask(pages, "/metrics", accept="a", accept_encoding="gzip").gzipped
    assert ask(pages, "/metrics", accept="b").content_type == "text/plain; b"
    assert scrapes.rendered == ["a", "a", "b"]
    assert ask(pages, "/metrics", accept="a") is not one


def test_what_is_kept_is_bounded_whatever_is_asked():
    pages = Pages(Scrapes([True, *[False] * 100]), "/metrics", "", print)
    for number in range(100):
        ask(pages, "/metrics", accept=str(number))
    assert len(pages._kept) <= MOST_KEPT + 1


def test_metrics():
    response = answer("/metrics", accept="x")

    assert (response.status, response.body, response.gzipped) == (200, BODY, False)
    assert response.content_type == "text/plain; x"


def test_what_the_url_asks_for_is_the_exporters_to_say():
    assert answer("/metrics", query="collect[]=work").content_type == "text/plain; collect[]=work"
    wrong = answer("/metrics", query="collect[]=bogus")
    assert (wrong.status, wrong.body) == (400, b"there is no collector 'bogus'\n")


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


@pytest.mark.parametrize("state", ["healthy", "ready"])
def test_state(state):
    response = answer(f"/-/{state}")

    assert (response.status, response.body) == (200, f"irqwatch is {state}\n".encode())


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
    assert Pages(Scrapes(), "/metrics", "", print).answer(None).status == 400


def test_scrape_that_fails_is_one_line_and_no_traceback():
    class Fails(Scrapes):
        def refresh(self):
            raise RuntimeError("the map\nis gone")

    said = []
    response = ask(Pages(Fails(), "/metrics", "", said.append), "/metrics")

    assert response.status == 500
    assert response.body == b"the scrape failed: RuntimeError: the map is gone\n"
    assert said == ["a scrape failed: RuntimeError: the map is gone"]
