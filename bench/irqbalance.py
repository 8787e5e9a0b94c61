"""irqbalance, the real daemon, against irqwatch's placement: the same hosts with the same loads.

    python bench/irqbalance.py [--seconds 70] [--hosts 5]

The hosts are simulated (``bench.fake_host``). The daemon runs on each in a mount namespace of its
own, all at once, as it sleeps nearly all of the time, and moves interrupts as it likes. *busiest /
best* is the load of the busiest CPU over the least that is possible: 1 is perfect. Of irqbalance it
is the mean over the last ``SETTLED_SECONDS``. Figures are means over the hosts of a set; sets are
named by CPUs x interrupts. Nothing is given to either that it would not have on a real host, and
both are given it exactly: /proc/stat to the tick, costs to the nanosecond.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import loads
from bench.fake_host import MOUNTS, FakeHost, Host
from bench.optimum import optimum
from bench.row import Row, table
from irqwatch.advise.placement import Item, Slot, place

STEP_SECONDS = 1.0
INTERVAL_SECONDS = 2  # the daemon's: a whole number of steps, so what it sees of one is exact
SETTLED_SECONDS = 20
MOST_RATIO = 1.05
END_LIMIT_SECONDS = 5

DAEMON = ("irqbalance", "--debug", "-t", str(INTERVAL_SECONDS))

# The daemon is not left behind when this process is killed.
OWN_NAMESPACES = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net")

# Mounts the second of each pair of arguments over the first, up to "--", then becomes what follows:
# but not where a mount does not hold, as the daemon would then balance this host. It makes a socket
# below /run.
MOUNTED = (
    "sh",
    "-c",
    'set -e; while [ "$1" != -- ]; do mount --bind "$2" "$1"; [ "$1" -ef "$2" ]; shift 2; done; '
    'shift; mount -t tmpfs none /run; exec "$@"',
    "sh",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a host. ``late_moves`` are those after it should have settled: irqbalance's of
    the last ``SETTLED_SECONDS``, irqwatch's of a second run."""

    ratio: float  # busiest / best
    moves: int
    late_moves: int


@dataclass(slots=True)
class Watched:
    """A host that irqbalance balances, and what has been seen there at each step."""

    fake: FakeHost
    daemon: subprocess.Popen[bytes]
    moves: list[int] = field(default_factory=list)
    busiest: list[float] = field(default_factory=list)

    def step(self) -> None:
        if self.daemon.poll() is not None:
            raise SystemExit(f"irqbalance ended by itself: {self.daemon.returncode}")
        self.moves.append(self.fake.advance(STEP_SECONDS))
        self.busiest.append(busiest(self.fake.host, self.fake.cpu_of))

    def outcome(self) -> Outcome:
        late = int(SETTLED_SECONDS / STEP_SECONDS)
        ratio = mean(self.busiest[-late:]) / best(self.fake.host)
        return Outcome(ratio, sum(self.moves), sum(self.moves[-late:]))


def busiest(host: Host, cpu_of: Mapping[int, int]) -> float:
    found = [0.0] * host.cpus
    for of in host.interrupts:
        found[cpu_of[of.irq]] += of.load
    return max(found)


@cache
def best(host: Host) -> float:
    """Of any placement."""
    return optimum((of.load for of in host.interrupts), host.cpus)


def by_irqbalance(hosts: Sequence[Host], seconds: float) -> list[Outcome]:
    with ExitStack() as stack:
        watched = [stack.enter_context(balanced(host)) for host in hosts]
        start = time.monotonic()
        for step in range(1, round(seconds / STEP_SECONDS) + 1):
            time.sleep(max(0, start + step * STEP_SECONDS - time.monotonic()))
            for one in watched:
                one.step()
        return [one.outcome() for one in watched]


@contextmanager
def balanced(host: Host) -> Iterator[Watched]:
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as name:
        fake = FakeHost(host, Path(name))
        pairs = [word for target, own in MOUNTS.items() for word in (target, f"{name}/{own}")]
        daemon = subprocess.Popen(
            [*OWN_NAMESPACES, *MOUNTED, *pairs, "--", *DAEMON],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            yield Watched(fake, daemon)
        finally:
            daemon.terminate()
            try:
                daemon.wait(END_LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def by_irqwatch(host: Host) -> Outcome:
    """With the same exact loads, once from where the interrupts are at the start, then again."""
    start = {of.irq: of.cpu for of in host.interrupts}
    placed, moves = planned(host, start)
    placed_again, late_moves = planned(host, placed)
    return Outcome(busiest(host, placed_again) / best(host), moves, late_moves)


def planned(host: Host, cpu_of: Mapping[int, int]) -> tuple[Mapping[int, int], int]:
    """Where irqwatch would have each interrupt, and how many moves that is."""
    cpus = range(host.cpus)
    slots = [Slot(cpu, base=0.0, node=0, core=cpu, eligible=True) for cpu in cpus]
    items = [
        Item(
            of.irq,
            of.load,
            spread=0.0,
            current=frozenset({cpu_of[of.irq]}),
            allowed=frozenset(cpus),
            node=0,
            movable=True,
        )
        for of in host.interrupts
    ]
    plan = place(items, slots, {0: (10,)})
    return {**cpu_of, **plan.cpu_of}, len(plan.moves)


def rows(seconds: float = 70, many: int = 5) -> Iterator[Row]:
    """``many`` is how many hosts each set has that is made up. None where irqbalance is not
    installed, with a line to standard error."""
    if not shutil.which("irqbalance"):
        print("irqbalance is not installed: apt-get install irqbalance", file=sys.stderr)
        return
    sets = dict([*loads.made_up(many), loads.recorded(), loads.large()])
    hosts = [host for each in sets.values() for host in each]
    theirs = iter(by_irqbalance(hosts, seconds))
    for name, each in sets.items():
        yield from compared(name, [next(theirs) for _ in each], [by_irqwatch(of) for of in each])


def compared(name: str, theirs: list[Outcome], ours: list[Outcome]) -> Iterator[Row]:
    for who, outcomes, budget in (("irqbalance", theirs, None), ("irqwatch", ours, MOST_RATIO)):
        ratios = [one.ratio for one in outcomes]
        note = f"worst {max(ratios):.2f}, hosts: {len(ratios)}"
        yield Row(f"{name}: busiest / best, {who}", mean(ratios), "x", budget, note)
    for who, outcomes, when in (
        ("irqbalance", theirs, f"in the last {SETTLED_SECONDS} s"),
        ("irqwatch", ours, "in a second run"),
    ):
        note = f"{mean(one.late_moves for one in outcomes):g} {when}"
        yield Row(f"{name}: moves, {who}", mean(one.moves for one in outcomes), "", note=note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=70, help="for irqbalance (default 70)")
    parser.add_argument("--hosts", type=int, default=5, help="of each made-up set (default 5)")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit(
            "bench: needs root: it mounts files over /proc and /sys, in a namespace of its own"
        )
    # By way of the context managers, which remove what is in memory.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: stopped"))
    if found := list(rows(arguments.seconds, arguments.hosts)):
        print(table(found))


if __name__ == "__main__":
    main()
