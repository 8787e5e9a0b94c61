"""What happened between two snapshots."""

from dataclasses import replace

import pytest

from irqwatch.collectors.hardirq import HardirqTime
from irqwatch.collectors.softirq import SoftirqTime
from irqwatch.collectors.work import WorkCause
from irqwatch.derive.view import derive
from irqwatch.model.snapshot import CountAndTime, CpuTimes, Line, Snapshot, Unavailable
from irqwatch.model.topology import Cpu, Topology
from irqwatch.model.view import CpuPart, InterruptSource, Source, View
from tests import hosts
from tests.probes import a_probe


def with_lines(tick: int, *lines: Line) -> Snapshot:
    return replace(hosts.empty(tick), lines=lines)


def with_hardirqs(snapshot: Snapshot, *parts: HardirqTime) -> Snapshot:
    return replace(snapshot, probe=a_probe(hosts.ALL, 5, hardirqs=parts))


def line(count: int, *actions: str, irq: int = 30, controller: str = "", hwirq: str = "") -> Line:
    return Line(str(irq), irq, {0: count}, controller, hwirq, actions=actions)


def timed(count: int, action: str = "eth0", cpu: int = 0, irq: int = 30) -> HardirqTime:
    return HardirqTime(irq, action, cpu, hosts.histogram(1_000, times=count))


def one(view: View, kind: str, name: str) -> Source:
    (source,) = [one for one in view.sources if (one.kind, one.name) == (kind, name)]
    return source


BUSY = derive(hosts.busy(2), hosts.busy(1))


def test_a_snapshot_against_itself_is_nothing() -> None:
    view = derive(hosts.busy(1), hosts.busy(1))
    assert (view.interval_s, view.sources, view.losses) == (0, (), {})
    assert (view.coverage, view.coverage_by) == (None, {})
    assert [cpu.user for cpu in view.cpus] == [None, None]


def test_hardirq() -> None:
    source = one(BUSY, "hardirq", "eth0-TxRx-0")
    assert (source.count, source.rate, source.irq, source.device) == (12_000, 12_000, 24, "eth0")
    assert source.seconds == pytest.approx(2_400 * 8_500e-9)
    assert source.share == source.seconds
    assert source.cpus == {0: CpuPart(12_000, source.seconds)}
    assert source.p50_s == pytest.approx(900e-9, rel=0.125)
    assert source.p99_s == pytest.approx(5_000e-9, rel=0.125)
    assert (source.max_s, source.worst and source.worst.comm) == (48_211e-9, "nginx")
    assert source.latency_p99_s is None


def test_not_mine_is_part_of_count_and_seconds_but_not_of_quantiles() -> None:
    source = one(BUSY, "hardirq", "i801_smbus")
    assert (source.count, source.not_mine_count, source.p50_s) == (4, 4, None)
    assert source.seconds == source.not_mine_seconds == 40e-6


def test_softirq() -> None:
    source = one(BUSY, "softirq", "NET_RX")
    assert (source.count, source.ksoftirqd_count) == (50_000, 5_000)
    assert source.ksoftirqd_seconds == 0.02
    assert source.latency_p50_s == pytest.approx(600e-9, rel=0.125)
    assert source.latency_p99_s == pytest.approx(2_000_000e-9, rel=0.125)
    assert source.latency_max_s == 3_100_000e-9
    timer = one(BUSY, "softirq", "TIMER")
    assert set(timer.cpus) == {0, 1}
    assert timer.worst is not None
    assert timer.worst.cpu == 1  # the worst of both CPUs


def test_work() -> None:
    source = one(BUSY, "work", "blk_mq_timeout_work_of_a_very_long_name_indeed")
    assert (source.workqueue, source.count) == ("kblockd", 5)
    assert (source.seconds, source.wall_seconds) == (0.00125, 0.005)
    assert (source.stall_count, source.stall_seconds) == (2, 0.007)
    assert source.cpus == {0: CpuPart(5, 0.00125)}


def test_an_architecture_row_is_counted_and_not_timed() -> None:
    source = one(BUSY, "vector", "LOC")
    assert (source.count, source.seconds, source.share) == (500, None, None)
    assert source.description == "Local timer interrupts"
    assert "ERR" not in {other.name for other in BUSY.sources}


def test_the_order_of_sources_is_fixed() -> None:
    kinds = [source.kind for source in BUSY.sources]
    assert kinds == sorted(kinds, key=("hardirq", "softirq", "work", "vector").index)
    assert [source.irq for source in BUSY.sources][:4] == [9, 9, 24, 25]
    assert [source.name for source in BUSY.sources][4:6] == ["TIMER", "NET_RX"]


