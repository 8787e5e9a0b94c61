"""Each thing found, decided or to be done, and its sentence or command."""

from dataclasses import replace
from typing import get_args

import pytest

from irqwatch.advise.plan import Wanted, make_plan
from irqwatch.model import action as do
from irqwatch.model import evidence as seen_as
from irqwatch.model.action import Action
from irqwatch.model.evidence import Evidence, NamedLine
from irqwatch.model.plan import (
    Busier,
    CannotTell,
    GainIsNoise,
    Immovable,
    Improves,
    Move,
    NodeFull,
    NoneBetter,
    NothingCounts,
    NothingMovable,
    OtherNode,
    Outside,
    Plan,
    PlannedLine,
    Reason,
    Stays,
    Verdict,
)
from irqwatch.model.snapshot import Unavailable
from irqwatch.sink.advise import words
from irqwatch.sink.advise.commands import typed
from tests.advising import crowded


def cpus(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


NAMED = NamedLine(30, "eth0-TxRx-0")
OTHER = NamedLine(31, "eth0-TxRx-1")
LINE = PlannedLine(30, ("eth0-TxRx-0",), "30", "eth0")

SENTENCES: list[tuple[Evidence, str]] = [
    (
        seen_as.OneCpuDevice("eth0", (30, 31), 2, 0.5, 0.625),
        "2 busy queues of eth0 (30, 31) share CPU 2: 50.0% of its 62.5% in interrupts",
    ),
    (
        seen_as.RemoteNode(NAMED, cpus(0, 1), cpus(0), 1, 0.3),
        "30 (eth0-TxRx-0) runs on CPU 0-1, node 0; its device is on node 1; it takes 30.0%",
    ),
    (
        seen_as.TooManyQueues("eth0", 6, 4),
        "eth0 has 6 queues for 4 cores that may take interrupts",
    ),
    (seen_as.TooManyQueues("eth0", 6, 1), "eth0 has 6 queues for 1 core that may take interrupts"),
    (
        seen_as.TooFewQueues("eth0", 1, 4, 3, 0.655),
        "eth0 has 1 of 4 possible queues, and softirqs take 65.5% of CPU 3",
    ),
    (
        seen_as.Siblings(cpus(0, 1), (30, 31)),
        "CPUs 0-1 are threads of one core, and interrupts 30, 31 run on both, while other cores "
        "have none",
    ),
    (
        seen_as.ReservedCpu(NAMED, cpus(3), 1000.26),
        "30 (eth0-TxRx-0) runs on CPU 3, which is isolated or nohz_full: 1000.3 a second",
    ),
    (
        seen_as.ReadOnlyLines((NAMED,), 0.05),
        "1 interrupt that takes 5.0% cannot be moved: 30 (eth0-TxRx-0)",
    ),
    (
        seen_as.ReadOnlyLines((NAMED, OTHER), 0.05),
        "2 interrupts that take 5.0% cannot be moved: 30 (eth0-TxRx-0), 31 (eth0-TxRx-1)",
    ),
    (
        seen_as.ManagedOnIsolated((NAMED, OTHER)),
        "30 (eth0-TxRx-0), 31 (eth0-TxRx-1) run on isolated CPUs, placed by the kernel",
    ),
    (
        seen_as.Irqbalance(812, (30,)),
        "irqbalance runs (pid 812), and the plan moves 1 interrupt",
    ),
    (
        seen_as.WideMask((NAMED,)),
        "1 busy interrupt may run on several CPUs and runs on one: 30 (eth0-TxRx-0)",
    ),
    (
        seen_as.WideMask(tuple(NamedLine(irq, "x") for irq in range(9))),
        "9 busy interrupts may run on several CPUs and run on one: 0 (x), 1 (x), 2 (x), 3 (x), "
        "4 (x), 5 (x), 6 (x), 7 (x) and 1 more",
    ),
    (
        seen_as.HintNotFollowed(NAMED, cpus(2), cpus(0)),
        "the driver of 30 (eth0-TxRx-0) asks for CPU 2; it runs on CPU 0",
    ),
    (
        seen_as.Unhandled(NAMED, 1500, 2.9),
        "1500 interrupts of 30 (eth0-TxRx-0) were taken by no driver in 3 s",
    ),
    (
        seen_as.Storm(NAMED, 90_000.4, 1000.4, 1.25e-6),
        "30 (eth0-TxRx-0): 90000 a second, 1000 on average since boot, 1.25 us each",
    ),
    (seen_as.TimeSqueeze(1, 199.6), "NET_RX on CPU 1 ran out of its budget 200 times a second"),
    (seen_as.BacklogDrops(1, 0.25), "CPU 1 drops 0.2 packets a second: its backlog is full"),
    (seen_as.Ksoftirqd(1, 0.3), "ksoftirqd/1 takes 30.0% of CPU 1"),
    (
        seen_as.RpsSelf("eth0", 3, cpus(3), cpus(2, 3)),
        "rx-3 of eth0 interrupts CPU 3 and steers packets to CPU 2-3: itself, its sibling or "
        "another node",
    ),
    (seen_as.RpsNeedless("eth0", 8, 4, 3), "eth0 has 8 queues for 4 CPUs, and RPS on 3 of them"),
    (
        seen_as.XpsApart("eth0", (NAMED,)),
        "xps_cpus of 1 queue of eth0 names other CPUs than their interrupts run on: "
        "30 (eth0-TxRx-0)",
    ),
    (
        seen_as.SplitPair("eth0", 5, 30, cpus(0), 31, cpus(1)),
        "queue 5 of eth0: receive (30) on CPU 0, transmit (31) on CPU 1",
    ),
    (
        seen_as.SharedLine(16, "eth3", 0.5, {"i801_smbus": 0.05, "uhci_hcd": 0.001}),
        "line 16: eth3 is busy, and 50.0% of the calls are answered 'not mine', at a cost of: "
        "i801_smbus 5.0%, uhci_hcd 0.1% of a CPU",
    ),
    (
        seen_as.ThreadPriority("irq/30-eth0", 50, "audio", 41, 90, 0.25, 2),
        "irq/30-eth0 has priority 50, and audio (pid 41), with 90, takes 25.0% of CPU 2",
    ),
    (
        seen_as.NotInForce(NAMED, cpus(1), cpus(0)),
        "30 (eth0-TxRx-0) is asked for on CPU 1 and runs on CPU 0",
    ),
    (
        seen_as.OfflineMask(NAMED, cpus(3), cpus(0)),
        "the mask of 30 (eth0-TxRx-0) holds CPU 3 only, which is offline; it runs on CPU 0",
    ),
    (
        seen_as.OfflineMask(NAMED, cpus(3), cpus()),
        "the mask of 30 (eth0-TxRx-0) holds CPU 3 only, which is offline; it runs on CPU unknown",
    ),
    (
        seen_as.DefaultMask(cpus(3)),
        "/proc/irq/default_smp_affinity holds CPU 3, which is isolated or nohz_full",
    ),
    (
        seen_as.OneQueueVirtio("eth0", 4, 0.1),
        "eth0 has one queue on a machine of 4 CPUs, and takes 10.0%",
    ),
    (seen_as.FewNvmeQueues("nvme0", 2, 4), "queues of nvme0: 2, for 4 CPUs"),
    (
        seen_as.DeepIdle(cpus(0, 2), 200 / 1e6),
        "CPU 0,2 takes interrupts, and needs up to 200 us to wake up",
    ),
    (
        seen_as.Elephant(NAMED, "eth0", 4, 0.91),
        "30 (eth0-TxRx-0) carries 91.0% of the 4 queues of eth0",
    ),
    (
        seen_as.Late("timer", "hard", 0, 0.003, 812, "nginx", cpus(0)),
        "a hard timer on CPU 0 was 3 ms late; nginx (pid 812) ran there",
    ),
    (
        seen_as.Late("softirq", "NET_RX", 1, 0.02, 0, "swapper", cpus(1, 2)),
        "NET_RX on CPU 1 waited 20 ms; the CPU was idle; over the limit on CPU 1-2",
    ),
    (
        seen_as.Late("hardirq", "eth0", 0, 1.5, 812, "nginx", cpus(0)),
        "eth0 ran for 1.5 s on CPU 0 in one go; nginx (pid 812) ran there",
    ),
    (seen_as.More(3, (35, 36), cpus(0)), "and 3 more such: interrupts 35, 36"),
    (seen_as.More(3, (), cpus(0, 1)), "and 3 more such: CPU 0-1"),
]


@pytest.mark.parametrize(("seen", "said"), SENTENCES)
def test_what_was_seen(seen: Evidence, said: str) -> None:
    assert words.evidence(seen, "time") == said


def test_all_that_can_be_seen_is_here() -> None:
    assert {type(seen) for seen, _ in SENTENCES} == set(get_args(Evidence))


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (seen_as.OneCpuDevice("eth0", (30,), 2, 5000, 6000.4), "5000/s of its 6000/s in"),
        (seen_as.RemoteNode(NAMED, cpus(0), cpus(0), 1, 5000), "it takes 5000/s"),
        (seen_as.ReadOnlyLines((NAMED,), 5000), "that takes 5000/s cannot"),
        (seen_as.OneQueueVirtio("eth0", 4, 5000), "and takes 5000/s"),
    ],
)
def test_a_load_that_was_not_timed_is_interrupts_a_second(seen: Evidence, said: str) -> None:
    assert said in words.evidence(seen, "count")


