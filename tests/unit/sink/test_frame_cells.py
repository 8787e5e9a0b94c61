"""Units, widths and CPU lists."""

import pytest

from irqwatch import cells


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0, "0"),
        (32e-9, "32ns"),
        (999e-9, "999ns"),
        (999.6e-9, "1.0µs"),
        (1.234e-6, "1.2µs"),
        (9.96e-6, "10µs"),
        (34e-3, "34ms"),
        (0.9996, "1.0s"),
        (120.4, "120s"),
        (1e-10, "0.1ns"),
    ],
)
def test_seconds(value: float | None, text: str) -> None:
    assert cells.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (0, "0"),
        (0.01, "0.01"),
        (0.5, "0.5"),
        (7, "7"),
        (850, "850"),
        (999.7, "1.0k"),
        (12_345, "12k"),
        (280_000, "280k"),
        (1_200_000, "1.2M"),
        (4.2e9, "4.2G"),
    ],
)
def test_count(value: float | None, text: str) -> None:
    assert cells.count(value) == text


def test_numbers_keep_to_their_columns() -> None:
    for power in range(-10, 4):
        for digit in (1, 1.04, 9.4, 9.94, 9.96, 9.996):
            assert cells.width_of(cells.seconds(digit * 10.0**power)) <= 5
    for power in range(-2, 11):
        for digit in (1, 1.04, 9.4, 9.94, 9.96, 9.996):
            assert cells.width_of(cells.count(digit * 10.0**power)) <= 5


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "-"), (0, "0.0%"), (1e-6, "<0.1%"), (0.125, "12.5%"), (1, "100%"), (2.5, "250%")],
)
def test_percent(share: float | None, text: str) -> None:
    assert cells.percent(share) == text


@pytest.mark.parametrize(
    ("share", "text"), [(1, "100%"), (0.99999, "99.99%"), (0.5, "50.00%"), (None, "-")]
)
def test_a_ratio_is_100_percent_only_if_nothing_is_missing(share: float | None, text: str) -> None:
    assert cells.ratio(share) == text


def test_cells_are_counted_and_cut_by_width() -> None:
    assert cells.width_of("网卡a") == 5
    assert cells.width_of("e\u0301") == 1
    assert cells.cut("网卡网卡", 5) == "网卡…"
    assert cells.left("网卡", 6) == "网卡  "
    assert cells.right("12", 4) == "  12"
    assert cells.cut("abc", 0) == ""
    assert cells.in_ascii("1.2µs 网…") == "1.2us ??~"


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({}, "-"),
        ({3: 9}, "3"),
        ({0: 5, 1: 5, 2: 5, 3: 5}, "0-3"),
        ({0: 1, 1: 1, 2: 1, 5: 90, 7: 1}, "5,0-2,7"),
    ],
)
def test_where(counts: dict[int, int], text: str) -> None:
    assert cells.where(counts) == text
