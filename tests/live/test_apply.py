"""Real lines of this class of machine: virtio-rng and a network queue move, virtio-blk's queue is
the kernel's own and does not."""

import contextlib
import json
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import click
import pytest

from irqwatch.affinity import journal
from irqwatch.cli.apply import Wishes, apply, host_access, undo_journal
from irqwatch.model.plan import Busier, CpuLoad, Move, Plan, PlannedLine
from irqwatch.model.snapshot import Snapshot
from irqwatch.sink.advise import words
from irqwatch.sink.affinity.script import to_script
from irqwatch.source.root import Root
from tests import affinity
from tests.e2e.serving import LIMIT_SECONDS
from tests.live import load
from tests.live.agent import IRQWATCH
from tests.live.kernel import interrupt_counts, line_named, wait_for

pytestmark = pytest.mark.live

RNG, NET, DISK, IDLE = "virtio4-input", "virtio2-output.0", "virtio1-req.0", "virtio4-config"
DISCARD_PORT = 9
TRIES = 10  # others load this host too
REPOSITORY = Path(__file__).resolve().parents[2]


def read_cpus(irq: int, name: str) -> str:
    return Path(f"/proc/irq/{irq}/{name}").read_text().strip()


def mask(irq: int) -> str:
    return read_cpus(irq, "smp_affinity_list")


def effective(irq: int) -> int:
    return int(read_cpus(irq, "effective_affinity_list"))


def send_to_gateway(count: int) -> None:
    """Packets that leave by the network card: its transmit queue interrupts when they are gone."""
    rows = [row.split() for row in Path("/proc/net/route").read_text().splitlines()[1:]]
    (gateway,) = {int(row[2], 16) for row in rows if row[1] == "00000000"}
    address = socket.inet_ntoa(struct.pack("=I", gateway))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        for _ in range(count):
            udp.sendto(b"", (address, DISCARD_PORT))


def make_interrupts(irqs: dict[str, int]) -> None:
    """At least ten on each line but the idle one."""
    for name, make in ((RNG, load.read_hwrng), (NET, send_to_gateway), (DISK, load.read_disk)):
        before = interrupt_counts()[irqs[name]]

        def arrived(name: str = name, make: Callable[[int], None] = make, n: int = before) -> bool:
            make(20)
            return interrupt_counts()[irqs[name]] >= n + 10

        wait_for(arrived, f"interrupts of {name}")


@pytest.fixture
def irqs() -> Iterator[dict[str, int]]:
    """Numbers by name; their masks are as before at the end."""
    numbers = {name: line_named(name) for name in (RNG, NET, DISK, IDLE)}
    before = {irq: mask(irq) for irq in numbers.values()}
    make_interrupts(numbers)  # what is still pending comes into force
    yield numbers
    for irq, text in before.items():
        if mask(irq) != text:
            Path(f"/proc/irq/{irq}/smp_affinity_list").write_text(text)


def plan(irqs: dict[str, int]) -> Plan:
    """Each to the CPU where it is not."""
    now = host_access(Root()).observe()
    moves = tuple(_move(now, irq, 0.1 * (n + 1)) for n, irq in enumerate(irqs.values()))
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
    to = frozenset(now.topology.online) - runs_on
    return Move(line, requested, runs_on, to, load_, Busier(load_, 0.0))


def counts_by_cpu(irq: int) -> list[int]:
    for row in Path("/proc/interrupts").read_text(errors="replace").splitlines():
        if row.split(":")[0].strip() == str(irq):
            return [int(count) for count in row.split()[1:3]]
    raise AssertionError(f"no line {irq}")


