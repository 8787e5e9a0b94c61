"""The exposition as a whole: what a scrape says."""

import shutil
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from irqwatch.collectors.work import WorkTime
from irqwatch.model.histogram import Histogram, bucket_of
from irqwatch.model.snapshot import Line, LineDevice, Softnet, Unavailable
from irqwatch.sink.prometheus import Exporter
from irqwatch.sink.prometheus.table import METRICS
from tests.golden_file import check
from tests.unit.sink.exported_hosts import SMALL, hardirq, probe, snapshot

COLLECTORS = ("hardirq", "softirq", "work")


def own(text):
    """The part of a scrape that is irqwatch's: what is of the process differs each time."""
    return text.partition("# HELP process_")[0]


def expose(*snapshots, accept="", coverage=None):
    """The body of the scrape of the last snapshot."""
    exporter = Exporter(snapshots[0], COLLECTORS, "1.2.3")
    for one in snapshots:
        exporter.update(one, coverage or {})
        body, _ = exporter.render(accept)
    return body.decode()


def samples(text):
    """(name, labels) → value; fails where one is there twice."""
    found = {}
    for family in parse_text(text):
        for sample in family.samples:
            key = (sample.name, frozenset((k, v) for k, v in sample.labels.items() if v))
            assert key not in found
            found[key] = sample.value
    return found


def value(text, name, **labels):
    return samples(text).get((name, frozenset(labels.items())))


def test_golden_text(monkeypatch):
    monkeypatch.setattr("platform.python_version", lambda: "3.12.1")

    check("metrics.txt", own(expose(SMALL, coverage={"hardirq": 1.0, "softirq": 0.5})))


def test_golden_text_of_a_host_without_the_probe(monkeypatch):
    monkeypatch.setattr("platform.python_version", lambda: "3.12.1")
    reason = "not root: loading the probe needs CAP_BPF and CAP_PERFMON"
    degraded = replace(
        SMALL, probe=None, lines=(), unavailable=(Unavailable("probe", reason),), threads=()
    )

    check("metrics-without-probe.txt", own(expose(degraded)))


def test_small_host_has_a_sample_of_every_metric():
    exposed = {name for name, _ in samples(expose(SMALL, coverage={"hardirq": 1.0}))}

    for metric in METRICS:
        assert {metric.name, f"{metric.name}_bucket"} & exposed, metric.name


@pytest.mark.parametrize("host", [SMALL, snapshot()], ids=["all", "nothing"])
def test_openmetrics_parses_strictly(host):
    body = expose(host, accept="application/openmetrics-text;version=1.0.0")

    assert body.endswith("# EOF\n")
    assert "irqwatch_build" in {family.name for family in parse_openmetrics(body)}


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4"),
        ("*/*", "text/plain; version=0.0.4"),
        ("text/plain;version=0.0.4;q=0.5", "text/plain; version=0.0.4"),
        ("text/plain;version=x", "text/plain; version=0.0.4"),
        ("application/openmetrics-text;version=1.x", "text/plain; version=0.0.4"),
        ("application/openmetrics-text;version=;;=", "application/openmetrics-text; version=1.0.0"),
        (
            "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5",
            "application/openmetrics-text; version=1.0.0",
        ),
    ],
)
def test_content_type_follows_the_accept_header(accept, content_type):
    exporter = Exporter(SMALL, COLLECTORS, "1.2.3")

    exporter.update(SMALL, {})
    assert exporter.render(accept)[1].startswith(content_type)


