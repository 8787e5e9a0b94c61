"""Frames: whole ones against golden files, and what must hold of each."""

from dataclasses import replace
from datetime import timezone

import pytest

from irqwatch import cells
from irqwatch.derive.view import derive
from irqwatch.model.snapshot import Unavailable
from irqwatch.model.view import View
from irqwatch.sink.top import cpus, frame, table
from irqwatch.sink.top.row import of_source
from irqwatch.sink.top.state import SORTS, VIEWS, State, rows
from tests import golden_file, hosts

VIEW = derive(hosts.busy(2), hosts.busy(1))
THREADED = derive(hosts.threaded(2), hosts.threaded(1))
UTC = State(zone=timezone.utc)
WIDE = "网卡-收包-队列-0"


def view_of(cpus: int) -> View:
    return derive(hosts.busy(2, cpus), hosts.busy(1, cpus))


def text(view: View | None, state: State, width: int, height: int) -> str:
    lines = frame.lines(view, state, width, height)
    return "".join(cells.text_of(line) + "\n" for line in lines)


DEGRADED = replace(
    derive(replace(hosts.busy(2), probe=None), replace(hosts.busy(1), probe=None)),
    unavailable=(Unavailable("probe", "not root: loading it needs CAP_BPF and CAP_PERFMON"),),
)


@pytest.mark.parametrize(
    ("name", "view", "state", "width", "height"),
    [
        ("80x24", VIEW, UTC, 80, 24),
        ("200x60", VIEW, UTC, 200, 60),
        ("80x24-64-cpus", view_of(64), UTC, 80, 24),
        ("200x60-256-cpus", view_of(256), UTC, 200, 60),
        ("80x24-degraded", DEGRADED, UTC, 80, 24),
        ("80x24-cpus", view_of(8), replace(UTC, view="cpus"), 80, 24),
        ("80x24-help", VIEW, replace(UTC, help=True), 80, 24),
        ("40x10", VIEW, UTC, 40, 10),
        ("120x24-thread", THREADED, replace(UTC, view="thread"), 120, 24),
        ("120x24-blame", THREADED, replace(UTC, view="blame"), 120, 24),
    ],
)
def test_golden(name: str, view: View, state: State, width: int, height: int) -> None:
    golden_file.check(f"top-{name}.txt", text(view, state, width, height))


def test_golden_plain() -> None:
    golden_file.check("top-plain.txt", frame.plain(VIEW, UTC, None))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("number", [1, 2, 9, 64, 300])
def test_a_frame_is_never_larger_than_the_screen(view: str, number: int) -> None:
    shown = view_of(number)
    for width in (1, 39, 40, 63, 80, 121, 250):
        for height in (1, 9, 10, 19, 24, 60):
            lines = frame.lines(shown, replace(UTC, view=view), width, height)
            assert len(lines) <= height
            assert all(sum(cells.width_of(span.text) for span in line) <= width for line in lines)


def test_the_footer_is_the_last_line_of_the_screen() -> None:
    for height in (10, 24, 60):
        lines = frame.lines(VIEW, UTC, 80, height)
        assert len(lines) == height
        assert lines[-1][0].style == "footer"


def test_many_missing_parts_leave_room_for_the_table() -> None:
    lack = tuple(Unavailable(f"part{number}", "why") for number in range(40))
    assert "NET_RX" in text(replace(VIEW, unavailable=lack), UTC, 80, 24)


def test_before_the_first_interval_and_on_a_tiny_screen_it_says_so() -> None:
    assert "measuring" in text(None, UTC, 80, 24)
    assert "too small: 30x8" in text(VIEW, UTC, 30, 8)


def test_names_of_wide_characters_keep_the_columns() -> None:
    wide = tuple(of_source(replace(source, name=WIDE), VIEW) for source in VIEW.sources[:3])
    made = table.lines(wide, UTC, 80, range(3))
    columns = table.widths(wide, "all", 80)
    for row in made[1:]:
        text_of_row = "".join(span.text for span in row)
        assert cells.width_of(text_of_row) == 1 + sum(1 + width for width in columns.values())


def test_plain_lines_are_cut_only_where_there_is_a_width() -> None:
    assert "blk_mq_timeout_work_of_a_very_long_name_indeed" in frame.plain(VIEW, UTC, None)
    assert max(map(len, frame.plain(VIEW, UTC, 80).splitlines())) <= 80


def test_a_filter_that_matches_nothing_says_so() -> None:
    assert 'nothing matches "zzz"' in text(VIEW, replace(UTC, filter="zzz"), 80, 24)


def test_the_table_scrolls_to_the_cursor() -> None:
    assert "1-2 of 9" in text(VIEW, UTC, 80, 10)
    moved = replace(UTC, cursor=8, selected=("vector", None, "LOC", None))
    shown = text(VIEW, moved, 80, 10)
    assert "8-9 of 9" in shown
    assert "> vector" in shown


