"""bpf/exception.c."""

from irqwatch.collectors.exception import ExceptionCount, ProcessFaults
from irqwatch.model.snapshot import Probe
from tests.native.harness import Native
from tests.native.sequence import IDLE_1, SHELL, TGID, Task, machine_check, nmi, page_fault

FIRST_THREAD = Task(0, TGID, "database", is_kthread=False)
OTHER_THREAD = Task(1, 900, "writer", is_kthread=False)


def cpus(probe: Probe) -> dict[str, dict[int, int]]:
    return {counted.exception: dict(counted.cpus) for counted in probe.parts["exceptions"]}


def test_by_kind_and_cpu(native: Native) -> None:
    native.feed([page_fault(1), page_fault(2), page_fault(3, OTHER_THREAD)])
    native.feed([page_fault(4, is_user=False), nmi(5, on=IDLE_1), machine_check(6)])
    probe = native.read()
    assert cpus(probe) == {
        "page_fault_user": {0: 2, 1: 1},
        "page_fault_kernel": {0: 1},
        "nmi": {1: 1},
        "machine_check": {0: 1},
    }
    assert probe.losses["exception"] == {}


def test_nothing(native: Native) -> None:
    probe = native.read()
    assert (probe.parts["exceptions"], probe.parts["faulting"]) == ((), ())


def test_nmi_counts_for_the_handler_that_took_it(native: Native) -> None:
    native.feed([nmi(1, handled=0), nmi(2, handled=2)])
    assert native.read().parts["exceptions"] == (ExceptionCount("nmi", {0: 1}),)


def test_threads_are_one_process_and_it_is_named_after_the_first(native: Native) -> None:
    native.feed([page_fault(1, OTHER_THREAD)])
    assert native.read().parts["faulting"] == (ProcessFaults(TGID, "writer", 1, 0),)
    native.feed([page_fault(2, FIRST_THREAD), page_fault(3, OTHER_THREAD, is_user=False)])
    assert native.read().parts["faulting"] == (ProcessFaults(TGID, "database", 2, 1),)


def test_a_process_has_the_name_of_what_it_has_become(native: Native) -> None:
    become = Task(0, TGID, "cc1", is_kthread=False)
    native.feed([page_fault(1, FIRST_THREAD), page_fault(2, become)])
    assert [process.comm for process in native.read().parts["faulting"]] == ["cc1"]


def test_full_map_counts_on(native: Native) -> None:
    native.limit("exception_processes", 0)
    native.feed([page_fault(1, SHELL), page_fault(2, SHELL)])
    probe = native.read()
    assert cpus(probe) == {"page_fault_user": {0: 2}}
    assert probe.parts["faulting"] == ()
