import pytest

from irqwatch.errors import ParseError
from irqwatch.parse.duration import duration_ns


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("200us", 200_000),
        ("200µs", 200_000),  # U+00B5, the sign
        ("200μs", 200_000),  # U+03BC, the letter
        ("1.5ms", 1_500_000),
        ("2s", 2_000_000_000),
        ("0ns", 0),
        (" 7 ms ", 7_000_000),
        ("0.000000001s", 1),
        ("1.9ns", 1),
    ],
)
def test_durations_as_people_write_them(text: str, ns: int) -> None:
    assert duration_ns(text) == ns


@pytest.mark.parametrize("text", ["", "200", "us", "-1us", "1e3us", "1h", "1,5ms", "٣us", "1.us"])
def test_what_is_none_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ParseError, match="is not a duration such as 200us"):
        duration_ns(text)
