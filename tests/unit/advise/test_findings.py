"""Each finding on a host that has it, and on the nearest host that has not."""

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from irqwatch.advise.findings import RULES
from irqwatch.advise.plan import Wanted, make_plan
from irqwatch.model.action import (
    Action,
    AskDeviceLess,
    AskForOtherCpu,
    BanIrqs,
    BootIsolated,
    CutQueues,
    FreeNvmeQueues,
    FreeVectors,
    GiveGuestQueues,
    HashUdpPorts,
    PartDevices,
    ResetHash,
    SetAdaptive,
    SetAffinity,
    SetDefaultAffinity,
    SetFlowLimit,
    SetIrqbalance,
    SetPriority,
    SetQueues,
    SetRps,
    SetRpsInstead,
    SetSysctl,
    SetThreaded,
    SetWakeLimit,
    SetXps,
    ShowCoalescing,
    ShowHash,
    ShowKernelLog,
    ShowNvmeQueues,
    ShowPci,
    ShowQueues,
    ShowUnhandled,
    SpreadHash,
    TraceSlower,
    UpdateDriver,
    UseGivenQueues,
)
from irqwatch.model.evidence import (
    BacklogDrops,
    DeepIdle,
    DefaultMask,
    Elephant,
    Evidence,
    FewNvmeQueues,
    HintNotFollowed,
    Irqbalance,
    Ksoftirqd,
    Late,
    ManagedOnIsolated,
    More,
    NamedLine,
    NotInForce,
    OfflineMask,
    OneCpuDevice,
    OneQueueVirtio,
    ReadOnlyLines,
    RemoteNode,
    ReservedCpu,
    RpsNeedless,
    RpsSelf,
    SharedLine,
    Siblings,
    SplitPair,
    Storm,
    ThreadPriority,
    TimeSqueeze,
    TooFewQueues,
    TooManyQueues,
    Unhandled,
    WideMask,
    XpsApart,
)
from irqwatch.model.plan import CONFIDENCES, SEVERITIES
from irqwatch.model.snapshot import Worst
from irqwatch.model.tuning import Tuning
from tests.advising import HOST, UPTIME, Busy, Machine, crowded, timer
from tests.finding_hosts import (
    FIRES,
    IRQBALANCE,
    LATENCY,
    LINE,
    NVME,
    OTHER_HOSTS,
    REMOTE,
    SIBLINGS,
    STORM,
    VIRTIO,
    cpus,
    net,
    pair,
    queues,
    seen,
    tasks,
)

DOCS = Path(__file__).resolve().parents[3] / "docs" / "advisor.md"

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


NAMED = NamedLine(30, "eth0-TxRx-0")

