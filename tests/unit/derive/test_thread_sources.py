"""Threads of interrupts as sources, and as what their lines caused."""

from irqwatch.derive.view import derive
from irqwatch.model.view import Caused, CpuPart
from tests import hosts

VIEW = derive(hosts.threaded(2), hosts.threaded(1))


def test_one_an_action_over_its_cpus() -> None:
    (thread,) = (source for source in VIEW.sources if source.kind == "thread")
    assert (thread.irq, thread.name, thread.device) == (24, "eth0-TxRx-0", "eth0")
    assert (thread.count, thread.seconds, thread.share) == (201, 1.807e-3, 1.807e-3)
    assert thread.cpus == {0: CpuPart(200, 1.8e-3), 1: CpuPart(1, 7e-6)}
    assert thread.latency_max_s == 90e-6
    assert thread.worst_latency and thread.worst_latency.comm == "nginx"
    assert thread.worst and thread.worst.comm == "irq/24-eth0"


def test_its_time_is_what_its_line_caused() -> None:
    (line,) = (s for s in VIEW.sources if (s.kind, s.irq) == ("hardirq", 24))
    cpus = {0: CpuPart(200, 1.8e-3), 1: CpuPart(1, 7e-6)}
    assert Caused("thread", "eth0-TxRx-0", 201, 1.807e-3, cpus) in line.caused
    assert line.whole_share and line.share
    assert line.whole_share >= line.share + 1.807e-3
