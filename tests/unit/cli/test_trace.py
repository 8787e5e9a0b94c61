"""``irqwatch trace``: what it takes for a duration."""

from itertools import accumulate

import pytest
from click.testing import CliRunner

from irqwatch.cli import trace
from irqwatch.cli.trace import _events, command
from irqwatch.collectors import SLOW_KINDS
from irqwatch.errors import ProbeError
from irqwatch.model.slow_event import SlowEvent
from irqwatch.source.slow_events import WantedEvents


@pytest.mark.parametrize("seconds", ["nan", "inf", "0", "-1", "1e300"])
def test_a_duration_that_is_none_is_wrong_usage(seconds: str) -> None:
    done = CliRunner().invoke(command, ["-d", seconds])
    assert done.exit_code == 2
    assert "is not from 0.01" in done.output


class Dropping:
    """A source without events that drops as many more as told at each look."""

    def __init__(self, drops: list[int]) -> None:
        self.totals = list(accumulate(drops))

    def read(self, wait_seconds: float) -> list[SlowEvent]:
        return []

    def dropped(self) -> int:
        if len(self.totals) == 1:
            raise KeyboardInterrupt
        return self.totals.pop(0)


def test_one_event_that_is_dropped_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        list(_events(Dropping([1, 0, 2, 0]), None))  # type: ignore[arg-type]
    assert capsys.readouterr().err.splitlines() == [
        "irqwatch: 1 event dropped: they came too fast",
        "irqwatch: 2 events dropped: they came too fast",
    ]


def test_each_kind_can_be_asked_for_and_reaches_the_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[WantedEvents] = []

    def source(wanted: WantedEvents) -> None:
        asked.append(wanted)
        raise ProbeError("no probe here")

    monkeypatch.setattr(trace, "SlowEvents", source)
    words = [word for kind in SLOW_KINDS for word in ("--kind", kind.replace(" ", "-"))]
    done = CliRunner().invoke(command, words)
    assert isinstance(done.exception, ProbeError)
    assert [wanted.kinds for wanted in asked] == [frozenset(SLOW_KINDS)]


def test_a_kind_that_is_none_is_wrong_usage() -> None:
    done = CliRunner().invoke(command, ["--kind", "interrupt"])
    assert done.exit_code == 2
    assert "softirq-wait" in done.output
