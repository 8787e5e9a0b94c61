"""The wiring of ``irqwatch serve``."""

from dataclasses import replace

import pytest

from irqwatch.cli.options import chosen_collectors
from irqwatch.cli.serve import COVERAGE_NS, Scraper, describe
from irqwatch.model.snapshot import Unavailable
from tests.hosts import ALL, busy, empty


@pytest.mark.parametrize(
    ("named", "disable_defaults", "chosen"),
    [
        ({}, False, ALL),
        ({"work": False}, False, {"hardirq", "softirq"}),
        ({}, True, set()),
        ({"work": True}, True, {"work"}),
        ({"work": True, "softirq": False}, False, {"hardirq", "work"}),
    ],
)
def test_collectors(named, disable_defaults, chosen):
    every = dict.fromkeys(("hardirq", "softirq", "work")) | named

    assert chosen_collectors(every, disable_defaults=disable_defaults) == chosen


def test_description_is_one_line_of_what_is_on_off_and_missing():
    host = replace(empty(), unavailable=(Unavailable("probe", "not root"),))

    assert describe(host, frozenset({"work"}), ":1") == (
        "irqwatch: listening on :1; timing nothing; off: hardirq, softirq; no probe: not root"
    )


class Recorder:
    """In place of the exporter: keeps the coverage that each scrape is given."""

    def __init__(self):
        self.coverage = []

    def render(self, snapshot, coverage, accept):
        self.coverage.append(coverage)
        return b"", ""


def test_coverage_is_of_the_last_interval_that_was_long_enough():
    ticks = [3, 12, 13, 30]
    hosts = iter([busy(tick) for tick in ticks])
    recorder = Recorder()
    scraper = Scraper(lambda: next(hosts), busy(2), recorder)
    for _ in ticks:
        assert scraper("") == (b"", "")

    assert COVERAGE_NS == 10 * 10**9
    early, first, same, second = recorder.coverage
    assert early == {}
    assert first.keys() == {"hardirq", "softirq"}
    assert same is first
    assert second is not first
