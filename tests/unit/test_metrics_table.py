"""docs/metrics.md against the code, both ways; and what deploy/ has for Prometheus and systemd."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from irqwatch.sink.prometheus import Exporter
from irqwatch.sink.prometheus.table import METRICS
from tests.unit.sink.exported_hosts import SMALL

REPOSITORY = Path(__file__).resolve().parents[2]
COLUMNS = ["metric", "type", "unit", "labels", "meaning", "for example"]


def documented():
    """The rows of the tables of metrics: column → text."""
    rows = []
    in_table = False
    for line in (REPOSITORY / "docs" / "metrics.md").read_text().splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if cells == COLUMNS:
            in_table = True
        elif not line.startswith("|"):
            in_table = False
        elif in_table and not set(line) <= set("|-"):
            rows.append(dict(zip(COLUMNS, cells, strict=True)))
    return rows


def exposed():
    """name → (type, labels) of all that a scrape gives, that of the process included."""
    body, _ = Exporter(SMALL, ("hardirq",), "1").render(SMALL, {"hardirq": 1})
    found = {}
    for family in text_string_to_metric_families(body.decode()):
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        name = f"{family.name}_total" if family.type == "counter" else family.name
        found[name] = family.type, labels
    return found


def test_every_metric_is_documented_and_no_other():
    names = [row["metric"] for row in documented()]

    assert len(set(names)) == len(names)
    assert set(names) == exposed().keys()


def test_types_and_labels_are_as_documented():
    # Prometheus knows no type "info": it is a gauge.
    said = {
        row["metric"]: (
            row["type"].replace("info", "gauge"),
            set(re.findall(r"\w+", row["labels"])),
        )
        for row in documented()
    }

    assert said == exposed()


def test_units_are_in_the_names():
    for row in documented():
        if row["unit"] in ("seconds", "bytes", "ratio"):
            assert f"_{row['unit']}" in row["metric"]
        else:
            assert not re.search("_(seconds|bytes|ratio)", row["metric"])


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