COMMANDS: list[tuple[Action, str]] = [
    (do.SetAffinity(30, cpus(0, 1, 2, 8)), "echo 0-2,8 > /proc/irq/30/smp_affinity_list"),
    (do.AskForOtherCpu(), "ask for another CPU: this one may have no vector left"),
    (do.SetDefaultAffinity(cpus(0, 32)), "echo 1,00000001 > /proc/irq/default_smp_affinity"),
    (do.SetRps("eth0", 3, cpus(0, 1, 2)), "echo 7 > /sys/class/net/eth0/queues/rx-3/rps_cpus"),
    (do.SetRps("eth0", 3, cpus()), "echo 0 > /sys/class/net/eth0/queues/rx-3/rps_cpus"),
    (
        do.SetRpsInstead("eth0", 0, cpus(1)),
        "echo 2 > /sys/class/net/eth0/queues/rx-0/rps_cpus  # where it can have no more",
    ),
    (do.SetXps("eth0", 1, cpus(4)), "echo 10 > /sys/class/net/eth0/queues/tx-1/xps_cpus"),
    (do.ShowQueues("eth0"), "ethtool -l eth0  # shows the most it can have"),
    (do.SetQueues("eth0", 4), "ethtool -L eth0 combined 4"),
    (do.CutQueues("eth0", 4), "ethtool -L eth0 combined 4  # takes the link down for a moment"),
    (do.FreeVectors("eth0"), "ethtool -L eth0 combined N  # fewer queues need fewer vectors"),
    (
        do.GiveGuestQueues("net"),
        "on the host: <driver name='vhost' queues='N'/> in the interface's XML",
    ),
    (
        do.GiveGuestQueues("block"),
        "on the host: <driver name='qemu' queues='N'/> in the disk's XML",
    ),
    (do.UseGivenQueues("eth0", 4), "then here: ethtool -L eth0 combined 4"),
    (
        do.ShowNvmeQueues("nvme0"),
        "nvme get-feature /dev/nvme0 -f 7 -H  # how many the controller grants",
    ),
    (
        do.FreeNvmeQueues(),
        "boot with nvme.poll_queues=0 nvme.write_queues=0, where those take some",
    ),
    (do.ShowHash("eth0"), "ethtool -x eth0  # the table and key of its hash"),
    (do.SpreadHash("eth0", 4), "ethtool -X eth0 equal 4"),
    (do.HashUdpPorts("eth0"), "ethtool -N eth0 rx-flow-hash udp4 sdfn  # where it is UDP"),
    (do.ResetHash("eth0"), "ethtool -X eth0 default"),
    (do.ShowUnhandled(30), "cat /proc/irq/30/spurious"),
    (do.UpdateDriver(), "update the driver or the firmware of the devices on the line"),
    (do.ShowCoalescing("eth0"), "ethtool -c eth0  # as it is"),
    (do.SetAdaptive("eth0", on=True), "ethtool -C eth0 adaptive-rx on"),
    (do.SetAdaptive("eth0", on=False), "ethtool -C eth0 adaptive-rx off"),
    (
        do.AskDeviceLess(),
        "look at what the device is asked to do: it interrupts once for each",
    ),
    (do.SetThreaded("eth0", on=True), "echo 1 > /sys/class/net/eth0/threaded"),
    (do.SetThreaded("eth0", on=False), "echo 0 > /sys/class/net/eth0/threaded"),
    (do.ShowPci(), "lspci -vv  # which of them could use MSI; then the driver's option for it"),
    (do.PartDevices(), "move a card to another slot, or unbind the driver that nobody needs"),
    (do.SetPriority(40, 91), "chrt -f -p 91 40"),
    (do.SetPriority(40, 0), "chrt -o -p 0 40"),
    (
        do.SetWakeLimit(2, 50),
        "echo 50 > /sys/devices/system/cpu/cpu2/power/pm_qos_resume_latency_us",
    ),
    (do.TraceSlower(0, None, 0.0005), "irqwatch trace --cpu 0 --slower 500us  # as they happen"),
    (
        do.TraceSlower(0, 30, 0.001),
        "irqwatch trace --cpu 0 --irq 30 --slower 1ms  # as they happen",
    ),
    (
        do.BootIsolated(cpus(2, 3), managed=True),
        "boot with isolcpus=managed_irq,domain,2-3",
    ),
    (do.BootIsolated(cpus(2, 3), managed=False), "boot with isolcpus=domain,2-3"),
    (do.SetIrqbalance(on=False), "systemctl stop irqbalance"),
    (do.SetIrqbalance(on=True), "systemctl start irqbalance"),
    (
        do.BanIrqs((30, 31)),
        "or add to its options, in /etc/default/irqbalance: --banirq=30 --banirq=31",
    ),
    (
        do.ShowKernelLog(),
        "dmesg | grep -i -e affinity -e vector  # irqwatch does not read the kernel's log",
    ),
    (
        do.SetSysctl("net.core.netdev_max_backlog", 4000),
        "sysctl -w net.core.netdev_max_backlog=4000",
    ),
    (do.SetFlowLimit(cpus(0, 1)), "echo 3 > /proc/sys/net/core/flow_limit_cpu_bitmap"),
]


