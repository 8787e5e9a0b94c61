from dataclasses import replace

import pytest

from irqwatch.affinity.verify import verify
from irqwatch.model.applied import Target
from irqwatch.model.snapshot import Line, LineSetting, Snapshot
from tests import affinity, hosts

TARGET = Target(affinity.line(31), frozenset({2}))


def snapshot(counts: dict[int, int], effective: frozenset[int] | None) -> Snapshot:
    return replace(
        hosts.empty(cpus=4),
        lines=(Line("31", 31, counts, "PCI-MSIX", "31", "edge", ("dev31-queue",)),),
        settings=(LineSetting(31, affinity=frozenset({2}), effective=effective),),
    )


@pytest.mark.parametrize(
    ("after", "effective", "verdict"),
    [
        ({0: 10, 2: 500}, {2}, "ok"),
        ({0: 11, 2: 500}, {2}, "ok"),  # the first is still taken by the old CPU, which moves it
        ({0: 10, 2: 500}, None, "ok"),  # a kernel that does not show where it runs
        ({0: 10}, {2}, "unverified"),
        ({0: 11}, {2}, "unverified"),
        ({0: 10}, {0}, "unverified"),
        ({0: 60}, {0}, "elsewhere"),
        ({0: 60, 2: 500}, {2}, "elsewhere"),
        ({0: 10, 2: 500}, {0, 2}, "elsewhere"),
        ({0: 10, 2: 3}, {3}, "elsewhere"),
    ],
)
def test_verdicts(after: dict[int, int], effective: set[int] | None, verdict: str) -> None:
    before = snapshot({0: 10}, frozenset({0}))
    (found,) = verify(
        [TARGET], before, snapshot(after, None if effective is None else frozenset(effective))
    )
    assert found.verdict == verdict


def test_counters_wrap_at_32_bits() -> None:
    before = snapshot({2: 2**32 - 3}, frozenset({2}))
    (found,) = verify([TARGET], before, snapshot({2: 7}, frozenset({2})))
    assert (found.verdict, found.there, found.elsewhere) == ("ok", 10, 0)


def test_a_counter_that_wrapped_to_nothing() -> None:
    """Snapshots leave zeros out."""
    before = snapshot({2: 2**32 - 3}, frozenset({2}))
    (found,) = verify([TARGET], before, snapshot({}, frozenset({2})))
    assert (found.verdict, found.there) == ("ok", 3)


def test_a_line_that_is_gone() -> None:
    before = snapshot({0: 10}, frozenset({0}))
    (found,) = verify([TARGET], before, hosts.empty())
    assert found.verdict == "gone"
