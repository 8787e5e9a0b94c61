"""What programs do to themselves, as samples."""

from irqwatch.base.fold import CPUS_SHOWN_APART
from irqwatch.collectors import syscall
from irqwatch.collectors.exception import ExceptionCount
from irqwatch.collectors.syscall import SyscallTime
from irqwatch.model.histogram import Histogram
from irqwatch.model.topology import Cpu, Topology
from irqwatch.sink.prometheus.values import Accountant
from tests.unit.sink.exported_hosts import SMALL, probe, snapshot


def values(name: str) -> dict[tuple[str, ...], float]:
    return Accountant(SMALL, ()).update(SMALL, {}).values[name]


def test_signals_are_summed_over_cpus() -> None:
    assert values("irqwatch_signals_generated_total") == {("SIGALRM", "timer"): 7}
    assert values("irqwatch_signals_dropped_total") == {("SIGALRM", "timer"): 1}
    assert values("irqwatch_signal_latency_max_seconds") == {("SIGALRM", "timer"): 9e-6}


def test_exceptions_by_cpu_and_in_sum_on_large_hosts() -> None:
    assert values("irqwatch_exceptions_total") == {
        ("page_fault_user", "0"): 5000,
        ("page_fault_user", "2"): 3,
    }
    large = snapshot(
        topology=Topology({n: Cpu(n, online=True) for n in range(CPUS_SHOWN_APART + 1)}),
        probe=probe(exceptions=(ExceptionCount("nmi", {0: 2, 64: 3}),)),
    )
    sheet = Accountant(large, ()).update(large, {})
    assert sheet.values["irqwatch_exceptions_total"] == {("nmi", ""): 5}


def test_so_many_system_calls_are_shown_apart() -> None:
    times = tuple(
        SyscallTime(f"call_{n}", cpu, Histogram({13: 1}, 256))
        for n in range(syscall.SHOWN_APART + 10)
        for cpu in (0, 1)
    )
    host = snapshot(probe=probe(syscalls=times))
    runs = Accountant(host, ()).update(host, {}).histograms["irqwatch_syscall_duration_seconds"]
    assert len(runs) == syscall.SHOWN_APART + 1
    assert runs["call_0",][-1] == 2 * 256
    assert runs["other",][-1] == 10 * 2 * 256
