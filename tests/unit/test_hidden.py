"""A host of which files are hidden, as container runtimes do: no verb says "nothing" where the
truth is that it cannot be seen."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from irqwatch.cli import main
from irqwatch.derive.view import derive
from irqwatch.sink.prometheus.values import Accountant
from irqwatch.source import slow_events
from irqwatch.source.live import LiveSource
from irqwatch.source.root import Root
from tests.fixtures.proc.trees import unpack

# What each would say of a host that has no interrupts, or has them and they are quiet.
SAYS_NOTHING = (
    "change nothing",
    "nothing to move",
    "quiet",
    "there is no interrupt",
    "no interrupt belongs to",
    "no interrupt is of such",
    "nothing was counted in this interval",
    "0/s",
)


def is_masked(path: Path) -> None:
    """By /dev/null."""
    path.write_bytes(b"")


def is_missing(path: Path) -> None:
    path.unlink()


def is_a_header(path: Path) -> None:
    path.write_bytes(path.read_bytes().split(b"\n")[0] + b"\n")


def is_garbled(path: Path) -> None:
    path.write_bytes(b"no header\n")


@dataclass(frozen=True)
class Hidden:
    root: Root
    path: Path


WAYS = (is_masked, is_missing, is_a_header, is_garbled)


@pytest.fixture(params=WAYS)
def interrupts(request: pytest.FixtureRequest, tmp_path: Path) -> Hidden:
    root = unpack("virtio_vm", tmp_path)
    hide: Callable[[Path], None] = request.param
    hide(root.procfs / "interrupts")
    return Hidden(root, root.procfs / "interrupts")


@pytest.fixture
def call(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str]]:
    def call(*words: object) -> tuple[int, str]:
        """The status, and all that was written."""
        monkeypatch.setattr("sys.argv", ["irqwatch", *map(str, words)])
        status = main.run()
        said = capsys.readouterr()
        return status, said.out + said.err

    return call


def of(root: Root) -> tuple[object, ...]:
    paths = ("--path.procfs", root.procfs, "--path.sysfs", root.sysfs)
    return (*paths, "--collector.disable-defaults")


SHORT = ("--duration", 0.02, "--windows", 2)
VERBS: dict[str, tuple[tuple[object, ...], int]] = {
    "top": (("top", "-b", "-n", 1, "-d", 0.02), 0),
    "top --json": (("top", "--json", "-n", 1, "-d", 0.02), 0),
    "explain": (("explain", 34, "-d", 0.02), 1),
    "explain --json": (("explain", 34, "-d", 0.02, "--json"), 1),
    "advise": (("advise", *SHORT), 1),
    "advise --json": (("advise", *SHORT, "--json"), 1),
    "advise --script": (("advise", *SHORT, "--script"), 1),
    "advise --exit-code": (("advise", *SHORT, "--exit-code"), 1),
    "advise --device": (("advise", *SHORT, "--device", "vda"), 1),
    "trace --device": (("trace", "--device", "vda"), 1),
    "trace --device --irq": (("trace", "--device", "vda", "--irq", 34), 1),
}


@pytest.mark.parametrize("verb", VERBS)
def test_hidden_interrupts_are_said_to_be(
    verb: str,
    interrupts: Hidden,
    call: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words, status = VERBS[verb]
    # It times the kernel that runs, so it has no options for another host's files.
    monkeypatch.setattr(slow_events, "Root", lambda: interrupts.root)
    monkeypatch.setattr(slow_events, "why_no_bpf", lambda: "")
    done, said = call(*words, *(of(interrupts.root) if words[0] != "trace" else ()))
    assert done == status, said
    assert f"{interrupts.path} " in said
    assert not [words for words in SAYS_NOTHING if words in said]


def test_so_they_are_when_recorded_and_played_back(
    interrupts: Hidden, call: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    recording = tmp_path / "host.irqw"
    done, said = call("record", recording, "-n", 3, "-d", 0.02, *of(interrupts.root))
    assert done == 0 and f"{interrupts.path} " in said
    for verb, status in (("top -b", 0), ("top --json", 0), ("explain 34", 1), ("advise", 1)):
        done, said = call(*verb.split(), "--from", recording)
        assert (done, f"{interrupts.path} " in said) == (status, True), verb
        assert not [words for words in SAYS_NOTHING if words in said]


def test_so_they_are_in_a_scrape(interrupts: Hidden) -> None:
    with LiveSource(interrupts.root, ()) as source:
        snapshot = source.sample()
    values = Accountant(snapshot, ()).update(snapshot, {}).values
    assert values["irqwatch_collector_success"]["interrupts",] == 0
    reasons = dict(values["irqwatch_unavailable_info"].keys())
    assert str(interrupts.path) in reasons["interrupts"]
    assert not values.get("irqwatch_interrupts_total")


def test_a_plan_of_hidden_interrupts_has_no_figures_and_is_not_applied(
    interrupts: Hidden, call: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    done, said = call("advise", *SHORT, "--json", *of(interrupts.root))
    made = json.loads(said)
    assert made["verdict_figures"]["kind"] == "cannot-tell" and not made["change"]
    figures = ("busiest_now", "busiest_planned", "spread", "lower_bound", "gap")
    assert {made[name] for name in figures} == {None}
    assert (made["cpus"], made["exact"]) == ([], False)

    apply = ("--apply", "--yes", "--journal", tmp_path / "journal")
    done, said = call("advise", *SHORT, *apply, *of(interrupts.root))
    assert done == 1 and "Nothing to apply: it cannot be told" in said

    done, said = call("advise", *SHORT, "--script", *of(interrupts.root))
    ran = subprocess.run(["sh", "-c", said], capture_output=True, text=True, check=False)
    assert ran.returncode == 1 and "it cannot be told" in ran.stderr


@pytest.mark.parametrize("hide", WAYS)
@pytest.mark.parametrize(
    ("name", "part"), [("softirqs", "softirqs"), ("stat", "cpu_times")], ids=["softirqs", "stat"]
)
def test_other_hidden_files_take_nothing_else_with_them(
    name: str, part: str, hide: Callable[[Path], None], tmp_path: Path
) -> None:
    root = unpack("virtio_vm", tmp_path)
    path = root.procfs / name
    hide(path)
    with LiveSource(root, ()) as source:
        before, after = source.sample(), source.sample()
    lacks = {lack.part: lack.reason for lack in derive(after, before).unavailable}
    assert str(path) in lacks.pop(part)
    assert set(lacks) <= {"softnet"}
    assert after.lines
    for cpu in derive(after, before).cpus:
        assert (cpu.user is None) == (part == "cpu_times")
