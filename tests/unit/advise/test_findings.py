"""Each finding on a host that has it, and on the nearest host that has not."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from irqwatch.advise.findings import RULES
from irqwatch.advise.plan import Wanted, make_plan
from irqwatch.model.plan import CONFIDENCES, SEVERITIES, Finding
from irqwatch.model.snapshot import Thread, Worst
from irqwatch.model.tuning import NetDevice, RealtimeTask, RxQueue, Tuning, TxQueue
from tests.advising import HOST, UPTIME, Busy, Machine, crowded, timer

DOCS = Path(__file__).resolve().parents[3] / "docs" / "advisor.md"

LATENCY = Wanted(goal="latency")


def cpus(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


def queues(count: int, load: float = 0.2, **more: object) -> tuple[Busy, ...]:
    """One on each CPU, round and round the four."""
    return tuple(
        Busy(30 + n, n % 4, load, f"eth0-TxRx-{n}", queue=n, **more)  # type: ignore[arg-type]
        for n in range(count)
    )


def net(rps: frozenset[int] = cpus(), xps: frozenset[int] | None = None, count: int = 4) -> Tuning:
    rx = tuple(RxQueue(n, rps) for n in range(count))
    return Tuning(net=(NetDevice("eth0", rx, tuple(TxQueue(n, xps) for n in range(count))),))


def tasks(ns: int, priority: int) -> Tuning:
    thread = RealtimeTask(40, "irq/30-eth0", 50, 0, 0, irq=30)
    return Tuning(tasks=(thread, RealtimeTask(41, "audio", priority, 0, ns)))


def pair(tx_cpu: int, tx: str = "eth0-tx-0") -> Machine:
    return Machine(
        (Busy(30, 0, 0.02, "eth0-rx-0", queue=0), Busy(31, tx_cpu, 0.0, tx, queue=0)),
    )


LINE = Busy(30, 0, 0.1, "eth0-TxRx-0", queue=0)
VIRTIO = Busy(30, 0, 0.1, "virtio0-input.0", queue=0)
NVME = tuple(Busy(40 + n, n, 0.1, f"nvme0q{n}", "nvme0", "nvme", n, writable=False) for n in (1, 2))
STORM = replace(LINE, rate=90_000, load=0.2, since_boot=1_000_000)
IRQBALANCE = (Thread(812, "irqbalance", "irqbalance", 0),)
REMOTE = Machine((replace(LINE, node=1, load=0.3),), nodes=2)
SIBLINGS = Machine((replace(LINE, load=0.4), Busy(31, 1, 0.4)), threads_per_core=2)
SLOW = Worst(2_000_000, UPTIME, 0, 812, "nginx")

FIRES: dict[str, tuple[Machine, Wanted]] = {
    "one-cpu-device": (crowded(), Wanted()),
    "remote-node": (REMOTE, Wanted()),
    "too-many-queues": (Machine(queues(6)), Wanted()),
    "too-few-queues": (Machine((LINE,), softirq={0: 0.6}), Wanted()),
    "siblings": (SIBLINGS, Wanted()),
    "reserved-cpu": (Machine((LINE,), isolated=cpus(0)), Wanted()),
    "immovable": (Machine((replace(LINE, writable=False),)), Wanted()),
    "managed-on-isolated": (
        Machine((replace(LINE, writable=False),), isolated=cpus(0)),
        Wanted(),
    ),
    "irqbalance": (crowded(threads=IRQBALANCE), Wanted()),
    "wide-mask": (Machine((LINE,)), Wanted()),
    "hint-not-followed": (Machine((replace(LINE, hint=cpus(2)),)), Wanted()),
    "unhandled": (Machine((replace(LINE, unhandled=500),)), Wanted()),
    "storm": (Machine((STORM,)), Wanted()),
    "time-squeeze": (Machine((LINE,), squeezes={0: 600}), Wanted()),
    "backlog-drops": (Machine((LINE,), drops={0: 600}), Wanted()),
    "ksoftirqd": (Machine((LINE,), ksoftirqd={0: 0.3}), Wanted()),
    "rps-self": (Machine(queues(4), tuning=net(rps=cpus(0, 1, 2, 3))), Wanted()),
    "rps-needless": (Machine(queues(4), tuning=net(rps=cpus(0, 1))), Wanted()),
    "xps-apart": (Machine(queues(4), tuning=net(xps=cpus(3))), Wanted()),
    "split-pair": (pair(1), Wanted()),
    "shared-line": (Machine((replace(LINE, neighbour=0.05),)), Wanted()),
    "thread-priority": (
        Machine((LINE,), tuning_before=tasks(0, 90), tuning=tasks(10**9, 90)),
        Wanted(),
    ),
    "not-in-force": (
        Machine((replace(LINE, asked=cpus(1), effective=cpus(0)),)),
        Wanted(),
    ),
    "offline-mask": (Machine((replace(LINE, asked=cpus(3)),), offline=cpus(3)), Wanted()),
    "default-mask": (
        Machine(isolated=cpus(3), tuning=Tuning(default_affinity=cpus(0, 1, 2, 3))),
        Wanted(),
    ),
    "one-queue-virtio": (Machine((VIRTIO,)), Wanted()),
    "few-nvme-queues": (Machine(NVME), Wanted()),
    "deep-idle": (Machine((LINE,), tuning=Tuning(idle_exit_us={0: 200}, is_guest=False)), LATENCY),
    "elephant": (Machine((replace(LINE, load=0.6), *queues(4, 0.02)[1:])), Wanted()),
    "late": (Machine(extra=(timer(0, 3_000_000),)), Wanted()),
}

# Why not → the same, but for that.
NOT_WHEN: dict[tuple[str, str], tuple[Machine, Wanted]] = {
    ("one-cpu-device", "under 5 % in all"): (
        crowded(lines=tuple(replace(line, load=0.011) for line in crowded().lines)),
        Wanted(),
    ),
    ("remote-node", "node not known"): (
        replace(REMOTE, lines=(replace(REMOTE.lines[0], node=None),)),
        Wanted(),
    ),
    ("remote-node", "local CPUs full"): (replace(REMOTE, softirq={2: 0.9, 3: 0.9}), Wanted()),
    ("remote-node", "local CPUs excluded"): (REMOTE, Wanted(cpus=cpus(0, 1))),
    ("too-many-queues", "a queue a core"): (Machine(queues(4)), Wanted()),
    ("too-few-queues", "no CPU full of softirqs"): (
        Machine((LINE,), softirq={0: 0.1}),
        Wanted(),
    ),
    ("too-few-queues", "one flow"): (
        Machine((LINE, replace(LINE, irq=31, queue=1, load=0.0)), softirq={0: 0.6}),
        Wanted(),
    ),
    ("siblings", "every core in use"): (
        replace(SIBLINGS, lines=(*SIBLINGS.lines, Busy(32, 2, 0.02))),
        Wanted(),
    ),
    ("reserved-cpu", "managed"): (
        Machine((replace(LINE, writable=False),), isolated=cpus(0)),
        Wanted(),
    ),
    ("reserved-cpu", "the owner wants it there"): (
        Machine((LINE,), isolated=cpus(0)),
        Wanted(cpus=cpus(0, 1)),
    ),
    ("immovable", "writable"): (Machine((LINE,)), Wanted()),
    ("managed-on-isolated", "all CPUs isolated"): (
        Machine((replace(LINE, writable=False),), isolated=cpus(0, 1, 2, 3)),
        Wanted(),
    ),
    ("irqbalance", "an empty plan"): (Machine((LINE,), threads=IRQBALANCE), Wanted()),
    ("wide-mask", "managed"): (Machine((replace(LINE, writable=False),)), Wanted()),
    ("wide-mask", "a mask of one"): (Machine((replace(LINE, asked=cpus(0)),)), Wanted()),
    ("hint-not-followed", "remote"): (
        Machine((replace(LINE, hint=cpus(3), node=0),), nodes=2),
        Wanted(),
    ),
    ("hint-not-followed", "offline"): (
        Machine((replace(LINE, hint=cpus(3)),), offline=cpus(3)),
        Wanted(),
    ),
    ("hint-not-followed", "isolated"): (
        Machine((replace(LINE, hint=cpus(3)),), isolated=cpus(3)),
        Wanted(),
    ),
    ("unhandled", "none rises"): (Machine((LINE,)), Wanted()),
    ("storm", "latency matters more"): (Machine((STORM,)), LATENCY),
    ("storm", "as always"): (Machine((replace(STORM, since_boot=90_000_000),)), Wanted()),
    ("storm", "a long handler"): (Machine((replace(STORM, load=1.8),)), Wanted()),
    ("time-squeeze", "CPU full"): (
        Machine((LINE,), squeezes={0: 600}, user={0: 0.9}),
        Wanted(),
    ),
    ("backlog-drops", "none here: the card's own"): (Machine((LINE,)), Wanted()),
    ("ksoftirqd", "under 20 %"): (Machine((LINE,), ksoftirqd={0: 0.1}), Wanted()),
    ("rps-self", "a low rate"): (
        Machine(queues(4, rate=10.0), tuning=net(rps=cpus(0, 1, 2, 3))),
        Wanted(),
    ),
    ("rps-needless", "fewer queues than CPUs"): (
        Machine(queues(2), tuning=net(rps=cpus(2, 3), count=2)),
        Wanted(),
    ),
    ("rps-needless", "the hash is poor"): (
        Machine((replace(LINE, load=0.6), *queues(4, 0.02)[1:]), tuning=net(rps=cpus(1))),
        Wanted(),
    ),
    ("xps-apart", "the driver set it"): (
        Machine(queues(4, hint=cpus(3)), tuning=net(xps=cpus(3))),
        Wanted(),
    ),
    ("split-pair", "together"): (pair(0), Wanted()),
    ("split-pair", "combined vectors"): (pair(1, "eth0-TxRx-0"), Wanted()),
    ("shared-line", "not shared"): (Machine((LINE,)), Wanted()),
    ("thread-priority", "the task is lower"): (
        Machine((LINE,), tuning_before=tasks(0, 10), tuning=tasks(10**9, 10)),
        Wanted(),
    ),
    ("thread-priority", "the task is idle"): (
        Machine((LINE,), tuning_before=tasks(0, 90), tuning=tasks(0, 90)),
        Wanted(),
    ),
    ("not-in-force", "no interrupt came since"): (
        Machine((replace(LINE, asked=cpus(1), effective=cpus(0), rate=0.0),)),
        Wanted(),
    ),
    ("offline-mask", "the default, all CPUs"): (Machine((LINE,), offline=cpus(3)), Wanted()),
    ("default-mask", "without the isolated"): (
        Machine(isolated=cpus(3), tuning=Tuning(default_affinity=cpus(0, 1, 2))),
        Wanted(),
    ),
    ("one-queue-virtio", "one CPU"): (Machine((VIRTIO,), cpus=1), Wanted()),
    ("few-nvme-queues", "one for each CPU"): (Machine(NVME, cpus=2), Wanted()),
    ("deep-idle", "another goal"): (
        Machine((LINE,), tuning=Tuning(idle_exit_us={0: 200}, is_guest=False)),
        Wanted(goal="power"),
    ),
    ("deep-idle", "a VM"): (
        Machine((LINE,), tuning=Tuning(idle_exit_us={0: 200}, is_guest=True)),
        LATENCY,
    ),
    ("elephant", "two queues"): (
        Machine((replace(LINE, load=0.6), Busy(31, 1, 0.02, queue=1))),
        Wanted(),
    ),
    ("elephant", "spread evenly"): (Machine(queues(4)), Wanted()),
    ("late", "in time"): (Machine(extra=(timer(0, 3_000),)), Wanted()),
    ("late", "a VM whose host was late"): (
        Machine(extra=(timer(0, 3_000_000, pid=0),), tuning=Tuning(is_guest=True)),
        Wanted(),
    ),
}


def seen(machine: Machine, wanted: Wanted) -> dict[str, Finding]:
    return {one.id: one for one in make_plan(machine.measured(), wanted).findings}


@pytest.mark.parametrize("name", FIRES)
def test_is_seen(name: str) -> None:
    found = seen(*FIRES[name])
    assert name in found
    assert found[name].evidence and found[name].why
    assert found[name].severity in SEVERITIES and found[name].confidence in CONFIDENCES


@pytest.mark.parametrize("name, why", NOT_WHEN)
def test_is_not_seen(name: str, why: str) -> None:
    assert name not in seen(*NOT_WHEN[name, why])


def test_each_has_both() -> None:
    ids = {rule.id for rule in RULES}
    assert FIRES.keys() == ids
    assert {name for name, _ in NOT_WHEN} == ids


def test_all_numbers_are_there_and_documented() -> None:
    assert [rule.number for rule in RULES] == list(range(1, 31))
    rows = re.findall(r"^\| (\d+) \| `([\w-]+)` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert [(int(number), name) for number, name in rows] == [(r.number, r.id) for r in RULES]


def test_advice_and_undo_are_exact_commands() -> None:
    found = seen(*FIRES["one-cpu-device"])["one-cpu-device"]
    assert len(found.advice) == len(found.undo) == 3
    assert all(command.startswith("echo ") for command in found.advice)
    assert found.undo[0] == f"echo 0-3 > /proc/irq/{found.irqs[1]}/smp_affinity_list"
    assert found.device == "eth0" and found.cpus == (0,)


def test_rps_keeps_the_cpus_that_help() -> None:
    found = seen(*FIRES["rps-self"])["rps-self"]
    path = "/sys/class/net/eth0/queues/rx-3/rps_cpus"
    assert found.advice == (f"echo 7 > {path}",) and found.undo == (f"echo f > {path}",)


def test_the_neighbour_is_named_with_its_cost() -> None:
    found = seen(*FIRES["shared-line"])["shared-line"]
    assert "eth0-TxRx-0 is busy" in found.evidence and "uhci_hcd 5.0%" in found.evidence


def test_the_culprit_is_named() -> None:
    found = seen(*FIRES["late"])["late"]
    assert "3 ms late; nginx (pid 812) ran there" in found.evidence
    assert found.advice == ("irqwatch trace --cpu 0 --slower 500us  # as they happen",)
    slow = seen(Machine((replace(LINE, worst=SLOW),)), Wanted())["late"]
    assert slow.irqs == (30,) and "ran for 2 ms on CPU 0" in slow.evidence
    assert slow.advice == ("irqwatch trace --cpu 0 --irq 30 --slower 1ms  # as they happen",)


def test_one_is_one() -> None:
    assert seen(*FIRES["wide-mask"])["wide-mask"].evidence == (
        "1 busy interrupt may run on several CPUs and runs on one: 30 (eth0-TxRx-0)"
    )
    one_move = Machine((LINE,), isolated=cpus(0), threads=IRQBALANCE)
    assert seen(one_move, Wanted())["irqbalance"].evidence.endswith("moves 1 interrupt")


def test_a_little_late_is_no_warning() -> None:
    by_severity = {
        late_ns: seen(Machine(extra=(timer(0, late_ns),)), Wanted())["late"].severity
        for late_ns in (600_000, 6_000_000)
    }
    assert by_severity == {600_000: "info", 6_000_000: "warning"}


def test_what_is_seen_often_is_told_in_a_few() -> None:
    machine = Machine(queues(9, 0.01), isolated=cpus(0, 1, 2))
    found = [
        one for one in make_plan(machine.measured(), Wanted()).findings if one.id == "reserved-cpu"
    ]
    assert [len(one.irqs) for one in found] == [1, 1, 1, 1, 3]
    assert found[-1].evidence == "and 3 more such: interrupts 35, 36, 38"
    assert len(found[-1].advice) == len(found[-1].undo) == 3


def test_the_most_severe_come_first() -> None:
    machine = crowded(drops={0: 600})
    severities = [one.severity for one in make_plan(machine.measured(), Wanted()).findings]
    assert severities == sorted(severities, key=SEVERITIES.index)
    assert severities[0] == "critical" and severities[-1] == "info"


def test_an_old_kernel_shows_per_cpu_lines_as_writable() -> None:
    clock = Busy(11, 0, 0.05, "arch_timer", "", "", effective=frozenset())
    old = Machine((clock,), host=replace(HOST, kernel="6.1.0-32-arm64"), isolated=cpus(0))
    assert not seen(old, Wanted()).keys() & {"reserved-cpu", "managed-on-isolated"}
    new = replace(old, lines=(replace(clock, writable=False),))
    assert "managed-on-isolated" not in seen(new, Wanted())


def test_undoing_more_queues_puts_the_old_rps_mask_back() -> None:
    machine = Machine((LINE,), softirq={0: 0.6}, tuning=net(rps=cpus(1, 2)))
    plan = make_plan(machine.measured(), Wanted())
    few = next(one for one in plan.findings if one.id == "too-few-queues")
    assert few.undo[-1] == "echo 6 > /sys/class/net/eth0/queues/rx-0/rps_cpus"


def test_an_old_kernel_shows_managed_queues_as_writable() -> None:
    disk = tuple(replace(line, writable=True) for line in NVME)
    old = Machine(disk, host=replace(HOST, kernel="6.1.0-32-amd64"), isolated=cpus(1))
    assert "managed-on-isolated" in seen(old, Wanted())
    assert "managed-on-isolated" not in seen(replace(old, host=HOST), Wanted())
