"""Signals as sources."""

from irqwatch.derive.view import derive
from irqwatch.model.view import CpuPart, Source
from tests import hosts


def signals() -> dict[tuple[str, str | None], Source]:
    view = derive(hosts.busier(2), hosts.busier(1))
    return {(s.name, s.origin): s for s in view.sources if s.kind == "signal"}


def test_by_name_and_origin() -> None:
    assert list(signals()) == [("SIGALRM", "timer"), ("SIGALRM", "user"), ("SIGTERM", "user")]


def test_counts_those_generated_and_times_those_delivered() -> None:
    alarm = signals()["SIGALRM", "timer"]
    assert (alarm.count, alarm.delivered_count, alarm.dropped_count) == (20, 15, 5)
    assert alarm.cpus == {0: CpuPart(20, None)}
    assert (alarm.seconds, alarm.share, alarm.p99_s, alarm.worst) == (None, None, None, None)
    assert alarm.latency_p99_s and 35e-6 <= alarm.latency_p99_s <= 47e-6
    assert alarm.latency_max_s == 47e-6
    assert alarm.worst_latency and alarm.worst_latency.comm == "make"


def test_one_that_was_generated_before_the_interval_shows() -> None:
    term = signals()["SIGTERM", "user"]
    assert (term.count, term.delivered_count) == (0, 1)