@pytest.mark.parametrize(("action", "command"), COMMANDS)
def test_what_is_to_be_done(action: Action, command: str) -> None:
    assert typed(action) == command


def test_all_that_can_be_done_is_here() -> None:
    assert {type(action) for action, _ in COMMANDS} == set(get_args(Action))


REASONS: list[tuple[Reason, str]] = [
    (
        Outside(cpus(0, 1), "reserved"),
        "CPU 0-1 is kept free of interrupts (isolated or nohz_full)",
    ),
    (Outside(cpus(0), "unwanted"), "CPU 0 is not one of those wanted"),
    (Outside(cpus(0), "can-sleep"), "CPU 0 can sleep: fewer CPUs bear all of it"),
    (Outside(cpus(0), "late-timers"), "CPU 0 is late to run its timers"),
    (NodeFull(1), "CPU 0 is too busy and node 1, its device's own, is full"),
    (OtherNode(1), "its device is on node 1, as CPU 3 is and CPU 0 is not"),
    (Busier(0.8, 0.05), "CPU 0 spends 80.0% in interrupts, CPU 3 5.0%"),
]


def moved(why: Reason) -> Move:
    return Move(LINE, cpus(0, 1, 2, 3), cpus(0), cpus(3), 0.2, why)


@pytest.mark.parametrize(("why", "said"), REASONS)
def test_why_a_line_moves(why: Reason, said: str) -> None:
    assert words.reason(moved(why), "time") == said


