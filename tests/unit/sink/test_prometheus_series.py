"""How many series hosts of each size have, and that they are the same ones everywhere."""

from collections import defaultdict
from dataclasses import replace
from functools import cache
from itertools import islice

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from irqwatch.model.snapshot import Line, LineDevice, Snapshot
from irqwatch.sink.prometheus import Exporter
from irqwatch.sink.prometheus.values import Accountant
from tests.probes import with_parts
from tests.scale import SIZES, Size, snapshots
from tests.unit.sink.exported_hosts import hardirq, large, probe, snapshot

COLLECTORS = frozenset({"hardirq", "softirq", "vector", "work"})

# CPUs → lines of a host of that size, and how many samples it may have.
BUDGETS = {2: (20, 600), 65: (500, 3_000), 256: (2_000, 3_000), 1_024: (4_000, 4_000)}


def names_of(*made: Snapshot) -> dict[str, list[dict[str, str]]]:
    """Sample → its label sets, of the scrape of the last snapshot."""
    exporter = Exporter(made[0], COLLECTORS, "1")
    bodies = []
    for one in made:
        exporter.update(one, {"hardirq": 1.0, "softirq": 1.0})
        bodies.append(exporter.render()[0])
    found = defaultdict(list)
    for family in parse_text(bodies[-1].decode()):
        for sample in family.samples:
            found[sample.name].append(sample.labels)
    return found


def count(found: dict[str, list[dict[str, str]]]) -> int:
    return sum(map(len, found.values()))


@cache
def generated(cpus: int) -> dict[str, list[dict[str, str]]]:
    """Of a host as it may be."""
    size = SIZES.get(cpus, Size(cpus, BUDGETS[cpus][0], 2))
    return names_of(*islice(snapshots(size), 2))


