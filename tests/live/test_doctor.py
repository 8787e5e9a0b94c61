"""What doctor says of this kernel, and of one that hands over what a collector cannot read."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from irqwatch.collectors import BY_NAME, COLLECTORS
from irqwatch.derive import doctor
from irqwatch.derive.view import derive
from irqwatch.sink import view_json
from irqwatch.sink.prometheus import Exporter
from irqwatch.sink.top import header
from irqwatch.source import loader, stimuli
from irqwatch.source.doctor import try_probe
from irqwatch.source.live import LiveSource
from irqwatch.source.root import Root
from tests.e2e.serving import LIMIT_SECONDS
from tests.live.agent import IRQWATCH
from tests.live.kernel import programs, wait_for

pytestmark = pytest.mark.live

REASON = "sees events and reads none of them: unreadable"


def told() -> dict[str, Any]:
    """By collector."""
    done = subprocess.run(
        [IRQWATCH, "doctor", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        timeout=LIMIT_SECONDS,
        check=True,
    )
    return {one["name"]: one for one in json.loads(done.stdout)["collectors"]}


def test_each_collector_that_is_given_something_reads_it() -> None:
    before = programs()
    found = told()
    print(*(f"\n{one['name']}: {one['detail']}" for one in found.values()))
    assert list(found) == list(COLLECTORS)
    for name, one in found.items():
        assert one["verdict"] in ("ok", "note"), one
        if BY_NAME[name].stimulus:
            assert one["verdict"] == "ok", one
            assert sum(one["counted"].values()) >= stimuli.TIMES, one
    wait_for(lambda: not programs() - before, "the programs to go")


@pytest.fixture
def blind_timers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe takes the tracepoint's time for an address, where it is none: so it goes with Linux
    7.1 and newer, which pass it by value."""
    folder = tmp_path / "bpf"
    shutil.copytree(loader.bpf_folder(), folder)
    source = folder / "timer.c"
    right = source.read_text()
    wrong = right.replace("(void *)argument", "(void *)8")
    assert wrong != right
    source.write_text(wrong)
    monkeypatch.setattr(loader, "bpf_folder", lambda: folder)


@pytest.mark.usefixtures("blind_timers")
def test_a_collector_that_can_read_nothing_is_said_to_be_blind() -> None:
    trial = try_probe(frozenset({"timer", "softirq"}))

    found = {one.name: one for one in doctor.tried(trial)}
    assert found["timer"].verdict == "missing"
    assert found["timer"].detail.startswith(REASON)
    assert found["timer"].lost is not None
    assert found["timer"].lost["unreadable"] >= stimuli.TIMES
    assert found["softirq"].verdict == "ok"


@pytest.mark.usefixtures("blind_timers")
def test_no_face_takes_a_blind_collector_for_one_that_reads() -> None:
    asked = {"timer", "softirq"}
    with LiveSource(Root(), asked) as source:
        before = source.sample()
        stimuli.give(["timer", "packet"])
        after = source.sample()

    view = derive(after, before)
    frame = json.loads(view_json.to_json(view))
    assert frame["collectors"] == ["softirq"]
    assert {"part": "timer", "reason": REASON} in frame["unavailable"]
    lines = ["".join(span.text for span in line) for line in header.lines(view, None)]
    assert f"timer: {REASON}" in lines

    exporter = Exporter(before, asked, "1", own_process=False)
    exporter.update(after, {})
    metrics = exporter.render()[0].decode()
    assert 'irqwatch_collector_success{collector="timer"} 0.0' in metrics
    assert 'irqwatch_collector_success{collector="softirq"} 1.0' in metrics
    assert f'irqwatch_unavailable_info{{part="timer",reason="{REASON}"}} 1.0' in metrics