def test_each_reason_is_here() -> None:
    assert {type(why) for why, _ in REASONS} == set(get_args(Reason))


def test_a_busier_cpu_where_nothing_was_timed() -> None:
    said = words.reason(moved(Busier(4000, 20)), "count")
    assert said == "CPU 0 takes 4000/s interrupts, CPU 3 20/s"


def test_reasons_by_line() -> None:
    plan = replace(make_plan(crowded().measured(), Wanted()), moves=(moved(OtherNode(1)),))
    assert words.reasons(plan) == {30: words.reason(plan.moves[0], "time")}


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (Stays.NOT_READ, "where it may run is not known: /proc/irq/30 was not read"),
        (
            Stays.NOT_PLACED,
            "the kernel does not place it: a per-CPU interrupt, or one whose controller cannot",
        ),
        (Stays.MANAGED, "managed by the kernel: /proc/irq/30/smp_affinity is read-only"),
        (
            Stays.LIKELY_MANAGED,
            "a queue of its driver's, which the kernel most likely manages: a write gives EIO",
        ),
        (Stays.CPU_UNKNOWN, "not known on which CPU it runs"),
        (Stays.OTHER_DEVICE, "left out by --device"),
    ],
)
def test_why_a_line_stays(why: Stays, said: str) -> None:
    assert words.stays(Immovable(LINE, cpus(0), 0.2, why)) == said


