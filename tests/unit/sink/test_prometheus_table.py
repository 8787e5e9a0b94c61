"""What a URL asks for."""

import pytest

from irqwatch.errors import UsageError
from irqwatch.sink.prometheus import Exporter
from irqwatch.sink.prometheus.table import METRICS, OWN, chosen, metrics_of
from tests.unit.sink.exported_hosts import SMALL

OWN_NAMES = {metric.name for metric in OWN}


@pytest.mark.parametrize("query", ["", "a=b", "collect=work", "&&&=", "%ff"])
def test_nothing_that_is_meant_for_it_is_all(query):
    assert chosen(query) is None


@pytest.mark.parametrize(
    ("query", "has", "has_not"),
    [
        ("collect[]=work&collect[]=timer", {"work", "timer"}, {"softirq", "cpu"}),
        ("collect%5B%5D=cpu", {"cpu"}, {"work"}),
        ("exclude[]=work", {"softirq", "cpu", "cause"}, {"work"}),
    ],
)
def test_what_is_asked_for(query, has, has_not):
    found = chosen(query)
    assert found is not None
    assert has <= found and not has_not & found


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("collect[]=bogus", "there is no collector 'bogus': blame, cause, "),
        ("exclude[]=", "there is no collector ''"),
        ("collect[]=work&exclude[]=work", "not for the same request"),
        ("&".join(["a=b"] * 1000), "more than 100 things"),
    ],
)
def test_what_cannot_be_is_said(query, why):
    with pytest.raises(UsageError, match=why):
        chosen(query)


def names(exporter, collectors):
    exporter.update(SMALL, {"hardirq": 1.0})
    body, _ = exporter.render("", collectors)
    said = [line.split()[2] for line in body.decode().splitlines() if line.startswith("# TYPE")]
    return {name for name in said if not name.startswith("process_")}


def test_a_scrape_of_less_leaves_the_next_one_whole():
    exporter = Exporter(SMALL, ("hardirq", "softirq"), "1")
    whole = names(exporter, None)
    part = names(exporter, frozenset({"work"}))
    assert part == {name for name in whole if "_work_" in name} | OWN_NAMES
    assert names(exporter, None) == whole == {metric.name for metric in METRICS}
    assert set(metrics_of(frozenset())) == set(OWN)
