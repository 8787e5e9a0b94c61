"""tests/oracle/calls.py: what the trace does not say of calls of functions on other CPUs."""

from tests.events import Event
from tests.native.sequence import (
    CSD,
    CSD_IRQ_WORK,
    CSD_SYNC,
    CSD_WAKEUP,
    IDLE_1,
    csd_entry,
    csd_exit,
    csd_queue,
)
from tests.oracle.calls import WAKEUP, with_memory

ONE, TWO, THREE = CSD, CSD + 0x1000, CSD + 0x2000


def wakeup(at_ns: int, csd: int, to: int = 1) -> Event:
    return csd_queue(at_ns, to, WAKEUP, csd=csd, flags=0)


def run(at_ns: int, csd: int) -> Event:
    return csd_entry(at_ns, WAKEUP, csd=csd, flags=0)


def lists(*events: Event) -> list[str]:
    return [str(event.args[3]) for event in with_memory(events) if event.name == run(0, 0).name]


def test_one_run_is_for_all_wakeups_up_to_the_one_that_the_next_begins_with() -> None:
    queued = (wakeup(1, ONE), wakeup(2, TWO), wakeup(3, THREE))
    assert lists(*queued, run(5, ONE)) == [f"{TWO:#x} {THREE:#x}"]
    assert lists(*queued, run(5, ONE), run(6, THREE)) == [f"{TWO:#x}", ""]
    assert lists(*queued, run(5, ONE), wakeup(6, ONE), run(7, ONE)) == [f"{TWO:#x} {THREE:#x}", ""]


def test_another_cpus_wakeups_are_not_for_it() -> None:
    assert lists(wakeup(1, ONE), wakeup(2, TWO, to=0), run(5, ONE)) == [""]


def test_of_a_wakeup_from_before_the_recording_nothing_follows() -> None:
    assert lists(wakeup(1, TWO), run(5, ONE), run(6, TWO)) == ["", ""]


def test_flags_are_of_the_kind_of_call() -> None:
    events = (
        wakeup(1, ONE),
        csd_queue(2, csd=TWO, flags=0),
        csd_queue(3, function="perf_work", csd=THREE, flags=0),
        csd_entry(4, csd=TWO, flags=0, on=IDLE_1),
        csd_exit(5, csd=TWO),
    )
    flags = [event.args[4] for event in with_memory(events) if event.name == "csd_queue_cpu"]
    assert flags == [CSD_WAKEUP, CSD_SYNC, CSD_IRQ_WORK]
    assert with_memory(events)[3].args[2] == CSD_SYNC
