"""Work whose time on a CPU the kernel does not tell: unknown in every face, and of its cause. And
recordings of before it was asked."""

import json

from irqwatch.collectors.hardirq import HardirqTime
from irqwatch.collectors.work import WorkCause, WorkTime
from irqwatch.derive.line_story import story
from irqwatch.derive.view import derive
from irqwatch.model.histogram import Histogram
from irqwatch.model.snapshot import SCHEMA, CountAndTime, Host, Line, Snapshot
from irqwatch.model.topology import Cpu, Topology
from irqwatch.sink import explain, view_json
from irqwatch.sink.prometheus import Exporter
from irqwatch.sink.top.frame import plain
from irqwatch.sink.top.state import State
from tests.probes import a_probe

COLLECTORS = frozenset({"hardirq", "softirq", "vector", "work", "cause"})
SECOND_NS = 10**9


def at(tick: int, *, is_known: bool | None = False) -> Snapshot:
    """Each second a line fires once, and what it queues sleeps for half a second."""
    runs = CountAndTime(tick, tick * SECOND_NS // 2)
    tick_alone = CountAndTime(tick, 0)
    probe = a_probe(
        COLLECTORS - {"cause"},
        attached_ns=1,
        hardirqs=(HardirqTime(34, "eth0", 0, Histogram({20: tick}, 1000 * tick)),),
        works=(
            WorkTime(
                "flush",
                "events",
                run=Histogram({100: tick}, runs.ns),
                cpus={0: runs},
                is_on_cpu_known=is_known,
            ),
        ),
        work_causes=tuple(
            WorkCause(*cause, "flush", "events", 0, runs if is_known is None else tick_alone)
            for cause in ((34, "eth0", ""), (None, "", "task"))
        ),
    )
    return Snapshot(
        SCHEMA,
        monotonic_ns=tick * SECOND_NS,
        wall_ns=tick * SECOND_NS,
        host=Host("db1", "6.12.0", "9c1f"),
        topology=Topology({0: Cpu(0, online=True)}),
        lines=(Line("34", 34, {0: tick}, actions=("eth0",)),),
        probe=probe,
    )


BEFORE, AFTER = at(1), at(2)
VIEW = derive(AFTER, BEFORE)


def test_in_json() -> None:
    made = json.loads(view_json.to_json(VIEW))
    line, work = made["sources"]
    assert (work["seconds"], work["share"], work["cpu_seconds"]) == (None, None, {"0": None})
    assert work["wall_seconds"] == 0.5
    assert line["seconds"] == 1e-6
    assert line["whole_share"] is None
    for (caused,) in (line["caused"], made["uncaused"]):
        assert (caused["count"], caused["seconds"], caused["cpu_seconds"]) == (1, None, {"0": None})


def test_on_the_screen() -> None:
    everything = plain(VIEW, State(), 120) + plain(VIEW, State(view="cause"), 120)
    assert "flush" in everything
    assert "50.0%" not in everything  # neither its wall time's share nor a whole with it
    assert "0.0%      -" not in everything


def test_in_the_story_of_its_line() -> None:
    told = story(AFTER.lines[0], AFTER, VIEW)
    assert "work flush (events): 1 a second, - of one CPU" in explain.to_text(told)


def test_in_a_scrape() -> None:
    exporter = Exporter(AFTER, COLLECTORS, "1.2.3")
    exporter.update(AFTER, {})
    body, _ = exporter.render()
    lines = [line for line in body.decode().splitlines() if 'kind="work"' in line]
    assert any(line.startswith("irqwatch_caused_total") for line in lines)
    lines += [line for line in body.decode().splitlines() if line.startswith("irqwatch_work_")]
    assert not [
        line
        for line in lines
        if line.startswith(("irqwatch_caused_seconds_total", "irqwatch_work_cpu_seconds_total"))
    ]


def test_a_recording_of_before_gives_what_it_gave() -> None:
    view = derive(at(2, is_known=None), at(1, is_known=None))
    made = json.loads(view_json.to_json(view))
    line, work = made["sources"]
    assert (work["seconds"], work["cpu_seconds"]) == (0.5, {"0": 0.5})
    assert "wall_seconds" not in work
    assert line["caused"][0]["seconds"] == 0.5
