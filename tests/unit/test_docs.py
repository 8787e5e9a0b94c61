"""What ``make docs`` writes: that it is written, and that nothing else of a file is touched."""

import pytest

from docs.make import BEGINS, ENDS, REPOSITORY, made, put, sections_of_metrics, table_of_metrics
from irqwatch.base.collector import Collector, Default, Metric, Probed, Words
from irqwatch.collectors import ALL, COLLECTORS
from irqwatch.sink.prometheus.table import OWN

MADE = made(ALL, OWN)
METRIC = Metric("m_total", "counter", (), "Help.", "events", "a|b", 'm_total{x=~"a|b"}')
WORDS = Words("Title", "an event", "1 µs", before="Before.\n", after="After.\n")
ONE = Collector("x", "it", Probed(None), WORDS, Default.OFF, metrics=(METRIC,))


def parts(**texts: str) -> str:
    return "\n".join(f"{BEGINS.format(name)}\n{text}{ENDS}" for name, text in texts.items())


@pytest.mark.parametrize("name", MADE)
def test_is_written(name: str) -> None:
    text = (REPOSITORY / name).read_text(encoding="utf-8")

    assert put(text, MADE[name]) == text, "stale: run make docs, and read the diff"


def test_what_stands_outside_of_the_markers_stays() -> None:
    text = f"# Title\n\n{parts(one='old', two='')}\n\ntext \\1 {{}}\n"
    made = put(text, {"one": r"new \1 {}", "two": "other"})

    assert made == (
        f"# Title\n\n{BEGINS.format('one')}\n\nnew \\1 {{}}\n\n{ENDS}\n"
        f"{BEGINS.format('two')}\n\nother\n\n{ENDS}\n\ntext \\1 {{}}\n"
    )
    assert put(made, {"one": r"new \1 {}", "two": "other"}) == made


@pytest.mark.parametrize(
    "text",
    [
        parts(one="old"),
        parts(one="old", two="", three=""),
        parts(one="old", two="") + parts(two=""),
        parts(one="old", two="").replace(ENDS, "", 1),
    ],
    ids=["a part without a place", "a place of no part", "a place twice", "a place without an end"],
)
def test_a_file_has_the_place_of_each_part_and_no_other(text: str) -> None:
    with pytest.raises(ValueError, match="markers of"):
        put(text, {"one": "new", "two": "new"})


def test_a_section_has_the_flag_the_words_and_the_table() -> None:
    (section,) = sections_of_metrics([ONE])

    assert section.split("\n\n") == [
        "## Title",
        "`--[no-]collector.x`, by default off.",
        "Before.",
        table_of_metrics([METRIC]),
        "After.",
    ]


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        (("hardirq",), "off. It needs `hardirq`."),
        (("hardirq", "vector"), "off. It needs one of `hardirq`, `vector`."),
    ],
)
def test_a_section_says_what_it_needs(needs: tuple[str, ...], said: str) -> None:
    (section,) = sections_of_metrics([ONE._replace(probed=Probed(None, needs=needs))])

    assert said in section


def test_what_nobody_can_choose_has_no_flag_and_what_has_no_words_no_section() -> None:
    (section,) = sections_of_metrics([ONE._replace(is_hidden=True), ONE._replace(words=None)])

    assert "collector.x" not in section


def test_a_bar_ends_no_cell() -> None:
    assert table_of_metrics([METRIC]).splitlines()[2:] == [
        r'| `m_total` | counter | events | | a\|b | `m_total{x=~"a\|b"}` |'
    ]


@pytest.mark.parametrize("name", COLLECTORS)
def test_every_collector_is_in_each_list(name: str) -> None:
    lists = (MADE["README.md"]["collectors"], MADE["docs/metrics.md"]["what each collector costs"])

    assert all(f"\n| `{name}` | " in one for one in lists)


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
def test_there_are_words_for_all_that_is_shown(one: Collector) -> None:
    assert one.what
    assert all(key.meaning for key in one.keys)
    assert all(metric.meaning for metric in one.metrics)
    assert one.words or not (one.metrics or one.keys)
    if one.words:
        assert one.words.title
        assert one.is_hidden or (one.words.event and one.words.cost)


def test_titles_are_unique() -> None:
    titles = [one.words.title for one in ALL if one.words]

    assert len(set(titles)) == len(titles)
