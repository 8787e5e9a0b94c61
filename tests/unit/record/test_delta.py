import pytest

from irqwatch.record.delta import apply, difference
from irqwatch.record.tree import Unfit


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 4}, {"a": 3}),
        ({"a": 4}, {"a": 1}, {"a": -3}),
        ({"a": 1}, {"a": 1, "b": 2}, {"b": 2}),
        ({"a": 1, "b": 2}, {"b": 3}, [["a"], {"b": 1}]),
        ({"a": None}, {"a": 4}, {"a": 4}),
        ({"a": 4}, {"a": None}, {"a": None}),
        ({"a": 4}, {"a": 0}, {"a": -4}),
        ({"a": True}, {"a": False}, {"a": False}),
        ({"a": "x"}, {"a": "y"}, {"a": "y"}),
        ({"a": {"b": {"c": 1, "d": 1}}}, {"a": {"b": {"c": 2, "d": 1}}}, {"a": {"b": {"c": 1}}}),
        ([1, 2, 3], [1, 5, 3], {"1": 3}),
        ([1], [1, 5, 3], {"1": 5, "2": 3}),
        ([1, 2, 3], [2, 3], [2, 3]),
        ([1], [], []),
        ([], [1, 2], [1, 2]),
        ([{"a": 1}], [{"a": 2}], {"0": {"a": 1}}),
        (None, {"a": 1}, {"a": 1}),
        ({"a": 1}, None, None),
    ],
)
def test_a_change_is_small_and_makes_the_new_of_the_old(old, new, change):
    assert difference(old, new) == change
    assert apply(old, change) == new


def test_the_old_tree_stays_as_it_was():
    old = {"a": [1, {"b": 2}], "c": 3}

    assert apply(old, [["c"], {"a": {"1": {"b": 1}}}]) == {"a": [1, {"b": 3}]}
    assert old == {"a": [1, {"b": 2}], "c": 3}


@pytest.mark.parametrize(
    ("old", "change"),
    [
        ({}, []),
        ({}, [["a"], {}]),
        ({"a": 1}, [[1], {}]),
        ({"a": 1}, [["a"], {}, {}]),
        ({"a": 1}, [{}, ["a"]]),
        ([1], {"2": 1}),
        ([1], {"-1": 1}),
        ([1], {"x": 1}),
        ([1], {"\u0661": 1}),
    ],
)
def test_a_change_that_does_not_go_with_the_tree_is_refused(old, change):
    with pytest.raises(Unfit):
        apply(old, change)


def test_an_index_that_no_list_has():
    with pytest.raises(Unfit):
        apply([1], {"9" * 5000: 1})
