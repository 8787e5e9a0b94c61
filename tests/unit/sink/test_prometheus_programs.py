"""What programs do to themselves, as samples."""

from irqwatch.collectors import syscall
from irqwatch.collectors.syscall import SyscallTime
from irqwatch.model.histogram import Histogram
from irqwatch.sink.prometheus.values import Accountant
from tests.unit.sink.exported_hosts import SECOND_NS, SMALL, probe, snapshot


def values(name: str) -> dict[tuple[str, ...], float]:
    return Accountant(SMALL, ()).update(SMALL, {}).values[name]


def test_signals_are_summed_over_cpus() -> None:
    """So few of them are not shown apart."""
    rest = ("other", "other")
    assert values("irqwatch_signals_generated_total") == {rest: 7}
    assert values("irqwatch_signals_dropped_total") == {rest: 1}
    assert values("irqwatch_signal_latency_max_seconds") == {rest: 9e-6}


def test_exceptions_are_summed_over_cpus() -> None:
    assert values("irqwatch_exceptions_total") == {("page_fault_user",): 5003}


def test_so_many_system_calls_are_shown_apart() -> None:
    """Those that take most of the time, if it is some."""
    times = tuple(
        SyscallTime(f"call_{n}", cpu, Histogram({13: 1}, (n + 1) * SECOND_NS))
        for n in range(20)
        for cpu in (0, 1)
    )
    host = snapshot(probe=probe(syscalls=times))
    runs = Accountant(host, ()).update(host, {}).histograms["irqwatch_syscall_duration_seconds"]
    room = syscall.SHOWN_APART.on(1)
    assert runs.keys() == {*((f"call_{n}",) for n in range(20 - room, 20)), ("other",)}
    assert runs["call_19",].sum_ns == 2 * 20 * SECOND_NS
    assert runs["other",].count == 2 * (20 - room)