# What is seen on the hosts of FIRES.
EVIDENCE: dict[str, Evidence] = {
    "one-cpu-device": OneCpuDevice(
        "eth0",
        (
            30,
            31,
            32,
            33,
        ),
        0,
        0.8,
        0.8,
    ),
    "remote-node": RemoteNode(NAMED, cpus(0), cpus(0), 1, 0.3),
    "too-many-queues": TooManyQueues("eth0", 6, 4),
    "too-few-queues": TooFewQueues("eth0", 1, 4, 0, 0.65),
    "siblings": Siblings(
        cpus(0, 1),
        (
            30,
            31,
        ),
    ),
    "reserved-cpu": ReservedCpu(NAMED, cpus(0), 1000.0),
    "immovable": ReadOnlyLines((NAMED,), 0.1),
    "managed-on-isolated": ManagedOnIsolated((NAMED,)),
    "irqbalance": Irqbalance(
        812,
        (
            31,
            32,
            33,
        ),
    ),
    "wide-mask": WideMask((NAMED,)),
    "hint-not-followed": HintNotFollowed(NAMED, cpus(2), cpus(0)),
    "unhandled": Unhandled(NAMED, 1500, 3.0),
    "storm": Storm(NAMED, 90000.0, 1000.0, 1.11111111e-06),
    "time-squeeze": TimeSqueeze(0, 200.0),
    "backlog-drops": BacklogDrops(0, 200.0),
    "ksoftirqd": Ksoftirqd(0, 0.3),
    "rps-self": RpsSelf("eth0", 3, cpus(3), cpus(3)),
    "rps-needless": RpsNeedless("eth0", 4, 4, 4),
    "xps-apart": XpsApart(
        "eth0",
        (
            NAMED,
            NamedLine(31, "eth0-TxRx-1"),
            NamedLine(32, "eth0-TxRx-2"),
        ),
    ),
    "split-pair": SplitPair("eth0", 0, 30, cpus(0), 31, cpus(1)),
    "shared-line": SharedLine(30, "eth0-TxRx-0", 0.5, {"uhci_hcd": 0.05}),
    "thread-priority": ThreadPriority(
        thread="irq/30-eth0",
        priority=50,
        task="audio",
        task_pid=41,
        task_priority=90,
        task_share=0.333333333,
        cpu=0,
    ),
    "not-in-force": NotInForce(NAMED, cpus(1), cpus(0)),
    "offline-mask": OfflineMask(NAMED, cpus(3), cpus(0)),
    "default-mask": DefaultMask(cpus(3)),
    "one-queue-virtio": OneQueueVirtio("eth0", 4, 0.1),
    "few-nvme-queues": FewNvmeQueues("nvme0", 2, 4),
    "deep-idle": DeepIdle(cpus(0), 0.0002),
    "elephant": Elephant(NAMED, "eth0", 4, 0.909090909),
    "late": Late("timer", "hard", 0, 0.003, 812, "nginx", cpus(0)),
}