def test_each_that_stays_has_words() -> None:
    assert words.STAYS.keys() == set(Stays)


PLAN = replace(
    make_plan(crowded().measured(), Wanted()),
    busiest_now=0.8,
    busiest_planned=0.3,
    lower_bound=0.25,
    gap=0.2,
    exact=False,
)

VERDICTS: list[tuple[Plan, Verdict, str]] = [
    (PLAN, Improves(), "busiest CPU 80.0% now, 30.0% planned; bound 25.0% (gap 20.0%); 3 moves"),
    (
        replace(PLAN, exact=True, moves=PLAN.moves[:1]),
        Improves(),
        "busiest CPU 80.0% now, 30.0% planned; bound 25.0% (proven best); 1 move",
    ),
    (
        PLAN,
        CannotTell("/proc/interrupts is masked"),
        "it cannot be told what to change, for the interrupts are hidden: "
        "/proc/interrupts is masked",
    ),
    (PLAN, NothingCounts(0.001), "change nothing: no interrupt takes as much as 0.1%"),
    (
        replace(PLAN, unavailable=(Unavailable("interrupts", "2 garbled rows left out"),)),
        NothingCounts(0.001),
        "change nothing: no interrupt that can be read takes as much as 0.1%",
    ),
    (
        replace(PLAN, weighed_by="count"),
        NothingCounts(20),
        "change nothing: no interrupt takes as much as 20/s",
    ),
    (
        PLAN,
        NothingMovable(),
        "change nothing: none of the interrupts that count can be moved",
    ),
    (
        replace(PLAN, left_out=(Immovable(LINE, cpus(0), 0.2, Stays.OTHER_DEVICE),)),
        NothingMovable(),
        "change nothing: none of the interrupts that count, and that --device names, can be moved",
    ),
    (
        PLAN,
        GainIsNoise(0.01),
        "change nothing: the busiest CPU is at 80.0%, no plan gets it below 25.0%, and a gain of "
        "less than 1.0% is noise",
    ),
    (
        PLAN,
        NoneBetter(),
        "change nothing: the busiest CPU is at 80.0%, and no better plan was found (bound 25.0%)",
    ),
]


@pytest.mark.parametrize(("plan", "verdict", "said"), VERDICTS)
def test_the_verdict(plan: Plan, verdict: Verdict, said: str) -> None:
    assert words.verdict(replace(plan, verdict=verdict)) == said


def test_each_verdict_is_here() -> None:
    assert {type(verdict) for _, verdict, _ in VERDICTS} == set(get_args(Verdict))