@given(st.text())
def test_no_accept_header_breaks_a_scrape(accept):
    exporter = Exporter(snapshot(), COLLECTORS, "1.2.3")

    exporter.update(snapshot(), {})
    assert b"irqwatch_build_info" in exporter.render(accept)[0]


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
@pytest.mark.parametrize("host", [SMALL, snapshot()], ids=["all", "nothing"])
def test_promtool_has_no_remark(host):
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=expose(host, coverage={"hardirq": 1.0}),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_histogram_is_exact_at_every_bound_and_in_sum_and_count():
    bounds_ns = [10**9 / 4**power for power in range(11, -1, -1)]
    durations_ns = [int(bound_ns) + offset for bound_ns in bounds_ns for offset in (0, 1)]
    buckets = {}
    for ns in durations_ns:
        buckets[bucket_of(ns)] = buckets.get(bucket_of(ns), 0) + 1
    of = hardirq(34, "eth0", handled=Histogram(buckets, sum(durations_ns)))
    found = samples(expose(snapshot(probe=probe("hardirq", hardirqs=(of,)))))

    name = "irqwatch_hardirq_duration_seconds"
    labels = {("action", "eth0")}
    bounds = {
        dict(key)["le"]: n for (metric, key), n in found.items() if metric == f"{name}_bucket"
    }
    assert bounds.pop("+Inf") == len(durations_ns) == 24
    assert [(float(le) * 1e9, n) for le, n in bounds.items()] == [
        (pytest.approx(bound_ns), 2 * place + 1) for place, bound_ns in enumerate(bounds_ns)
    ]
    assert found[f"{name}_sum", frozenset(labels)] == pytest.approx(sum(durations_ns) / 1e9)
    assert found[f"{name}_count", frozenset(labels)] == len(durations_ns)


def test_zeros_are_left_out_of_the_kernels_counts():
    text = expose(SMALL)

    assert value(text, "irqwatch_architecture_interrupts_total", row="ERR") == 3
    assert 'action="idle"' not in text
    assert 'vector="HI"' not in text


def test_shared_line_names_all_its_actions_and_devices():
    line = Line("16", 16, {0: 1}, actions=("uhci_hcd:usb3", "i801_smbus"))
    devices = (LineDevice(16, "usb3", "pci"), LineDevice(16, "i801", "pci"))

    assert value(
        expose(snapshot(lines=(line,), devices=devices)),
        "irqwatch_interrupts_total",
        action="uhci_hcd:usb3, i801_smbus",
        device="i801, usb3",
    )


def test_collector_that_was_asked_for_and_does_not_run_has_no_success():
    text = expose(SMALL)

    expected = {"interrupts": 1, "softnet": 0, "hardirq": 1, "softirq": 1, "work": 0}
    for collector, success in expected.items():
        assert value(text, "irqwatch_collector_success", collector=collector) == success
    assert value(text, "irqwatch_collector_success", collector="probe") is None


@given(st.text(), st.text(), st.text())
def test_hostile_names_come_out_as_they_are(action, device, function):
    host = snapshot(
        lines=(Line("34", 34, {0: 1}, actions=(action,)),),
        devices=(LineDevice(34, device, "net"),),
        probe=probe("work", works=(WorkTime(function, action, run=Histogram({9: 1}, 100)),)),
    )
    found = samples(expose(host))

    (labels,) = (dict(one) for name, one in found if name == "irqwatch_interrupt_info")
    assert labels.get("name", "") == action
    assert labels.get("device", "") == device


def test_two_rows_of_one_label_are_one_sample():
    twice = Line("LOC", None, {0: 1})

    assert len(samples(expose(snapshot(lines=(twice, twice))))) > 1


def test_reasons_are_bounded():
    many = tuple(Unavailable(f"part {n}", "why") for n in range(1000))

    assert expose(snapshot(unavailable=many)).count("irqwatch_unavailable_info{") == 32


def test_softnet_zeros_stay_so_that_the_first_drop_is_a_change():
    text = expose(snapshot(softnet=(Softnet(0, 0, 0, 0),)))

    for name in ("processed", "dropped", "time_squeezed"):
        assert value(text, f"irqwatch_softnet_{name}_total", cpu="0") == 0


def test_a_total_of_the_machine_is_there_before_it_rises():
    lines = (Line("ERR", None, {}, total=0), Line("MIS", None, {}, total=2))
    text = expose(snapshot(lines=lines))
    assert value(text, "irqwatch_architecture_interrupts_total", row="ERR") == 0
    assert value(text, "irqwatch_interrupts_counted_again_total", row="MIS") == 2