def test_without_the_probe_counts_are_the_kernels() -> None:
    view = derive(replace(hosts.busy(2), probe=None), replace(hosts.busy(1), probe=None))
    source = one(view, "hardirq", "eth0-TxRx-0")
    assert (source.count, source.seconds, source.p99_s) == (12_000, None, None)
    assert source.not_mine_count is None
    shared = one(view, "hardirq", "acpi, i801_smbus")
    assert (shared.irq, shared.count) == (9, 4)
    assert one(view, "softirq", "NET_RX").count == 50_003
    assert (view.coverage, view.collectors, view.losses) == (None, frozenset(), {})


def test_a_line_the_probe_has_no_entry_for_is_counted_by_the_kernel() -> None:
    before = with_hardirqs(with_lines(1, line(5, "eth0"), line(5, "nested", irq=31)), timed(5))
    after = with_hardirqs(with_lines(2, line(9, "eth0"), line(8, "nested", irq=31)), timed(9))
    view = derive(after, before)
    assert one(view, "hardirq", "eth0").seconds is not None
    nested = one(view, "hardirq", "nested")
    assert (nested.count, nested.seconds) == (3, None)


def test_a_probe_attached_anew_is_not_compared() -> None:
    before, after = hosts.busy(1), hosts.busy(2)
    assert after.probe
    view = derive(replace(after, probe=replace(after.probe, attached_ns=9)), before)
    assert one(view, "hardirq", "eth0-TxRx-0").seconds is None
    assert view.coverage is None
    assert Unavailable("interval", "the probe was attached anew within it") in view.unavailable


def test_a_probe_entry_that_went_backwards_leaves_the_kernels_count() -> None:
    before = with_hardirqs(with_lines(1, line(50, "eth0")), timed(50), timed(9, cpu=1))
    after = with_hardirqs(with_lines(2, line(60, "eth0")), timed(7), timed(10, cpu=1))
    source = one(derive(after, before), "hardirq", "eth0")
    assert (source.count, source.seconds) == (10, None)


@pytest.mark.parametrize(
    ("now", "before"),
    [
        (line(10, "eth0"), line(1000, "eth0")),
        (line(2000, "nvme0"), line(1000, "eth0")),
        (line(2000, "eth0", controller="GICv3"), line(1000, "eth0", controller="PCI-MSI")),
        (line(2000, "eth0", hwirq="7"), line(1000, "eth0", hwirq="1")),
    ],
)
def test_a_line_reset_or_given_to_another_device_is_left_out(now: Line, before: Line) -> None:
    assert derive(with_lines(2, now), with_lines(1, before)).sources == ()


def test_a_line_that_wraps_is_counted() -> None:
    view = derive(with_lines(2, line(4, "eth0")), with_lines(1, line(2**32 - 1, "eth0")))
    assert [(source.name, source.count) for source in view.sources] == [("eth0", 5)]


def test_of_a_line_that_appears_it_is_not_known_what_it_counted() -> None:
    """Its counts may be of before its action was gone: a network device that was down."""
    before = with_lines(1, line(1, "eth0"))
    view = derive(with_lines(2, line(4, "eth0"), line(60_000, "eth1", irq=31)), before)
    assert [source.name for source in view.sources] == ["eth0"]
    assert Unavailable("counts", "not known of this interval: 31") in view.unavailable


def test_a_row_of_the_architecture_that_appears_has_counted_from_zero() -> None:
    hyp = Line("HYP", None, {0: 6}, description="Hypervisor callback interrupts")
    err = Line("ERR", None, {}, total=7)
    view = derive(with_lines(2, line(4, "eth0"), hyp, err), with_lines(1, line(4, "eth0")))
    assert [(source.name, source.count) for source in view.sources] == [("ERR", 7), ("HYP", 6)]


def total(count: int, label: str = "ERR") -> Line:
    return Line(label, None, {}, total=count)


@pytest.mark.parametrize(
    ("before", "after", "counted"),
    [(5, 105, 100), (2**32 - 20, 80, 100), (5, 5, 0), (2_000_000_000, 5, None)],
)
def test_totals_of_the_machine(before: int, after: int, counted: int | None) -> None:
    view = derive(with_lines(3, total(after)), with_lines(1, total(before)))
    if not counted:
        unknown = Unavailable("counts", "not known of this interval: ERR")
        assert (view.sources, unknown in view.unavailable) == ((), counted is None)
        return
    err = one(view, "vector", "ERR")
    assert (err.count, err.rate, err.cpus, err.seconds) == (counted, counted / 2, {}, None)
    assert err.beside == "interrupts that were not expected, and errors"


def test_a_total_that_becomes_a_row_of_counts_is_not_known() -> None:
    counts = Line("ERR", None, {0: 9})
    for one_row, other in ((total(5), counts), (counts, total(5))):
        view = derive(with_lines(2, one_row), with_lines(1, other))
        assert (view.sources, [lack.part for lack in view.unavailable]) == ((), ["counts"])


