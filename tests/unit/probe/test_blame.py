"""bpf/blame.c: from whom, by what, and that sums are the whole."""

from irqwatch.collectors.blame import Blame
from irqwatch.model.snapshot import CountAndTime, Probe
from tests.native.harness import Native
from tests.native.sequence import (
    IDLE,
    KSOFTIRQD,
    NIC,
    SHELL,
    TGID,
    Task,
    irq_entry,
    irq_exit,
    soft_entry,
    soft_exit,
    soft_raise,
    vector_entry,
    vector_exit,
)

CGROUP = 4711
FIRST_THREAD = Task(0, TGID, "database", is_kthread=False)
ON_1 = Task(1, SHELL.pid, SHELL.comm, is_kthread=False)


def interrupted(at_ns: int, ns: int, on: Task = SHELL) -> list:
    return [irq_entry(at_ns, on=on), irq_exit(at_ns + ns, on=on)]


def taken(probe: Probe) -> list[tuple[str, str, int | None, str, int, int]]:
    """Kind, name, line, cause, how often, how long."""
    return sorted(
        (b.kind, b.name, b.irq, b.cause, b.taken.count, b.taken.ns) for b in probe.parts["blames"]
    )


def test_a_hard_interrupt_over_a_task(native: Native) -> None:
    native.cgroup(CGROUP)
    native.feed([*interrupted(1000, 300), *interrupted(5000, 200)])
    assert native.read().parts["blames"] == (
        Blame(TGID, "bash", CGROUP, "hardirq", "eth0", 0, NIC.irq, "", CountAndTime(2, 500)),
    )


def test_a_vector_over_a_task(native: Native) -> None:
    native.feed([vector_entry(1000, on=SHELL), vector_exit(1700, on=SHELL)])
    assert taken(native.read()) == [("vector", "local_timer", None, "", 1, 700)]


def test_over_the_idle_task_nobody_loses(native: Native) -> None:
    native.feed([*interrupted(1000, 300, IDLE), soft_raise(2000), soft_entry(2100)])
    native.feed([soft_exit(2900)])
    assert native.read().parts["blames"] == ()


def test_an_inline_softirq_by_what_it_follows_from(native: Native) -> None:
    native.feed([irq_entry(1000, on=SHELL), soft_raise(1050, on=SHELL), irq_exit(1100, on=SHELL)])
    native.feed([soft_entry(1200, on=SHELL), soft_exit(1900, on=SHELL)])
    assert taken(native.read()) == [
        ("hardirq", "eth0", 34, "", 1, 100),
        ("softirq", "NET_RX", 34, "eth0", 1, 700),
    ]


def test_a_softirq_of_its_own(native: Native) -> None:
    native.feed([soft_raise(1000, on=SHELL), soft_entry(1200, on=SHELL), soft_exit(1900, on=SHELL)])
    assert taken(native.read()) == [("softirq", "NET_RX", None, "", 1, 700)]


def test_in_ksoftirqd_it_is_not_taken_from_anyone(native: Native) -> None:
    native.feed([soft_raise(1000, on=SHELL), soft_entry(9000, on=KSOFTIRQD)])
    native.feed([soft_exit(9500, on=KSOFTIRQD)])
    assert native.read().parts["blames"] == ()


def test_an_interrupt_inside_a_softirq_is_taken_once(native: Native) -> None:
    native.feed([soft_raise(1000, on=SHELL), soft_entry(2000, on=SHELL)])
    native.feed([*interrupted(2100, 300), soft_exit(3000, on=SHELL)])
    assert taken(native.read()) == [
        ("hardirq", "eth0", 34, "", 1, 300),
        ("softirq", "NET_RX", None, "", 1, 700),
    ]


def test_each_cgroup_and_cpu_apart(native: Native) -> None:
    native.cgroup(1)
    native.feed([*interrupted(1000, 100), *interrupted(2000, 100, ON_1)])
    native.cgroup(2)
    native.feed(interrupted(3000, 100))
    assert sorted((b.cgroup, b.cpu) for b in native.read().parts["blames"]) == [
        (1, 0),
        (1, 1),
        (2, 0),
    ]


def test_a_process_has_the_name_of_its_first_thread(native: Native) -> None:
    native.feed([*interrupted(1000, 100), *interrupted(2000, 100, FIRST_THREAD)])
    native.feed(interrupted(3000, 100))
    assert [(b.pid, b.comm, b.taken.count) for b in native.read().parts["blames"]] == [
        (TGID, "database", 3)
    ]


def test_what_finds_no_room_is_of_others(native: Native) -> None:
    native.limit("blames", 0)
    native.feed([irq_entry(1000, on=SHELL), soft_raise(1050, on=SHELL), irq_exit(1100, on=SHELL)])
    native.feed([soft_entry(1200, on=SHELL), soft_exit(1900, on=SHELL)])
    native.feed([vector_entry(3000, on=ON_1), vector_exit(3700, on=ON_1)])
    assert native.read().parts["blames"] == (
        Blame(None, "", None, "hardirq", "", 0, taken=CountAndTime(1, 100)),
        Blame(None, "", None, "softirq", "", 0, taken=CountAndTime(1, 700)),
        Blame(None, "", None, "vector", "", 1, taken=CountAndTime(1, 700)),
    )
