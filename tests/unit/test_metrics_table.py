"""What is documented of metrics, against a scrape; what deploy/ has for Prometheus and systemd."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from irqwatch.base.collector import Metric
from irqwatch.sink.prometheus import Exporter
from irqwatch.sink.prometheus.table import METRICS
from tests.unit.sink.exported_hosts import SMALL

REPOSITORY = Path(__file__).resolve().parents[2]


def of_process():
    """What prometheus_client gives of irqwatch's process: its table is written by hand."""
    docs = (REPOSITORY / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `process_.*$", docs, re.MULTILINE)
    for name, kind, unit, labels, meaning, example in (
        row.strip("| ").split(" | ") for row in rows
    ):
        assert labels == "–"
        yield Metric(name.strip("`"), kind, (), meaning, unit, meaning, example.strip("`"))


DOCUMENTED = (*METRICS, *of_process())


def exposed():
    """name → (type, labels) of all that a scrape gives, that of the process included."""
    exporter = Exporter(SMALL, ("hardirq",), "1")
    exporter.update(SMALL, {"hardirq": 1})
    body, _ = exporter.render()
    found = {}
    for family in text_string_to_metric_families(body.decode()):
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = family.type, labels
    return found


def test_what_a_scrape_gives_is_what_is_documented():
    # Prometheus knows no type "info": it is a gauge.
    said = {
        metric.name: (metric.kind.replace("info", "gauge"), set(metric.labels))
        for metric in DOCUMENTED
    }

    assert said == exposed()


def test_names_are_unique():
    names = [metric.name for metric in DOCUMENTED]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("metric", DOCUMENTED, ids=lambda metric: metric.name)
def test_an_example_is_of_its_metric(metric):
    assert re.search(rf"\b{metric.name}(_bucket|_sum|_count)?\b", metric.example)


def test_units_are_in_the_names():
    for metric in DOCUMENTED:
        if metric.unit in ("seconds", "bytes", "ratio"):
            assert f"_{metric.unit}" in metric.name
        else:
            assert not re.search("_(seconds|bytes|ratio)", metric.name)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_names_follow_prometheus_conventions(metric):
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.name.endswith("_info") == (metric.kind == "info")
    assert metric.help.endswith(".") or ": " in metric.help


def run(*command):
    return subprocess.run(
        command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
@pytest.mark.parametrize(
    "command",
    [
        ("check", "rules", "deploy/prometheus-rules.yml"),
        ("test", "rules", "tests/fixtures/prometheus/rules.test.yml"),
    ],
    ids="-".join,
)
def test_rules(command):
    done = run("promtool", *command)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_unit(tmp_path):
    unit = tmp_path / "irqwatch.service"
    text = (REPOSITORY / "deploy" / "irqwatch.service").read_text()
    unit.write_text(text.replace("/usr/local/bin/irqwatch", "/bin/true"))
    done = run("systemd-analyze", "verify", "--man=no", str(unit))

    assert (done.returncode, done.stdout + done.stderr) == (0, "")