def test_the_worst_events_story_is_told() -> None:
    shown = text(VIEW, UTC, 120, 24)
    assert "worst: 230µs at 22:13:21.666 on CPU 0 over ksoftirqd/0[17]" in shown
    assert "longest wait: 3.1ms" in shown


@pytest.mark.parametrize("sort", SORTS)
def test_each_sort_marks_its_column(sort: str) -> None:
    title = table.lines((), replace(UTC, sort=sort), 80, range(0))[0]
    assert [span.style for span in title].count("sorted") == 1


TIMED = replace(
    VIEW, cpus=tuple(replace(cpu, hardirq=0.01, vector=0.25, softirq=0.0) for cpu in VIEW.cpus)
)


def first_cpu(shown: str) -> dict[str, str]:
    """The shares of the first CPU by title."""
    titles, row = shown[shown.index(" CPU HARDIRQ") :].splitlines()[:2]
    return dict(zip(titles.split(), row.split(), strict=False))


def test_a_plain_frame_has_the_vectors_of_a_cpu() -> None:
    seen = first_cpu(frame.plain(TIMED, UTC, None))
    assert (seen["HARDIRQ"], seen["VECTOR"]) == ("1.0%", "25.0%")


def test_where_vectors_have_no_column_they_are_hard_interrupts() -> None:
    shown = [text(TIMED, UTC, width, 24) for width in (92, 91)]
    assert ["  H hard+vector  s soft  - other\n" in one for one in shown] == [True, False]
    wide, narrow = map(first_cpu, shown)
    assert (wide["HARDIRQ"], wide["VECTOR"]) == ("1.0%", "25.0%")
    assert narrow["HARDIRQ"] == "26.0%" and "VECTOR" not in narrow
    only = replace(TIMED, cpus=tuple(replace(cpu, hardirq=None) for cpu in TIMED.cpus))
    assert first_cpu(text(only, UTC, 92, 24))["HARDIRQ"] == "-"
    assert first_cpu(text(only, UTC, 80, 24))["HARDIRQ"] == "25.0%"


def test_a_plain_frame_says_why_it_has_no_rows() -> None:
    assert frame.plain(VIEW, replace(UTC, view="blame"), None).endswith(
        "\n  no blame was counted; its collector is off: --collector.blame\n\n"
    )
    assert frame.plain(VIEW, replace(UTC, filter="xyz"), None).endswith(
        '\n  nothing matches "xyz"\n\n'
    )
    both = replace(UTC, view="blame", filter="xyz")
    assert "--collector.blame" in frame.plain(VIEW, both, None)
    counted = replace(UTC, view="hardirq", filter="xyz")  # by the kernel
    assert 'nothing matches "xyz"' in frame.plain(DEGRADED, counted, None)


@pytest.mark.parametrize("part", ["interrupts", "softirqs", "counts", "interval"])
def test_where_something_cannot_be_seen_it_is_not_said_to_be_nothing(part: str) -> None:
    lack = Unavailable(part, "hidden from here")
    empty = replace(VIEW, sources=(), unavailable=(Unavailable("probe", "not root"),))
    assert "nothing was counted in this interval" in frame.plain(empty, UTC, None)
    hidden = replace(empty, unavailable=(*empty.unavailable, lack))
    why = "nothing was counted of what can be seen: hidden from here"
    for shown in (frame.plain(hidden, UTC, None), text(hidden, UTC, 80, 24)):
        assert why in shown and "nothing was counted in this interval" not in shown
    counted = replace(hidden, collectors=frozenset())  # by the kernel
    shown = frame.plain(counted, replace(UTC, view="hardirq"), None)
    assert "no hardirq was counted of what can be seen; its collector is off" in shown


def test_a_collector_that_could_not_be_had_is_not_advised() -> None:
    refused = replace(VIEW, unavailable=(Unavailable("syscall", "no such tracepoint"),))
    for view in (refused, DEGRADED):
        shown = frame.plain(view, replace(UTC, view="syscall"), None)
        assert "its collector is off" in shown and "--collector" not in shown


def test_blame_counts_other_rows_time_and_has_a_view_of_its_own() -> None:
    blames = {source.name for source in THREADED.sources if source.kind == "blame"}
    assert blames
    assert not [source for source in rows(THREADED, UTC) if source.kind == "blame"]
    shown = rows(THREADED, replace(UTC, view="blame"))
    assert {source.name for source in shown} == blames


def test_digits_for_very_many_cpus() -> None:
    lines = cpus.block(view_of(1000), 80, 8)
    assert len(lines) == 8
    assert cells.text_of(lines[-1]) == "and 616 more: 5 shows all CPUs"