def test_lines_move_and_go_back(
    irqs: dict[str, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = plan(irqs)
    before = {irq: (mask(irq), effective(irq)) for irq in irqs.values()}
    added: dict[int, list[int]] = {}

    def measure() -> Plan:
        make_interrupts(irqs)  # the first of each is still taken by the old CPU
        first = {irq: counts_by_cpu(irq) for irq in irqs.values()}
        make_interrupts(irqs)
        for irq, counts in first.items():
            added[irq] = [b - a for a, b in zip(counts, counts_by_cpu(irq), strict=True)]
        return made

    path = tmp_path / "affinity-1.json"
    assert apply(made, measure, Root(), Wishes(yes=True, journal=path)) == 0
    said = capsys.readouterr().out
    for name in (RNG, NET):
        irq, here = irqs[name], before[irqs[name]][1]
        there = 1 - here
        assert f"{irq} {name}  ok: " in said
        assert (mask(irq), effective(irq)) == (str(there), there)
        assert (added[irq][here], added[irq][there] >= 10) == (0, True)
    assert f"{irqs[IDLE]} {IDLE}  unverified" in said
    assert f"{irqs[DISK]} {DISK}  stays {before[irqs[DISK]][0]}: immovable" in said
    assert (mask(irqs[DISK]), effective(irqs[DISK])) == before[irqs[DISK]]

    with interrupting(irqs):
        assert undo_journal(str(path), Root()) == 0
        for name in (RNG, NET, DISK):
            assert mask(irqs[name]) == before[irqs[name]][0], name
            wait_for(lambda irq=irqs[name]: effective(irq) == before[irq][1], f"{name} to be back")
    assert mask(irqs[IDLE]) == before[irqs[IDLE]][0]
    assert journal.read(path).undone


@contextlib.contextmanager
def interrupting(irqs: dict[str, int]) -> Iterator[None]:
    """Lines must be interrupted to move."""
    words = "; ".join(
        (
            "from tests.live.test_apply import *",
            f"irqs = {irqs!r}",
            "[make_interrupts(irqs) for _ in range(1000)]",
        )
    )
    process = subprocess.Popen([sys.executable, "-c", words], cwd=REPOSITORY)
    try:
        count = interrupt_counts()[irqs[RNG]]
        wait_for(lambda: interrupt_counts()[irqs[RNG]] > count, "the load to begin")
        yield
    finally:
        process.kill()
        process.wait()


def test_the_command_moves_a_line_and_undoes_it(irqs: dict[str, int], tmp_path: Path) -> None:
    """Off the CPU where it is, as that one is left out."""
    irq = irqs[RNG]
    before, there = mask(irq), 1 - effective(irq)
    wanted = ("--cpus", str(there), "--set", "idle_load=0.00001", "--duration", "2")
    with interrupting(irqs):
        for number in range(TRIES):
            path = tmp_path / f"affinity-{number}.json"
            done = advise("--json", "--apply", "--yes", "--journal", str(path), *wanted)
            document = json.loads(done.stdout)
            assert document["kept"] == (done.returncode == 0)
            if document["kept"]:
                break
            assert mask(irq) == before  # it found the host busier than before, and put it back
        else:
            raise AssertionError(done.stderr)
        assert irq in {one["irq"] for one in document["written"] if one["to"] == [there]}
        verdicts = {one["irq"]: one["verdict"] for one in document["checked"]}
        assert verdicts[irq] == "ok"
        assert irqs[DISK] not in verdicts
        assert (mask(irq), effective(irq)) == (str(there), there)
        undone = advise("--undo", str(path))
        assert undone.returncode == 0
        assert f"{irq} {RNG}  restored" in undone.stdout
        assert mask(irq) == before
        wait_for(lambda: effective(irq) == 1 - there, "it to be back")


def advise(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [IRQWATCH, "advise", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_SECONDS,
    )


def test_a_signal_puts_real_lines_back(irqs: dict[str, int], tmp_path: Path) -> None:
    made = plan({RNG: irqs[RNG]})

    def measure() -> Plan:
        assert mask(irqs[RNG]) != before
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("it goes on")

    before = mask(irqs[RNG])
    with pytest.raises(click.Abort):
        apply(made, measure, Root(), Wishes(yes=True, journal=tmp_path / "affinity-1.json"))
    assert mask(irqs[RNG]) == before


def test_the_script_on_real_lines(irqs: dict[str, int], tmp_path: Path) -> None:
    made = plan({RNG: irqs[RNG]})
    script = tmp_path / "plan.sh"
    script.write_text(to_script(made, words.verdict(made), words.reasons(made)))
    before, there = mask(irqs[RNG]), 1 - effective(irqs[RNG])

    def run(*words: str) -> str:
        return subprocess.run(
            ["sh", str(script), *words],
            stdout=subprocess.PIPE,
            check=True,
            text=True,
            timeout=LIMIT_SECONDS,
        ).stdout

    assert f"CPU {before} -> {there}" in run()
    load.read_hwrng(20)
    assert f"runs on CPU {there}" in run("verify")
    assert f"CPU {there} -> {before}" in run("undo")
    assert mask(irqs[RNG]) == before
