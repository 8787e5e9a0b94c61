"""System calls as sources."""

from irqwatch.derive.view import derive
from irqwatch.model.view import CpuPart
from tests import hosts


def test_by_name_over_cpus_and_without_a_share() -> None:
    view = derive(hosts.busier(2), hosts.busier(1))
    futex, read = (s for s in view.sources if s.kind == "syscall")
    assert (futex.name, read.name) == ("futex", "read")
    assert read.count == 101
    assert read.cpus == {0: CpuPart(100, 1e-4), 1: CpuPart(1, 1.0)}
    assert read.worst and read.worst.comm == "cc1"
    assert (futex.seconds, futex.share) == (3.0, None)
