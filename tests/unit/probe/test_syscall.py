"""bpf/syscall.c: calls that sleep, move, do not come back, or are none."""

import os

import pytest

from irqwatch.base.syscall_names import MACHINES, name, names
from irqwatch.model.snapshot import Probe
from tests.native.harness import Native
from tests.native.sequence import SHELL, Task, process_exec, process_exit, sys_enter, sys_exit

READ, WRITE = 0, 1
MOVED = Task(1, SHELL.pid, SHELL.comm, is_kthread=False)
OTHER = Task(0, 900, "writer", is_kthread=False)


def calls(probe: Probe) -> list[tuple[str, int, int, int]]:
    return [(c.syscall, c.cpu, c.run.count, c.run.sum_ns) for c in probe.parts["syscalls"]]


def losses(probe: Probe) -> dict[str, int]:
    return {reason: count for reason, count in probe.losses["syscall"].items() if count}


def called(number: int) -> str:
    return name(number, os.uname().machine)


def test_entered_and_left(native: Native) -> None:
    native.feed([sys_enter(1000, READ), sys_exit(4000), sys_enter(5000, WRITE), sys_exit(5100)])
    probe = native.read()
    assert calls(probe) == [(called(READ), 0, 1, 3000), (called(WRITE), 0, 1, 100)]
    assert probe.parts["syscalls"][0].worst and probe.parts["syscalls"][0].worst.ns == 3000
    assert not losses(probe)


def test_sleeps_while_others_run_and_moves(native: Native) -> None:
    native.feed([sys_enter(1000, READ), sys_enter(1100, WRITE, on=OTHER)])
    native.feed([sys_exit(1500, on=OTHER), sys_exit(9000, on=MOVED)])
    assert calls(native.read()) == [(called(READ), 1, 1, 8000), (called(WRITE), 0, 1, 400)]


def test_exit_without_enter(native: Native) -> None:
    """The child's side of a fork()."""
    native.feed([sys_exit(4000), sys_enter(5000, READ), sys_exit(6000), sys_exit(7000)])
    probe = native.read()
    assert calls(probe) == [(called(READ), 0, 1, 1000)]
    assert losses(probe) == {"exit_without_enter": 2}


def test_a_thread_that_ends_leaves_nothing(native: Native) -> None:
    native.feed([sys_enter(1000, READ), process_exit(2000)])
    assert native.entries("syscalls_open") == {}
    native.feed([sys_exit(9000)])  # of the next one with its number
    assert losses(native.read()) == {"exit_without_enter": 1}


def test_exec_in_a_thread_that_is_not_its_processs_first(native: Native) -> None:
    """It gets the first one's number, which has ended by then."""
    native.feed([sys_enter(900, READ), sys_enter(1000, WRITE, on=OTHER), process_exit(2000)])
    native.feed([process_exec(3000, OTHER.pid), sys_exit(5000), process_exit(6000)])
    probe = native.read()
    assert calls(probe) == [(called(WRITE), 0, 1, 4000)]
    assert native.entries("syscalls_open") == {}
    assert not losses(probe)


def test_exec_in_the_first_thread_stays_open(native: Native) -> None:
    native.feed([sys_enter(1000, WRITE), process_exec(3000, SHELL.pid), sys_exit(5000)])
    assert calls(native.read()) == [(called(WRITE), 0, 1, 4000)]


def test_exec_in_a_call_that_was_not_seen(native: Native) -> None:
    native.feed([process_exec(3000, OTHER.pid), sys_exit(5000)])
    assert losses(native.read()) == {"exit_without_enter": 1}


def test_made_up_numbers_are_one(native: Native) -> None:
    for number in (1024, 5000, 1 << 30 | 1, (1 << 64) - 1):
        native.feed([sys_enter(1000, number), sys_exit(1100)])
    assert calls(native.read()) == [("unknown", 0, 4, 400)]


@pytest.mark.parametrize(
    ("full", "lost"),
    [
        ("syscalls_open", {"enter_map_full": 1, "exit_without_enter": 1}),
        ("syscalls", {"exit_map_full": 1}),
    ],
)
def test_full_maps(native: Native, full: str, lost: dict[str, int]) -> None:
    native.limit(full, 0)
    native.feed([sys_enter(1000, READ), sys_exit(2000)])
    probe = native.read()
    assert calls(probe) == []
    assert losses(probe) == lost


@pytest.mark.parametrize(
    ("machine", "number", "expected"),
    [
        ("x86_64", 0, "read"),
        ("x86_64", 59, "execve"),
        ("x86_64", 334, "rseq"),
        ("x86_64", 335, "335"),
        ("x86_64", 435, "clone3"),
        ("x86_64", 462, "mseal"),
        ("aarch64", 63, "read"),
        ("aarch64", 221, "execve"),
        ("aarch64", 293, "rseq"),
        ("riscv64", 435, "clone3"),
        ("x86_64", 1000, "1000"),
        ("s390x", 3, "3"),
    ],
)
def test_names(machine: str, number: int, expected: str) -> None:
    assert name(number, machine) == expected


def test_no_name_is_twice() -> None:
    for machine in MACHINES:
        assert len(set(names(machine).values())) == len(names(machine))
