"""Recordings of earlier schemas."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irqwatch.base.measures import quantile_ns
from irqwatch.model.histogram import Histogram
from irqwatch.model.snapshot import SCHEMA
from irqwatch.record.delta import apply
from irqwatch.record.older import Older
from irqwatch.record.tree import Unfit


def bucket_1(value_ns: int) -> str:
    """Schema 1's: four equal parts of each octave from 32 ns to 2**36 ns."""
    if value_ns < 32:
        return "0"
    octave = min(value_ns.bit_length() - 1, 36)
    quarter = value_ns * 4 // 2**octave - 4 if octave < 36 else 0
    return str(4 * (octave - 5) + quarter + 1)


def sample(buckets: object, schema: int = 1) -> dict[str, object]:
    return {"schema": schema, "probe": {"hardirqs": [{"handled": {"buckets": buckets}}]}}


def moved(buckets: object) -> dict[int, int]:
    tree = Older().brought_up(sample(buckets))
    assert isinstance(tree, dict) and tree["schema"] == SCHEMA
    return {int(name): n for name, n in tree["probe"]["hardirqs"][0]["handled"]["buckets"].items()}


@given(st.integers(32, 60 * 10**9))
def test_a_value_stays_within_a_quarter(value_ns: int) -> None:
    found = quantile_ns(Histogram(moved({bucket_1(value_ns): 1}), value_ns), 50, None)
    assert found is not None and abs(found - value_ns) <= 0.24 * value_ns


@given(st.lists(st.integers(0, 2**38)))
def test_none_is_lost(values_ns: list[int]) -> None:
    buckets: dict[str, int] = {}
    for value_ns in values_ns:
        buckets[bucket_1(value_ns)] = buckets.get(bucket_1(value_ns), 0) + 1
    assert sum(moved(buckets).values()) == len(values_ns)


def test_the_first_and_the_last_stay() -> None:
    assert moved({"0": 3, "125": 4}) == {0: 3, 125: 4}


def test_a_sample_of_today_is_as_it_is() -> None:
    assert Older().brought_up(sample({"13": 1}, SCHEMA)) == sample({"13": 1}, SCHEMA)


@pytest.mark.parametrize("buckets", [{"126": 1}, {"-1": 1}, {"x": 1}, {"01": 1}, {"13": "1"}])
def test_what_is_no_bucket_is_refused(buckets: object) -> None:
    with pytest.raises(Unfit, match="bucket"):
        Older().brought_up(sample(buckets))


@given(st.lists(st.dictionaries(st.sampled_from(["0", "7", "8", "125"]), st.integers(0, 9))))
def test_changed_samples_are_brought_up_as_if_each_were_the_first(changes) -> None:
    older = Older()
    tree = sample({"13": 1})
    for buckets in changes:
        at = {"probe": {"hardirqs": {"0": {"handled": {"buckets": buckets}}}}, "wall_ns": 1}
        tree = apply(tree, at)
        assert older.brought_up(tree) == Older().brought_up(tree)