@cache
def worst(cpus: int) -> dict[str, list[dict[str, str]]]:
    """Of one on which everything happens everywhere, and takes much time: no host has more."""
    lines = BUDGETS[cpus][0]
    return names_of(
        *(large(cpus, lines, devices=lines // 4, works=300, scale=scale) for scale in (1, 2))
    )


@pytest.mark.parametrize("cpus", BUDGETS)
def test_samples_of_a_host(cpus: int) -> None:
    assert count(generated(cpus)) <= BUDGETS[cpus][1]


@pytest.mark.parametrize("cpus", BUDGETS)
def test_samples_of_a_host_on_which_everything_takes_time(cpus: int) -> None:
    assert count(generated(cpus)) < count(worst(cpus)) <= BUDGETS[cpus][1]


@pytest.mark.parametrize("cpus", BUDGETS)
def test_labels_mean_the_same_on_each_host(cpus: int) -> None:
    """The same families, each with the same label names; and a label that tells two series of one
    host apart is not empty on another."""
    for host in (generated(cpus), worst(cpus)):
        small = worst(2) | generated(2)
        assert host.keys() <= small.keys()
        for name, series in host.items():
            labels = {frozenset(one) for one in series}
            assert labels == {frozenset(one) for one in small[name]}, name
            for label in ("vector", "cpu", "mode", "kind", "function"):
                assert "" not in {one.get(label) for one in series}, (name, label)


@pytest.mark.parametrize("cpus", BUDGETS)
def test_each_cpu_has_its_time(cpus: int) -> None:
    series = worst(cpus)["irqwatch_cpu_interrupt_seconds_total"]
    assert {one["cpu"] for one in series} == set(map(str, range(cpus)))
    assert {one["kind"] for one in series} == {"hardirq", "softirq"}


@pytest.mark.parametrize("cpus", BUDGETS)
def test_no_series_has_the_number_of_a_line(cpus: int) -> None:
    for name, series in worst(cpus).items():
        has_it = {"interrupt", "irq"} & {label for one in series for label in one}
        assert bool(has_it) == (name == "irqwatch_interrupt_info")


def test_sums_are_those_of_the_probe() -> None:
    host = large(65, 500, devices=120, works=300)
    sheet = Accountant(host, ()).update(host, {})
    assert host.probe
    of = host.probe.parts
    for name, sums in {
        "irqwatch_hardirq_duration_seconds": [part.handled for part in of["hardirqs"]],
        "irqwatch_softirq_latency_seconds": [part.latency for part in of["softirqs"]],
        "irqwatch_softirq_duration_seconds": [part.run for part in of["softirqs"]],
        "irqwatch_work_duration_seconds": [part.run for part in of["works"]],
        "irqwatch_vector_duration_seconds": [part.run for part in of["vectors"]],
        "irqwatch_timer_latency_seconds": [part.latency for part in of["timers"]],
        "irqwatch_signal_latency_seconds": [part.latency for part in of["signals"]],
    }.items():
        found = sheet.histograms[name].values()
        assert sum(one.count for one in found) == sum(one.count for one in sums)
        assert sum(one.sum_ns for one in found) == sum(one.sum_ns for one in sums)
    lines = sheet.values["irqwatch_interrupts_total"]
    assert sum(lines.values()) == sum(sum(line.counts.values()) for line in host.lines[:500])
    by_cpu = sheet.values["irqwatch_cpu_interrupt_seconds_total"]
    softirqs = sum(part.run.sum_ns for part in of["softirqs"]) / 1e9
    assert sum(s for (_, kind), s in by_cpu.items() if kind == "softirq") == pytest.approx(softirqs)


def a_host(*numbers: int) -> Snapshot:
    """A network card of two queues that receive and one line else, and two lines that are alike."""
    names = ("eth0", "eth0-rx-0", "eth0-rx-1", "xhci_hcd", "xhci_hcd")
    lines = tuple(
        Line(str(irq), irq, {0: 10 * place}, hwirq=str(place), actions=(action,))
        for place, (irq, action) in enumerate(zip(numbers, names, strict=True), 1)
    )
    devices = ["eth0"] * 3 + ["usb1"] * 2
    return snapshot(
        lines=lines,
        devices=tuple(
            LineDevice(irq, device, "net" if device == "eth0" else "usb", queue=None)
            for irq, device in zip(numbers, devices, strict=True)
        ),
        probe=probe(
            "hardirq",
            hardirqs=tuple(hardirq(irq, name) for irq, name in zip(numbers, names, strict=True)),
        ),
    )


def test_series_survive_a_reboot_that_numbers_lines_anew() -> None:
    one, other = (
        Accountant(host, ()).update(host, {})
        for host in (a_host(24, 25, 26, 27, 28), a_host(99, 34, 33, 17, 18))
    )
    assert one.values["irqwatch_interrupts_total"] == other.values["irqwatch_interrupts_total"]
    assert one.values["irqwatch_interrupts_total"] == {
        ("eth0", "eth0", ""): 10,
        ("eth0", "eth0-rx-*", "0"): 20,
        ("eth0", "eth0-rx-*", "1"): 30,
        ("usb1", "xhci_hcd", "#0"): 40,
        ("usb1", "xhci_hcd", "#1"): 50,
    }
    assert one.histograms == other.histograms
    times = one.histograms["irqwatch_hardirq_duration_seconds"]
    assert {labels: time.count for labels, time in times.items()} == {
        ("eth0", "eth0"): 6,
        ("eth0", "eth0-rx-*"): 12,
        ("usb1", "xhci_hcd"): 12,
    }
    info = other.values["irqwatch_interrupt_info"]
    assert ("33", "eth0", "eth0-rx-*", "1", "eth0-rx-1") in info
    assert len(info) == 5


def test_a_probe_that_cannot_be_read_for_once_makes_nothing_jump() -> None:
    host = large(2, 6, devices=2, works=3)
    accountant = Accountant(host, ())
    first = accountant.update(host, {})
    accountant.update(replace(host, probe=None), {})
    again = accountant.update(host, {})
    assert again.histograms == first.histograms
    assert again.values == first.values


def test_ever_new_names_are_in_other_and_few() -> None:
    """As after a day of mixed load."""
    host = large(2, 20, devices=5, works=0)
    accountant = Accountant(host, ())
    size = 0
    for turn in range(1, 40):
        works = large(2, 0, devices=1, works=20, scale=turn).probe
        assert works and host.probe
        renamed = tuple(
            replace(work, function=f"{work.function}_{turn}") for work in works.parts["works"]
        )
        now = replace(
            host,
            monotonic_ns=(100 + 60 * turn) * 10**9,
            probe=with_parts(host.probe, works=renamed),
        )
        sheet = accountant.update(now, {})
        size = max(size, len(sheet.histograms["irqwatch_work_duration_seconds"]))
    assert size <= 4
