"""The optimum that placements are measured by."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.optimum import lower_bound, optimum

LOADS = st.lists(st.floats(0.0, 1.0), max_size=7)


def of_all_placements(loads: list[float], cpus: int) -> float:
    return min(
        max(sum(load for load, on in zip(loads, where, strict=True) if on == cpu) for cpu in where)
        for where in product(range(cpus), repeat=len(loads))
    )


@given(LOADS.filter(bool), st.integers(1, 3))
def test_is_that_of_all_placements(loads: list[float], cpus: int) -> None:
    assert optimum(loads, cpus) == pytest.approx(of_all_placements(loads, cpus), abs=1e-6)


@given(LOADS, st.integers(1, 3))
def test_is_not_below_the_lower_bound(loads: list[float], cpus: int) -> None:
    assert optimum(loads, cpus) >= lower_bound(loads, cpus) - 1e-6


def test_is_not_what_largest_first_finds() -> None:
    assert optimum([3, 3, 2, 2, 2], 2) == 6
