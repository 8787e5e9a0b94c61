"""tests/events.py: what is written is read."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import events
from tests.events import ARGUMENTS, TEXTS, Event
from tests.native.sequence import irq_entry, queue, soft_raise

# What a kernel name can hold, as Python has it: any byte but NUL.
names = st.binary(max_size=15).map(
    lambda raw: raw.replace(b"\0", b"").decode(errors="surrogateescape")
)
numbers = st.integers(0, (1 << 64) - 1)


@st.composite
def any_event(draw: st.DrawFn) -> Event:
    name = draw(st.sampled_from(sorted(ARGUMENTS)))
    args: tuple[int | str, ...] = tuple(
        draw(names) if column in TEXTS else draw(numbers) for column in ARGUMENTS[name]
    )
    cpu, pid = draw(st.integers(0, 4095)), draw(st.integers(0, 1 << 22))
    return Event(draw(numbers), cpu, pid, draw(names), name, args, draw(st.booleans()))


@given(any_event())
def test_line_and_back(event: Event) -> None:
    line = events.to_line(event)
    assert (line.isascii() and line.isprintable()) or "\t" in line
    assert "\n" not in line
    assert events.from_line(line) == event


def test_line() -> None:
    line = "1000\t0\t700\t-\tba\\x09sh\tirq_handler_exit\t34\t0xa1000\t1"
    event = events.from_line(line + "\n")
    assert (event.comm, event.args) == ("ba\tsh", (34, 0xA1000, 1))
    assert events.to_line(event) == line


@pytest.mark.parametrize("name", ["some.tsv", "some.tsv.gz"])
def test_file(tmp_path: Path, name: str) -> None:
    some = [irq_entry(1), soft_raise(2), queue(3)]
    events.write(tmp_path / name, some, comments=["Linux 6.18"])
    before = (tmp_path / name).read_bytes()
    assert list(events.read(tmp_path / name)) == some
    events.write(tmp_path / name, some, comments=["Linux 6.18"])
    assert (tmp_path / name).read_bytes() == before


@pytest.mark.parametrize(
    "line",
    [
        "",
        "1",
        "1\t0\t0\t-\tbash\tsched_switch\t1",
        "1\t0\t0\t?\tbash\tsoftirq_raise\t1",
        "1\t0\t0\t-\tbash\tsoftirq_raise",
        "1\t0\t0\t-\tbash\tsoftirq_raise\tNET_RX",
        "1\t0\t0\t-\tbäsh\tsoftirq_raise\t3",
    ],
)
def test_line_that_is_no_event(tmp_path: Path, line: str) -> None:
    with pytest.raises(ValueError):
        events.from_line(line)


def test_file_with_a_bad_line_names_it(tmp_path: Path) -> None:
    path = tmp_path / "bad.tsv"
    path.write_text("# fine\n" + events.to_line(soft_raise(1)) + "\nnonsense\n")
    with pytest.raises(ValueError, match=r"bad\.tsv:3: "):
        list(events.read(path))
