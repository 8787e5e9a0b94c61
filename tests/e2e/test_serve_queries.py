"""Every query of the dashboard, the rules and docs/metrics.md, on a real Prometheus."""

import json
import re
from pathlib import Path

import pytest

from tests.e2e.prometheus import MISSING, exporting, prometheus
from tests.unit.test_metrics_table import DOCUMENTED

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)

REPOSITORY = Path(__file__).resolve().parents[2]
RULES = REPOSITORY / "deploy" / "prometheus-rules.yml"
DASHBOARD = json.loads((REPOSITORY / "dashboards" / "irqwatch.json").read_text())

# What Grafana puts in the place of its variables where all are chosen.
CHOSEN = {"$__rate_interval": "1m", "$job": ".+", "$instance": ".+", "$vector": "NET_RX"}


def dashboard_queries():
    """(name of the panel, expression, the labels its legend shows)."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            expression = target["expr"]
            for variable, chosen in CHOSEN.items():
                expression = expression.replace(variable, chosen)
            labels = re.findall(r"{{(\w+)}}", target["legendFormat"])
            yield f"{panel['title']}-{target['refId']}", expression, labels


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prometheus")
    with exporting() as target, prometheus(folder, target, RULES) as running:
        yield running


QUERIES = tuple(dashboard_queries())


@pytest.mark.parametrize(("name", "expression", "labels"), QUERIES, ids=[q[0] for q in QUERIES])
def test_panel_shows_something_and_its_legend_names_it(server, name, expression, labels):
    assert "$" not in expression
    series = server.series(expression)

    assert set(labels) <= {label for one in series for label in one["metric"]}


@pytest.mark.parametrize("metric", DOCUMENTED, ids=lambda metric: metric.name)
def test_example_in_the_documentation_answers(server, metric):
    assert server.series(metric.example)


def test_rules_are_of_metrics_that_are_there(server):
    rules = server.rules()

    assert len(rules) == 10
    for rule in rules:
        without_threshold = re.sub(r" (==|[<>]) [0-9.]+$", "", rule["query"])
        assert server.series(without_threshold), rule["name"]


def test_dashboard_is_one_that_grafana_takes():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    variables = [variable["name"] for variable in DASHBOARD["templating"]["list"]]

    assert len(set(ids)) == len(ids)
    assert variables == ["datasource", "job", "instance", "vector"]
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        if panel["type"] != "row":
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert panel["title"]
            assert panel["description"]
