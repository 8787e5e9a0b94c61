import pytest

from irqwatch.errors import ParseError
from irqwatch.parse import cpuinfo, task_stat
from irqwatch.parse.task_stat import TaskStat


def stat(name: str, policy: int, priority: int) -> bytes:
    """Fields 3 to 41 of proc_pid_stat(5); times are 3 and 4 ticks, the CPU is 1."""
    fields = ["S", "2", *["0"] * 9, "3", "4", *["0"] * 23, "1", str(priority), str(policy)]
    return f"41 ({name}) {' '.join(fields)} 0 0 0\n".encode()


@pytest.mark.parametrize(
    ("policy", "priority", "known"), [(0, 0, 0), (1, 50, 50), (2, 99, 99), (6, 0, 100), (3, 0, 0)]
)
def test_priority_is_that_of_real_time(policy: int, priority: int, known: int) -> None:
    expected = TaskStat(b"irq/34-eth0", 2, 7, 1, known)
    assert task_stat.parse(stat("irq/34-eth0", policy, priority)) == expected


def test_a_name_may_hold_anything() -> None:
    assert task_stat.parse(stat("a) S (b", 1, 5)).name == b"a) S (b"


@pytest.mark.parametrize("raw", [b"", b"1 (a", b"1 (a) S 2 3", b")(", stat("a", 1, -5), b"\xff"])
def test_garbage(raw: bytes) -> None:
    with pytest.raises(ParseError):
        task_stat.parse(raw)


@pytest.mark.parametrize(
    ("raw", "guest"),
    [
        (b"processor\t: 0\nflags\t\t: fpu vme hypervisor lahf_lm\n", True),
        (b"processor\t: 0\nflags\t\t: fpu vme nohypervisor\n", False),
        (b"processor\t: 0\nFeatures\t: fp asimd\n", None),
        (b"", None),
    ],
)
def test_guests(raw: bytes, guest: bool | None) -> None:
    assert cpuinfo.is_guest(raw) is guest
