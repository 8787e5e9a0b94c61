"""Timers, tasklets and polls as samples: by what they are told apart, and what folds."""

from irqwatch.base.sheet import Sheet
from irqwatch.collectors import COLLECTORS, napi
from irqwatch.collectors.napi import NapiCount
from irqwatch.collectors.tasklet import TaskletTime
from irqwatch.collectors.timer import TimerTime
from irqwatch.model.histogram import Histogram
from irqwatch.model.snapshot import Probe, Snapshot
from irqwatch.model.topology import Cpu, Topology
from irqwatch.sink.prometheus.values import Accountant
from tests.unit.sink.exported_hosts import SMALL, probe, snapshot, worst

ONE = Histogram({13: 1}, 256)


def sheet_of(*snapshots: Snapshot) -> Sheet:
    """The last one's."""
    accountant = Accountant(snapshots[0], COLLECTORS)
    return [accountant.update(one, {}) for one in snapshots][-1]


def large(cpus: int, made: Probe, at_s: float = 100) -> Snapshot:
    topology = Topology({n: Cpu(n, online=True) for n in range(cpus)})
    return snapshot(at_s, topology=topology, probe=made)


def timers(cpus: int) -> Probe:
    times = (TimerTime(cpu, "hard", ONE, 2, worst(1000 + cpu)) for cpu in range(cpus))
    return probe("timer", timers=tuple(times))


def counts(sheet: Sheet, name: str) -> dict[tuple[str, ...], int]:
    return {labels: one.count for labels, one in sheet.histograms[name].items()}


def test_timers_are_by_mode() -> None:
    sheet = sheet_of(SMALL)
    latency = counts(sheet, "irqwatch_timer_latency_seconds")
    assert latency == {("hard",): 12, ("soft",): 1}
    assert sheet.values["irqwatch_timer_early_total"]["hard",] == 7
    assert sheet.values["irqwatch_timer_latency_max_seconds"] == {("hard",): 6e-6}


def test_timers_of_many_cpus_are_one() -> None:
    sheet = sheet_of(large(65, timers(65)))
    assert counts(sheet, "irqwatch_timer_latency_seconds") == {("hard",): 65}
    assert sheet.values["irqwatch_timer_early_total"] == {("hard",): 130}
    assert sheet.values["irqwatch_timer_latency_max_seconds"] == {("hard",): 1.064e-6}


def test_tasklets_and_polls_are_summed_over_cpus() -> None:
    sheet = sheet_of(SMALL)
    assert counts(sheet, "irqwatch_tasklet_duration_seconds") == {("ata_sff",): 7}
    assert sheet.values["irqwatch_tasklet_duration_max_seconds"] == {("ata_sff",): 4e-6}
    assert sheet.values["irqwatch_napi_polls_total"] == {("backlog",): 5, ("eth0",): 21}
    assert sheet.values["irqwatch_napi_packets_total"] == {("backlog",): 6, ("eth0",): 704}
    exhausted = sheet.values["irqwatch_napi_budget_exhausted_total"]
    assert exhausted == {("backlog",): 0, ("eth0",): 4}


def test_names_without_end_go_to_other() -> None:
    many = probe(
        "tasklet",
        "napi",
        tasklets=tuple(TaskletTime(f"f{n}", 0, ONE) for n in range(100)),
        napis=tuple(NapiCount(f"veth{n}", 0, 1, 2, 0) for n in range(100)),
    )
    sheet = sheet_of(large(2, many))
    assert sheet.values["irqwatch_napi_polls_total"] == {("other",): 100}
    assert counts(sheet, "irqwatch_tasklet_duration_seconds") == {("other",): 100}


def test_devices_are_shown_apart_while_there_are_few() -> None:
    room = napi.SHOWN_APART.on(2)
    few = tuple(NapiCount(f"eth{n}", 0, 1, 2, 0) for n in range(room))
    sheet = sheet_of(large(2, probe("napi", napis=few)))
    assert ("other",) not in sheet.values["irqwatch_napi_polls_total"]
    assert len(sheet.values["irqwatch_napi_polls_total"]) == room


def test_sums_do_not_fall_when_an_entry_goes_and_comes_back() -> None:
    def host(at_s: float, *polls: NapiCount) -> Snapshot:
        return large(2, probe("napi", napis=polls), at_s)

    stays = NapiCount("eth0", 0, 10, 10, 0)
    sheet = sheet_of(
        host(100, stays, NapiCount("eth0", 1, 7, 7, 7)),
        host(101, stays),
        host(102, stays, NapiCount("eth0", 1, 2, 2, 2)),
    )
    assert sheet.values["irqwatch_napi_polls_total"] == {("eth0",): 19}