def test_cpus_of_which_the_interval_is_not_known_are_told() -> None:
    before = replace(with_lines(1, line(1, "eth0")), line_cpus=frozenset({0, 1, 3}))
    after = replace(with_lines(2, line(4, "eth0")), line_cpus=frozenset({0, 2, 3}))
    view = derive(after, before)
    assert one(view, "hardirq", "eth0").count == 3
    assert Unavailable("counts", "not known of this interval: CPU 1, CPU 2") in view.unavailable


def test_lines_that_could_not_be_read_before_are_not_counted_from_zero() -> None:
    assert derive(with_lines(2, line(900, "eth0")), with_lines(1)).sources == ()


def online(tick: int, *numbers: int, counts: dict[int, int]) -> Snapshot:
    return replace(
        hosts.empty(tick),
        topology=Topology({cpu: Cpu(cpu, cpu in numbers) for cpu in range(3)}),
        lines=(Line("30", 30, counts, actions=("eth0",)),),
        cpu_times={cpu: hosts.cpu_times(tick, cpu) for cpu in numbers},
    )


def test_cpus_that_come_and_go() -> None:
    before = online(1, 0, 1, counts={0: 10, 1: 500})
    after = online(2, 0, 2, counts={0: 13, 2: 9_000})
    view = derive(after, before)
    assert one(view, "hardirq", "eth0").cpus == {0: CpuPart(3, None)}
    assert [(cpu.cpu, cpu.user is None) for cpu in view.cpus] == [(0, False), (2, True)]


def test_another_boot_or_another_order_is_not_compared() -> None:
    before, after = hosts.busy(1), hosts.busy(2)
    other_boot = replace(after, host=replace(after.host, boot_id="other"))
    for view in (derive(other_boot, before), derive(before, after)):
        assert (view.interval_s, view.sources) == (0, ())
        assert [lack.part for lack in view.unavailable] == ["interval"]
        assert {cpu.idle for cpu in view.cpus} == {None}


def test_coverage() -> None:
    assert BUSY.coverage_by["hardirq"] == 1  # the shared line is counted once, not per action
    assert BUSY.coverage_by["softirq"] == pytest.approx(50_200 / 50_203)
    assert BUSY.coverage == BUSY.coverage_by["softirq"]


def test_coverage_falls_with_events_the_probe_did_not_see() -> None:
    before = with_hardirqs(with_lines(1, line(50, "eth0")), timed(50))
    after = with_hardirqs(with_lines(2, line(60, "eth0")), timed(58))
    assert derive(after, before).coverage_by == {"hardirq": 0.8}
    assert derive(replace(after, lines=before.lines), before).coverage_by == {}


def nested(tick: int, **reasons: int) -> Snapshot:
    """A board with line 30, and 31 of an expander, of which the probe has nothing."""
    lines = line(10 * tick, "eth0"), line(40 * tick, "button", irq=31)
    timed_line = timed(10 * tick)
    probe = a_probe(hosts.ALL, 5, hardirqs=(timed_line,), losses={"hardirq": reasons})
    return replace(with_lines(tick, *lines), probe=probe)


def test_coverage_is_not_lowered_by_lines_without_a_tracepoint() -> None:
    assert derive(nested(2), nested(1)).coverage_by == {"hardirq": 1}
    # What was lost before the interval says nothing about it.
    assert derive(nested(2, map_full=7), nested(1, map_full=7)).coverage_by == {"hardirq": 1}
    other_loss = derive(nested(2, exit_without_entry=8), nested(1, exit_without_entry=7))
    assert other_loss.coverage_by == {"hardirq": 1}


def test_coverage_falls_with_a_line_the_full_map_has_no_room_for() -> None:
    assert derive(nested(2, map_full=8), nested(1, map_full=7)).coverage_by == {"hardirq": 0.2}


def test_coverage_of_a_probe_that_sees_no_line_at_all_is_zero() -> None:
    before, after = (with_hardirqs(with_lines(n, line(10 * n, "eth0"))) for n in (1, 2))
    assert derive(after, before).coverage_by == {"hardirq": 0}


def test_a_line_once_seen_counts_as_missed_when_it_is_seen_no_more() -> None:
    before, after = (
        with_hardirqs(with_lines(n, line(10 * n, "eth0")), timed(10, cpu=7)) for n in (1, 2)
    )
    assert derive(after, before).coverage_by == {"hardirq": 0}


def test_losses() -> None:
    assert BUSY.losses == {
        "irq_handler_entry.recursion_miss": 2,
        "softirq.exit_without_entry": 1,
    }


