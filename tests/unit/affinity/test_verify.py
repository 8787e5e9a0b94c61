from dataclasses import replace

import pytest

from irqwatch import clock
from irqwatch.affinity.verify import SETTLE_NS, settle, verify
from irqwatch.model.applied import Target
from irqwatch.model.snapshot import Line, LineSetting, Snapshot
from tests import affinity, hosts

TARGET = Target(affinity.line(31), frozenset({2}))


def snapshot(
    counts: dict[int, int], effective: frozenset[int] | None, tick: int = 0, cpus: int = 4
) -> Snapshot:
    return replace(
        hosts.empty(tick, cpus),
        lines=(Line("31", 31, counts, "PCI-MSIX", "31", "edge", ("dev31-queue",)),),
        settings=(LineSetting(31, affinity=frozenset({2}), effective=effective),),
    )


def later(counts: dict[int, int], effective: frozenset[int] | None, cpus: int = 4) -> Snapshot:
    """By one second."""
    return snapshot(counts, effective, 1, cpus)


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
        [TARGET], before, later(after, None if effective is None else frozenset(effective))
    )
    assert found.verdict == verdict


def test_counters_wrap_at_32_bits() -> None:
    before = snapshot({2: 2**32 - 3}, frozenset({2}))
    (found,) = verify([TARGET], before, later({2: 7}, frozenset({2})))
    assert (found.verdict, found.there, found.elsewhere) == ("ok", 10, 0)


def test_a_counter_that_wrapped_to_nothing() -> None:
    """Snapshots leave zeros out."""
    before = snapshot({2: 2**32 - 3}, frozenset({2}))
    (found,) = verify([TARGET], before, later({}, frozenset({2})))
    assert (found.verdict, found.there) == ("ok", 3)


@pytest.mark.parametrize(
    ("before", "after", "cpus_before", "cpus_after"),
    [
        ({2: 500}, {2: 7}, 4, 4),
        ({0: 10, 2: 500}, {0: 10}, 4, 4),
        ({3: 500}, {2: 9}, 4, 3),
        ({2: 500}, {2: 510, 3: 500}, 3, 4),
    ],
    ids=["reset", "reset to nothing", "a CPU went", "a CPU came"],
)
def test_what_is_not_known_is_no_verdict(
    before: dict[int, int], after: dict[int, int], cpus_before: int, cpus_after: int
) -> None:
    first = snapshot(before, frozenset({2}), cpus=cpus_before)
    (found,) = verify([TARGET], first, later(after, frozenset({2}), cpus=cpus_after))
    assert (found.verdict, found.there, found.elsewhere) == ("unverified", None, None)


def test_a_cpu_that_came_and_took_none_of_it() -> None:
    first = snapshot({2: 500}, frozenset({2}), cpus=3)
    (found,) = verify([TARGET], first, later({2: 510}, frozenset({2}), cpus=4))
    assert (found.verdict, found.there, found.elsewhere) == ("ok", 10, 0)


def test_a_line_that_was_gone_in_between() -> None:
    """Its counters may be another line's."""
    (found,) = verify([TARGET], hosts.empty(cpus=4), later({2: 10}, frozenset({2})))
    assert (found.verdict, found.there) == ("unverified", None)


def test_a_line_that_is_gone() -> None:
    before = snapshot({0: 10}, frozenset({0}))
    (found,) = verify([TARGET], before, hosts.empty())
    assert (found.verdict, found.there, found.elsewhere) == ("gone", None, None)


@pytest.mark.parametrize(
    ("counts", "waited_ns"),
    [({0: 11}, 0), ({0: 10}, SETTLE_NS), ({0: 3}, SETTLE_NS)],
    ids=["came", "none", "reset"],
)
def test_an_interrupt_is_waited_for_where_the_kernel_does_not_show_where_it_runs(
    monkeypatch: pytest.MonkeyPatch, counts: dict[int, int], waited_ns: int
) -> None:
    now_ns = 0

    def sleep_until(until_ns: int) -> None:
        nonlocal now_ns
        now_ns = until_ns

    monkeypatch.setattr(clock, "monotonic_ns", lambda: now_ns)
    monkeypatch.setattr(clock, "sleep_until", sleep_until)
    settle([TARGET], snapshot({0: 10}, None), lambda: later(counts, None))
    assert now_ns == waited_ns
