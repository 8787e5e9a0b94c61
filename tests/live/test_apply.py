"""Real lines of this host: those that move, and where it has such, one that the kernel manages and
one that never interrupts."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click
import pytest

from irqwatch.affinity import journal
from irqwatch.cli.apply import Wishes, apply, host_access, undo_journal
from irqwatch.model.plan import Busier, CpuLoad, Move, Plan, PlannedLine
from irqwatch.model.snapshot import Snapshot
from irqwatch.parse import cpulist
from irqwatch.sink.advise import words
from irqwatch.sink.affinity.script import to_script
from irqwatch.source.root import Root
from tests import affinity
from tests.e2e.serving import LIMIT_SECONDS
from tests.live.agent import IRQWATCH
from tests.live.kernel import added, interrupt_counts, wait_for
from tests.live.lines import Driven, action_of, is_writable, lines_here, movable_line

pytestmark = pytest.mark.live

REPOSITORY = Path(__file__).resolve().parents[2]


def read_cpus(irq: int, name: str) -> str:
    return Path(f"/proc/irq/{irq}/{name}").read_text().strip()


def mask(irq: int) -> str:
    return read_cpus(irq, "smp_affinity_list")


def effective(irq: int) -> int:
    """The first of its CPUs, which is the only one but on few machines."""
    return min(cpulist.parse(read_cpus(irq, "effective_affinity_list").encode()))


def make_interrupts(lines: Iterable[Driven]) -> None:
    """At least ten on each."""
    for line in lines:
        before = interrupt_counts()[line.irq]

        def arrived(line: Driven = line, before: int = before) -> bool:
            line.interrupt(20)
            return added(interrupt_counts()[line.irq], before) >= 10

        wait_for(arrived, f"interrupts of {line.action}")


def idle_line(driven: set[int]) -> int | None:
    """One that has never interrupted, is placed, and may be moved."""
    counts = interrupt_counts()
    return next((irq for irq in sorted(counts.keys() - driven) if _is_idle(irq, counts[irq])), None)


def _is_idle(irq: int, count: int) -> bool:
    is_placed = Path(f"/proc/irq/{irq}/effective_affinity_list").exists()
    is_placed = is_placed and bool(read_cpus(irq, "effective_affinity_list"))
    return not count and is_placed and bool(action_of(irq)) and is_writable(irq)


@dataclass(frozen=True)
class Here:
    """Lines of this host: ``movable`` are driven, one at least; so is ``fixed``."""

    movable: tuple[Driven, ...]
    fixed: Driven | None
    idle: int | None

    @property
    def driven(self) -> tuple[Driven, ...]:
        return (*self.movable, self.fixed) if self.fixed else self.movable

    @property
    def irqs(self) -> list[int]:
        irqs = [line.irq for line in self.driven]
        return irqs if self.idle is None else [*irqs, self.idle]


@pytest.fixture
def here() -> Iterator[Here]:
    """Their masks are as before at the end."""
    movable_line()  # or skip
    driven = lines_here().values()
    found = Here(
        tuple(line for line in driven if line.is_movable),
        next((line for line in driven if not line.is_movable), None),
        idle_line({line.irq for line in driven}),
    )
    before = {irq: mask(irq) for irq in found.irqs}
    make_interrupts(found.driven)  # what is still pending comes into force
    yield found
    for irq, text in before.items():
        if mask(irq) != text:
            Path(f"/proc/irq/{irq}/smp_affinity_list").write_text(text)


def plan(irqs: Iterable[int]) -> Plan:
    """Each to a CPU where it is not."""
    now = host_access(Root()).observe()
    moves = tuple(_move(now, irq, 0.1 * (n + 1)) for n, irq in enumerate(irqs))
    made = affinity.plan(*moves)
    loads = tuple(CpuLoad(cpu, 0.5, 0.5, 0.1, True) for cpu in now.topology.online)
    return replace(made, host=now.host, loads=loads, moves=moves)


def _move(now: Snapshot, irq: int, load_: float) -> Move:
    (row,) = [row for row in now.lines if row.irq == irq]
    (setting,) = [setting for setting in now.settings if setting.irq == irq]
    device = next((d.device for d in now.devices if d.irq == irq), row.actions[0])
    requested, runs_on = setting.affinity, setting.effective
    assert requested and runs_on
    line = PlannedLine(irq, row.actions, row.hwirq, device)
    to = frozenset({min(frozenset(now.topology.online) - runs_on)})
    return Move(line, requested, runs_on, to, load_, Busier(load_, 0.0))


def counts_by_cpu(irq: int) -> dict[int, int]:
    rows = Path("/proc/interrupts").read_text(errors="replace").splitlines()
    cpus = [int(name.removeprefix("CPU")) for name in rows[0].split()]
    for row in rows[1:]:
        label, *counts = row.split(None, len(cpus) + 1)
        if label == f"{irq}:":
            return dict(zip(cpus, map(int, counts[: len(cpus)]), strict=True))
    raise AssertionError(f"no line {irq}")


def test_lines_move_and_go_back(
    here: Here, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = plan(here.irqs)
    to = {move.line.irq: min(move.to) for move in made.moves}
    before = {irq: (mask(irq), effective(irq)) for irq in here.irqs}
    steps: dict[int, dict[int, int]] = {}

    def measure() -> Plan:
        make_interrupts(here.driven)  # the first of each is still taken by the old CPU
        first = {irq: counts_by_cpu(irq) for irq in here.irqs}
        make_interrupts(here.driven)
        for irq, counts in first.items():
            after = counts_by_cpu(irq)
            steps[irq] = {cpu: added(after[cpu], count) for cpu, count in counts.items()}
        return made

    path = tmp_path / "affinity-1.json"
    assert apply(made, measure, Root(), Wishes(yes=True, journal=path)) == 0
    said = capsys.readouterr().out
    for line in here.movable:
        irq, there = line.irq, to[line.irq]
        assert f"{irq} {line.action}  ok: " in said
        assert (mask(irq), effective(irq)) == (str(there), there)
        assert (steps[irq][before[irq][1]], steps[irq][there] >= 10) == (0, True)
    if here.idle is not None:
        assert f"{here.idle} {action_of(here.idle)}  unverified" in said
    if here.fixed:
        irq = here.fixed.irq
        assert f"{irq} {here.fixed.action}  stays {before[irq][0]}: immovable" in said
        assert (mask(irq), effective(irq)) == before[irq]

    with interrupting(here):
        assert undo_journal(str(path), Root()) == 0
        for line in here.driven:
            assert mask(line.irq) == before[line.irq][0], line
            wait_for(lambda line=line: is_back(line, before[line.irq][0]), f"{line} to be back")
    if here.idle is not None:
        assert mask(here.idle) == before[here.idle][0]
    assert journal.read(path).undone


def is_back(line: Driven, mask: str) -> bool:
    """Of a wide mask the kernel may take another CPU than it had."""
    return effective(line.irq) in cpulist.parse(mask.encode())


@contextlib.contextmanager
def interrupting(here: Here) -> Iterator[None]:
    """Lines must be interrupted to move."""
    words = "; ".join(
        (
            "from tests.live.test_apply import *",
            f"lines = [line for line in lines_here().values() if line.irq in {here.irqs!r}]",
            "[make_interrupts(lines) for _ in range(1000)]",
        )
    )
    process = subprocess.Popen([sys.executable, "-c", words], cwd=REPOSITORY)
    irq = here.movable[0].irq
    try:
        count = interrupt_counts()[irq]
        wait_for(lambda: interrupt_counts()[irq] > count, "the load to begin")
        yield
    finally:
        process.kill()
        process.wait()


# Others load this host too: however much busier it is in the second measurement, that is no ground
# here to put all back.
NEVER_WORSE = ("--set", "min_gain=1000000")


def test_the_command_moves_a_line_and_undoes_it(here: Here, tmp_path: Path) -> None:
    """Off the CPU where it is, as that one is left out."""
    line = here.movable[0]
    irq, before = line.irq, mask(line.irq)
    there = min(os.sched_getaffinity(0) - {effective(irq)})
    wanted = ("--cpus", str(there), "--set", "idle_load=0.00001", "--duration", "2")
    path = tmp_path / "affinity.json"
    with interrupting(here):
        done = advise("--json", "--apply", "--yes", "--journal", str(path), *wanted, *NEVER_WORSE)
        document = json.loads(done.stdout)
        assert (document["kept"], done.returncode) == (True, 0), done.stderr
        assert irq in {one["irq"] for one in document["written"] if one["to"] == [there]}
        verdicts = {one["irq"]: one["verdict"] for one in document["checked"]}
        assert verdicts[irq] == "ok"
        assert here.fixed is None or here.fixed.irq not in verdicts
        assert (mask(irq), effective(irq)) == (str(there), there)
        undone = advise("--undo", str(path))
        assert undone.returncode == 0
        assert f"{irq} {line.action}  restored" in undone.stdout
        assert mask(irq) == before
        wait_for(lambda: is_back(line, before), "it to be back")


def advise(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [IRQWATCH, "advise", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )


def test_a_signal_puts_real_lines_back(here: Here, tmp_path: Path) -> None:
    irq = here.movable[0].irq
    made = plan([irq])

    def measure() -> Plan:
        assert mask(irq) != before
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("it goes on")

    before = mask(irq)
    with pytest.raises(click.Abort):
        apply(made, measure, Root(), Wishes(yes=True, journal=tmp_path / "affinity-1.json"))
    assert mask(irq) == before


def test_the_script_on_real_lines(here: Here, tmp_path: Path) -> None:
    irq = here.movable[0].irq
    made = plan([irq])
    script = tmp_path / "plan.sh"
    script.write_text(to_script(made, words.verdict(made), words.reasons(made)))
    before, there = mask(irq), min(made.moves[0].to)

    def run(*words: str) -> str:
        return subprocess.run(
            ["sh", str(script), *words],
            stdout=subprocess.PIPE,
            check=True,
            text=True,
            timeout=LIMIT_SECONDS,
        ).stdout

    assert f"CPU {before} -> {there}" in run()
    here.movable[0].interrupt(20)
    assert f"runs on CPU {there}" in run("verify")
    assert f"CPU {there} -> {before}" in run("undo")
    assert mask(irq) == before
