import pytest
from hypothesis import given
from hypothesis import strategies as st

from irqwatch.cells import cpu_list
from irqwatch.parse import cpulist as parsed


@pytest.mark.parametrize(
    ("cpus", "text"),
    [((), ""), ((3,), "3"), ((0, 1), "0-1"), ((0, 1, 2, 5, 7, 8), "0-2,5,7-8")],
)
def test_the_kernels_own_text(cpus: tuple[int, ...], text: str) -> None:
    assert cpu_list(cpus) == text


@given(st.frozensets(st.integers(0, 200)))
def test_it_is_read_back(cpus: frozenset[int]) -> None:
    assert parsed.parse(cpu_list(cpus).encode()) == cpus
