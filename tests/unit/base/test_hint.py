import pytest

from irqwatch.base.hint import is_followed
from irqwatch.model.snapshot import LineSetting


def cpus(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


@pytest.mark.parametrize(
    ("asked", "effective", "seen", "followed"),
    [
        (cpus(1), cpus(1), cpus(1), True),  # the hint is 0-1: any of them will do
        (cpus(0, 1, 2, 3), cpus(0), cpus(), True),
        (cpus(0, 1, 2, 3), cpus(2), cpus(), False),
        (cpus(0, 1, 2, 3), cpus(1, 2), cpus(), False),
        (cpus(0), cpus(2), cpus(2), False),  # what is asked for is not in force
        # Kernels that do not say where a line runs.
        (cpus(0, 1, 2, 3), None, cpus(1), True),
        (cpus(0, 1, 2, 3), None, cpus(3), False),
        (cpus(0, 1, 2, 3), None, cpus(), None),
        (cpus(1), None, cpus(), True),
        (cpus(2, 3), None, cpus(), False),
        (None, None, cpus(), None),
        (cpus(0, 1), cpus(), cpus(), True),  # one that is never placed
    ],
)
def test_a_wish_for_two_cpus(
    asked: frozenset[int] | None,
    effective: frozenset[int] | None,
    seen: frozenset[int],
    followed: bool | None,
) -> None:
    setting = LineSetting(30, asked, effective, cpus(0, 1))
    assert is_followed(setting, seen) is followed


def test_where_there_is_no_wish_none_is_followed() -> None:
    assert is_followed(LineSetting(30, cpus(0), cpus(0)), cpus(0)) is None