def test_cpus_by_the_probe() -> None:
    cpu = BUSY.cpus[0]
    assert cpu.timed_by == "probe"
    assert cpu.hardirq == pytest.approx(2_400 * 8_500e-9 + 9_000e-9 + 40_900e-9)
    assert cpu.softirq == pytest.approx(0.19 + 100 * 1_500e-9)
    shares = (cpu.user, cpu.system, cpu.idle, cpu.steal)
    assert shares == pytest.approx((0.30, 0.10, 0.59, 0.01))


def kernel_times(tick: int, irq: int) -> Snapshot:
    times = CpuTimes(0, 0, 0, 0, 0, irq_ns=irq, softirq_ns=tick * 10**8, steal_ns=0)
    return replace(hosts.empty(tick, cpus=1), cpu_times={0: times})


def test_cpus_by_the_kernel() -> None:
    (cpu,) = derive(kernel_times(2, 7 * 10**8), kernel_times(1, 2 * 10**8)).cpus
    assert (cpu.hardirq, cpu.softirq, cpu.timed_by) == (0.5, 0.1, "kernel")


def test_a_kernel_that_does_not_account_interrupts_measures_no_zero() -> None:
    (cpu,) = derive(kernel_times(2, 0), kernel_times(1, 0)).cpus
    assert (cpu.hardirq, cpu.softirq) == (None, 0.1)


def test_one_collector_off_is_mixed() -> None:
    before, after = (
        replace(
            hosts.busy(tick), probe=replace(hosts.probe(tick, 2), collectors=frozenset({"softirq"}))
        )
        for tick in (1, 2)
    )
    assert derive(after, before).cpus[0].timed_by == "mixed"
    assert "hardirq" not in derive(after, before).coverage_by


def test_idle_time_that_went_backwards_is_unknown() -> None:
    before, after = hosts.busy(1), hosts.busy(2)
    early = replace(after.cpu_times[0], iowait_ns=0)
    cpu = derive(replace(after, cpu_times={0: early}), before).cpus[0]
    assert (cpu.idle, cpu.system) == (None, 0.1)


def test_what_ran_after_an_interrupt_that_came_before_the_interval_is_told() -> None:
    """All causes together are the whole."""
    cause = WorkCause(30, "eth0", "", "flush", "events", 1, CountAndTime(4, 100))
    before = replace(hosts.empty(1), probe=a_probe(hosts.ALL, 5, hardirqs=(timed(3),)))
    after = replace(
        hosts.empty(2), probe=a_probe(hosts.ALL, 5, hardirqs=(timed(3),), work_causes=(cause,))
    )
    view = derive(after, before)
    source = one(view, "hardirq", "eth0")
    assert (source.count, source.irq) == (0, 30)
    assert isinstance(source, InterruptSource)
    assert [(caused.name, caused.count) for caused in source.caused] == [("flush", 4)]
    assert view.uncaused == ()


def test_where_the_probe_saw_nothing_stands_what_the_kernel_counted() -> None:
    """Also of what the probe has seen at another time."""
    seen = SoftirqTime("NET_RX", 0, hosts.histogram(1_000), hosts.histogram(1_000))

    def at(tick: int, count: int) -> Snapshot:
        return replace(
            with_lines(tick, line(count, "eth0")),
            softirq_counts={"NET_RX": {0: count}},
            probe=a_probe(hosts.ALL, 5, hardirqs=(timed(3),), softirqs=(seen,)),
        )

    view = derive(at(2, 1_005), at(1, 5))
    for kind, name in (("hardirq", "eth0"), ("softirq", "NET_RX")):
        source = one(view, kind, name)
        assert (source.count, source.seconds) == (1_000, None)


def test_nothing_is_known_of_a_cpu_that_came() -> None:
    def at(tick: int, cpus: set[int]) -> Snapshot:
        topology = Topology({cpu: Cpu(cpu, online=cpu in cpus) for cpu in (0, 1)})
        return replace(with_hardirqs(hosts.empty(tick), timed(tick, cpu=1)), topology=topology)

    known, came = derive(at(2, {0, 1}), at(1, {0})).cpus
    assert known.hardirq == 0
    assert (came.hardirq, came.softirq, came.rest) == (None, None, None)


@pytest.mark.parametrize("lacking", [0, 1], ids=["at the start", "at the end"])
def test_a_softirq_that_one_reading_lacks_is_not_known(lacking: int) -> None:
    both = [replace(hosts.empty(tick), softirq_counts={"NET_RX": {0: tick}}) for tick in (1, 2)]
    both[lacking] = replace(both[lacking], softirq_counts={})
    before, after = both
    told = Unavailable("counts", "not known of this interval: NET_RX")
    assert told in derive(after, before).unavailable