# What is to be done there, and how it is undone.
ACTIONS: dict[str, tuple[tuple[Action, ...], tuple[Action, ...]]] = {
    "one-cpu-device": (
        (
            SetAffinity(31, cpus(1)),
            SetAffinity(32, cpus(2)),
            SetAffinity(33, cpus(3)),
        ),
        (
            SetAffinity(31, cpus(0, 1, 2, 3)),
            SetAffinity(32, cpus(0, 1, 2, 3)),
            SetAffinity(33, cpus(0, 1, 2, 3)),
        ),
    ),
    "remote-node": ((SetAffinity(30, cpus(2)),), (SetAffinity(30, cpus(0, 1, 2, 3)),)),
    "too-many-queues": ((CutQueues("eth0", 4),), (SetQueues("eth0", 6),)),
    "too-few-queues": (
        (
            ShowQueues("eth0"),
            SetQueues("eth0", 4),
            SetRpsInstead("eth0", 0, cpus(1, 2, 3)),
        ),
        (
            SetQueues("eth0", 1),
            SetRps("eth0", 0, cpus()),
        ),
    ),
    "siblings": ((SetAffinity(31, cpus(2)),), (SetAffinity(31, cpus(0, 1, 2, 3)),)),
    "reserved-cpu": ((SetAffinity(30, cpus(1)),), (SetAffinity(30, cpus(0, 1, 2, 3)),)),
    "immovable": ((), ()),
    "managed-on-isolated": (
        (BootIsolated(cpus(0), managed=True),),
        (BootIsolated(cpus(0), managed=False),),
    ),
    "irqbalance": (
        (
            SetIrqbalance(on=False),
            BanIrqs(
                (
                    31,
                    32,
                    33,
                )
            ),
        ),
        (SetIrqbalance(on=True),),
    ),
    "wide-mask": ((), ()),
    "hint-not-followed": ((SetAffinity(30, cpus(2)),), (SetAffinity(30, cpus(0, 1, 2, 3)),)),
    "unhandled": (
        (
            ShowUnhandled(30),
            UpdateDriver(),
        ),
        (),
    ),
    "storm": (
        (
            ShowCoalescing("eth0"),
            SetAdaptive("eth0", on=True),
        ),
        (SetAdaptive("eth0", on=False),),
    ),
    "time-squeeze": (
        (
            SetSysctl("net.core.netdev_budget", 600),
            SetSysctl("net.core.netdev_budget_usecs", 4000),
        ),
        (
            SetSysctl("net.core.netdev_budget", 300),
            SetSysctl("net.core.netdev_budget_usecs", 2000),
        ),
    ),
    "backlog-drops": (
        (
            SetSysctl("net.core.netdev_max_backlog", 4000),
            SetFlowLimit(cpus(0)),
        ),
        (
            SetSysctl("net.core.netdev_max_backlog", 1000),
            SetFlowLimit(cpus()),
        ),
    ),
    "ksoftirqd": ((SetThreaded("eth0", on=True),), (SetThreaded("eth0", on=False),)),
    "rps-self": ((SetRps("eth0", 3, cpus(0, 1, 2)),), (SetRps("eth0", 3, cpus(0, 1, 2, 3)),)),
    "rps-needless": (
        (
            SetRps("eth0", 0, cpus()),
            SetRps("eth0", 1, cpus()),
            SetRps("eth0", 2, cpus()),
            SetRps("eth0", 3, cpus()),
        ),
        (
            SetRps("eth0", 0, cpus(0, 1)),
            SetRps("eth0", 1, cpus(0, 1)),
            SetRps("eth0", 2, cpus(0, 1)),
            SetRps("eth0", 3, cpus(0, 1)),
        ),
    ),
    "xps-apart": (
        (
            SetXps("eth0", 0, cpus(0)),
            SetXps("eth0", 1, cpus(1)),
            SetXps("eth0", 2, cpus(2)),
        ),
        (
            SetXps("eth0", 0, cpus(3)),
            SetXps("eth0", 1, cpus(3)),
            SetXps("eth0", 2, cpus(3)),
        ),
    ),
    "split-pair": ((SetAffinity(31, cpus(0)),), (SetAffinity(31, cpus(0, 1, 2, 3)),)),
    "shared-line": (
        (
            ShowPci(),
            PartDevices(),
        ),
        (),
    ),
    "thread-priority": ((SetPriority(40, 91),), (SetPriority(40, 50),)),
    "not-in-force": (
        (
            ShowKernelLog(),
            FreeVectors("eth0"),
        ),
        (),
    ),
    "offline-mask": ((SetAffinity(30, cpus(0, 1, 2)),), (SetAffinity(30, cpus(3)),)),
    "default-mask": ((SetDefaultAffinity(cpus(0, 1, 2)),), (SetDefaultAffinity(cpus(0, 1, 2, 3)),)),
    "one-queue-virtio": (
        (
            GiveGuestQueues("net"),
            UseGivenQueues("eth0", 4),
        ),
        (SetQueues("eth0", 1),),
    ),
    "few-nvme-queues": (
        (
            ShowNvmeQueues("nvme0"),
            FreeNvmeQueues(),
        ),
        (),
    ),
    "deep-idle": ((SetWakeLimit(0, 50),), (SetWakeLimit(0, 0),)),
    "elephant": (
        (
            ShowHash("eth0"),
            SpreadHash("eth0", 4),
            HashUdpPorts("eth0"),
        ),
        (ResetHash("eth0"),),
    ),
    "late": ((TraceSlower(0, None, 0.0005),), ()),
}

# Where it is not a network device, the advice is another.
OTHER_ACTIONS: dict[str, tuple[tuple[Action, ...], tuple[Action, ...]]] = {
    "storm": ((AskDeviceLess(),), ()),
    "not-in-force": ((ShowKernelLog(), AskForOtherCpu()), ()),
    "one-queue-virtio": ((GiveGuestQueues("block"),), ()),
}


