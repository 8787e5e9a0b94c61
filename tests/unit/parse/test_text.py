import pytest

from irqwatch.base.text import LONGEST, clean
from irqwatch.parse.rows import complete_rows


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"eth0-TxRx-3", "eth0-TxRx-3"),
        (b"", ""),
        (b"\x1b[2J", "\\x1b[2J"),
        (b"two\nlines\r\t\0", "two\\x0alines\\x0d\\x09\\x00"),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("\u202e\N{COMBINING ACUTE ACCENT}".encode(), "\\xe2\\x80\\xae\\xcc\\x81"),
        (b"\x7f\x9b", "\\x7f\\x9b"),
        (b"back\\slash", "back\\\\slash"),
    ],
)
def test_everything_but_printable_ascii_is_escaped(raw: bytes, text: str) -> None:
    assert clean(raw) == text


def test_an_escape_and_the_bytes_that_look_like_it_stay_two_names() -> None:
    assert clean(b"\xff") != clean(b"\\xff")


def test_a_long_name_is_cut_and_says_so() -> None:
    assert clean(b"a" * LONGEST) == "a" * LONGEST
    assert clean(b"a" * (LONGEST + 1)) == "a" * LONGEST + "..."


def test_a_row_without_its_newline_is_apart() -> None:
    assert complete_rows(b"one\ntwo\nthr") == ([b"one", b"two"], b"thr")
    assert complete_rows(b"one\n") == ([b"one"], b"")
    assert complete_rows(b"") == ([], b"")
