"""The wiring of ``irqwatch serve``."""

import os
from dataclasses import replace

import pytest
from click.testing import CliRunner

from irqwatch.cli import serve
from irqwatch.cli.main import irqwatch
from irqwatch.cli.options import chosen_collectors
from irqwatch.cli.serve import COVERAGE_NS, Scraper, describe
from irqwatch.collectors import COLLECTORS, DEFAULT_COLLECTORS
from irqwatch.model.snapshot import Unavailable
from tests.hosts import busy, empty
from tests.probes import with_parts


@pytest.mark.parametrize(
    ("named", "disable_defaults", "chosen"),
    [
        ({}, False, DEFAULT_COLLECTORS),
        ({"work": False}, False, DEFAULT_COLLECTORS - {"work"}),
        ({}, True, set()),
        ({"work": True}, True, {"work"}),
        ({"work": True, "softirq": False}, False, DEFAULT_COLLECTORS - {"softirq"}),
        ({"syscall": True}, False, DEFAULT_COLLECTORS | {"syscall"}),
    ],
)
def test_collectors(named, disable_defaults, chosen):
    every = dict.fromkeys(COLLECTORS) | named

    assert chosen_collectors(every, disable_defaults=disable_defaults) == chosen


def test_description_is_one_line_of_what_is_on_off_and_missing():
    host = replace(empty(), unavailable=(Unavailable("probe", "not root"),))

    assert describe(host, DEFAULT_COLLECTORS - {"hardirq", "softirq"}, ":1", "") == (
        "listening on :1; timing nothing; off: hardirq, softirq; probe: not root"
    )


def test_description_says_that_root_is_kept():
    line = describe(empty(), DEFAULT_COLLECTORS, ":1", "still root: so it is")

    assert line == "listening on :1; timing nothing; still root: so it is"


@pytest.mark.parametrize("user", ["nosuch", "root", "no\0body"])
def test_user_who_cannot_be_is_refused_before_anything_is_opened(user, monkeypatch):
    def opened(*arguments):
        raise AssertionError("the listener was opened")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(serve, "listen", opened)
    result = CliRunner().invoke(irqwatch, ["serve", "--user", user])

    assert result.exit_code == 2
    assert "--user" in result.output


class Recorder:
    """In place of the exporter: keeps the coverage that each scrape is given."""

    def __init__(self):
        self.coverage = []

    def update(self, snapshot, coverage):
        self.coverage.append(coverage)

    def render(self, accept, collectors):
        return b"", accept


def test_coverage_is_of_the_last_interval_that_was_long_enough():
    ticks = [3, 12, 13, 30]
    hosts = iter([busy(tick) for tick in ticks])
    recorder = Recorder()
    scraper = Scraper(lambda: next(hosts), busy(2), recorder)
    for _ in ticks:
        assert scraper.refresh()
        assert scraper.render("x", "") == (b"", "x")

    assert COVERAGE_NS == 10 * 10**9
    early, first, same, second = recorder.coverage
    assert early == {}
    assert first.keys() == {"hardirq", "softirq"}
    assert same is first
    assert second is not first


def test_a_scrape_that_comes_too_soon_takes_no_sample():
    sampled, now_ns = [], [0]

    def sample():
        sampled.append(now_ns[0])
        return busy(3)

    scraper = Scraper(sample, busy(2), Recorder(), 1000, lambda: now_ns[0])
    for now_ns[0] in (0, 1, 999, 1000, 1500, 2000, 5000):
        assert scraper.refresh() == (sampled[-1:] == [now_ns[0]])
    assert sampled == [0, 1000, 2000, 5000]


def test_a_sample_that_failed_is_tried_again_at_once():
    attempts = []

    def sample():
        attempts.append(1)
        raise OSError

    scraper = Scraper(sample, busy(2), Recorder(), 1000, lambda: 0)
    for _ in range(2):
        with pytest.raises(OSError):
            scraper.refresh()
    assert len(attempts) == 2


def test_a_blind_collector_has_no_coverage():
    """Not one of zero: a collector that reads nothing is unavailable."""

    def blind(tick):
        host = busy(tick)
        losses = {"hardirq": {"exit_without_entry": 10_000 * tick}}
        return replace(host, probe=with_parts(host.probe, hardirqs=(), losses=losses))

    recorder = Recorder()
    Scraper(lambda: blind(12), blind(1), recorder).refresh()

    assert recorder.coverage[0].keys() == {"softirq"}