def rounded(evidence: Evidence) -> Evidence:
    """Without what floating point adds to a sum."""

    def plain(value: object) -> object:
        if isinstance(value, dict):
            return {name: plain(one) for name, one in value.items()}
        return float(f"{value:.9g}") if isinstance(value, float) else value

    changes = {one.name: plain(getattr(evidence, one.name)) for one in fields(evidence)}
    return replace(evidence, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", FIRES)
def test_is_seen(name: str) -> None:
    found = seen(*FIRES[name])[name]
    assert rounded(found.evidence) == EVIDENCE[name]
    assert (found.advice, found.undo) == ACTIONS[name]
    assert found.severity in SEVERITIES and found.confidence in CONFIDENCES


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


def test_it_is_about_lines_cpus_and_a_device() -> None:
    found = seen(*FIRES["one-cpu-device"])["one-cpu-device"]
    assert (found.irqs, found.cpus, found.device) == ((30, 31, 32, 33), (0,), "eth0")


def test_a_handler_that_ran_long_is_named() -> None:
    worst = Worst(2_000_000, UPTIME, 0, 812, "nginx")
    slow = seen(Machine((replace(LINE, worst=worst),)), Wanted())["late"]
    assert slow.irqs == (30,)
    assert slow.evidence == Late("hardirq", "eth0-TxRx-0", 0, 0.002, 812, "nginx", cpus(0))
    assert slow.advice == (TraceSlower(0, 30, 0.001),)


def test_the_latest_of_several_cpus_is_told_with_all_of_them() -> None:
    machine = Machine(extra=(timer(0, 600_000), timer(2, 900_000), timer(3, 700_000, pid=0)))
    assert seen(machine, Wanted())["late"].evidence == Late(
        "timer", "hard", 2, 0.0009, 812, "nginx", cpus(0, 2, 3)
    )


@pytest.mark.parametrize("name", OTHER_ACTIONS)
def test_what_is_to_be_done_depends_on_the_device(name: str) -> None:
    machine, wanted = OTHER_HOSTS[name]
    found = seen(machine, wanted)[name]
    assert (found.advice, found.undo) == OTHER_ACTIONS[name]


@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.parametrize(("user", "is_seen"), [(0.3, True), (0.96, False)])
def test_squeezes_are_seen_of_a_line_that_interrupts_whether_timed_or_not(
    timed: bool, user: float, is_seen: bool
) -> None:
    """The CPU's idle time says whether it is full, not what interrupts are weighed by."""
    lines = (replace(LINE, load=0.01, writable=False),)
    machine = Machine(lines, squeezes={0: 3000}, user={0: user}, timed=timed)
    assert ("time-squeeze" in seen(machine, Wanted())) is is_seen


def test_a_storm_that_is_not_timed_is_a_guess() -> None:
    found = seen(Machine((STORM,), timed=False), Wanted())["storm"]
    assert found.evidence == Storm(NAMED, 90000.0, 1000.0, None)
    assert (found.confidence, seen(Machine((STORM,)), Wanted())["storm"].confidence) == (
        "low",
        "medium",
    )


def test_a_counter_that_may_have_wrapped_says_nothing_of_what_is_usual() -> None:
    """A thousand seconds after boot: at this rate it wraps each 14 minutes."""
    found = seen(Machine((replace(STORM, rate=5_000_000.0),)), Wanted())["storm"]
    assert isinstance(found.evidence, Storm) and found.evidence.baseline_rate is None
    assert found.confidence == "low"


def test_a_wish_for_several_cpus_is_followed_on_one_of_them() -> None:
    wish = replace(LINE, hint=cpus(0, 1), asked=cpus(0))
    assert "hint-not-followed" not in seen(Machine((wish,)), Wanted())
    assert "hint-not-followed" in seen(Machine((replace(wish, hint=cpus(1, 2)),)), Wanted())


def test_queues_share_a_cpu_where_the_kernel_does_not_account_for_softirqs() -> None:
    """Nothing is timed by anybody: the counts are all there is."""
    windows = crowded(timed=False).measured()
    bare = [
        replace(
            window,
            view=replace(
                window.view, cpus=tuple(replace(cpu, softirq=None) for cpu in window.view.cpus)
            ),
        )
        for window in windows
    ]
    assert "one-cpu-device" in {one.id for one in make_plan(bare, Wanted()).findings}


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
    assert found[-1].evidence == More(3, (35, 36, 38), cpus(0, 1, 2))
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
    assert few.undo[-1] == SetRps("eth0", 0, cpus(1, 2))


def test_an_old_kernel_shows_managed_queues_as_writable() -> None:
    disk = tuple(replace(line, writable=True) for line in NVME)
    old = Machine(disk, host=replace(HOST, kernel="6.1.0-32-amd64"), isolated=cpus(1))
    assert "managed-on-isolated" in seen(old, Wanted())
    assert "managed-on-isolated" not in seen(replace(old, host=HOST), Wanted())
