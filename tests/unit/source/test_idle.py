"""Making room in a crowded map."""

from irqwatch.source.idle import PATIENCE_NS, IdleEntries

MOST = 4
A, B, C = b"a", b"b", b"c"


def entries(**values: int) -> list[tuple[bytes, memoryview]]:
    return [(key.encode(), memoryview(bytes([value]))) for key, value in values.items()]


def test_nothing_is_given_up_while_there_is_room() -> None:
    watched = IdleEntries()
    watched.to_remove(entries(a=1, b=1), MOST, 0)
    assert watched.to_remove(entries(a=1, b=1), MOST, 10 * PATIENCE_NS) == []


def test_what_has_not_changed_for_so_long_is_given_up() -> None:
    watched = IdleEntries()
    assert watched.to_remove(entries(a=1, b=1, c=1), MOST, 0) == []
    assert watched.to_remove(entries(a=1, b=2, c=1), MOST, PATIENCE_NS - 1) == []
    assert watched.to_remove(entries(a=1, b=2, c=1), MOST, PATIENCE_NS) == [A, C]


def test_an_entry_that_changed_gets_its_time_anew() -> None:
    watched = IdleEntries()
    watched.to_remove(entries(a=1, b=1, c=1), MOST, 0)
    watched.to_remove(entries(a=1, b=2, c=1), MOST, PATIENCE_NS // 2)
    later = PATIENCE_NS + PATIENCE_NS // 2
    assert B not in watched.to_remove(entries(a=1, b=2, c=1), MOST, later - 1)
    assert B in watched.to_remove(entries(a=1, b=2, c=1), MOST, later)


def test_time_begins_when_it_gets_crowded() -> None:
    watched = IdleEntries()
    watched.to_remove(entries(a=1), MOST, 0)
    assert watched.to_remove(entries(a=1, b=1, c=1), MOST, PATIENCE_NS) == []
