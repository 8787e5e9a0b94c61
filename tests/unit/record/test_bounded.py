"""Recordings that were made to do harm: what a reader takes of memory, and how much it does, is
bounded by the size of the file."""

import io
import json
import sys
import tracemalloc
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irqwatch.cli import main
from irqwatch.errors import RecordingError
from irqwatch.model.snapshot import SCHEMA
from irqwatch.record import blocks
from irqwatch.record.player import Player
from tests.unit.record.recordings import busy, recorded

# Of the reader. Measured are up to 840 bytes and 100 calls a byte of the file.
SPARE_MEMORY, MEMORY_PER_BYTE = 2 << 20, 1_000
SPARE_CALLS, CALLS_PER_BYTE = 100_000, 150

# Of a verb that shows what was read, beside what it imports.
VERB_SPARE_MEMORY, VERB_MEMORY_PER_BYTE = 8 << 20, 2_000

SAMPLE = {
    "schema": SCHEMA,
    "monotonic_ns": 0,
    "wall_ns": 0,
    "host": {"hostname": "h", "kernel": "k", "boot_id": "b"},
}
FIELDS = ("lines", "settings", "cgroups", "topology", "probe", "threads", "host", "schema")
LINE = {"label": "9", "irq": 9, "counts": {"0": 1}, "actions": ["a"]}
CPU_TIMES = dict.fromkeys(
    ("user_ns", "nice_ns", "system_ns", "idle_ns", "iowait_ns", "irq_ns", "softirq_ns", "steal_ns"),
    1,
)


def made(whole: object, changes: Iterable[object] = (), times: int = 1) -> bytes:
    """A recording of which every checksum is right, packed as small as it goes."""
    raw = b""
    packer = zlib.compressobj(9)
    for number, tree in enumerate((whole, *changes)):
        text = tree if isinstance(tree, bytes) else json.dumps(tree, separators=(",", ":")).encode()
        payload = packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)
        raw += blocks.pack(blocks.CHANGE if number else blocks.KEY, 0, payload)
    return blocks.first_line() + raw * times


def sample(**fields: object) -> dict[str, object]:
    return {**SAMPLE, **fields}


def paid(size: int, **fields: object) -> dict[str, object]:
    """With so much in a field that nobody reads, which does not pack, that more is allowed."""
    return sample(of_a_later_version=Random(0).randbytes(size // 2).hex(), **fields)


def sets(count: int) -> list[object]:
    return [{"irq": n, "affinity": [n, 8191]} for n in range(count)]


def histograms(count: int, bucket_count: int) -> dict[str, object]:
    buckets = {str(n): 1 << 62 for n in range(bucket_count)}
    times = [
        {"irq": n, "action": "a", "cpu": n, "handled": {"buckets": buckets, "sum_ns": 1 << 62}}
        for n in range(count)
    ]
    return {"collectors": ["hardirq"], "attached_ns": 0, "hardirqs": times}


def text(inside: bytes) -> bytes:
    return json.dumps(SAMPLE).encode()[:-1] + b',"x":' + inside + b"}"


ATTACKS: dict[str, Callable[[], bytes]] = {
    "spaces": lambda: made(text(b" " * (40 << 20) + b"0")),
    "lists": lambda: made(text(b"[" + b"[]," * 300_000 + b"0]")),
    "lists, paid for": lambda: made(paid(30_000, x=[[]] * 330_000)),
    "dicts": lambda: made(text(b"[" + b'{"":0},' * 100_000 + b"0]")),
    "deep": lambda: made(text(b"[" * 400_000 + b"]" * 400_000)),
    "deep and narrow": lambda: made(text(b"[" * 900 + b"]" * 900)),
    "a number of a million digits": lambda: made(text(b"9" * 10**6)),
    "numbers of 4,000 digits": lambda: made(text(b"[" + b",".join([b"9" * 4000] * 15) + b"]")),
    "a float of a million digits": lambda: made(text(b"1e" + b"9" * 10**6)),
    "no numbers": lambda: made(text(b"[NaN,-Infinity,1e999,-0.0]")),
    "a name of ten megabytes": lambda: made(paid(200_000, lines=[{**LINE, "label": "A" * 10**7}])),
    "names of characters to escape": lambda: made(
        paid(20_000, unavailable=[{"part": "\u0101 " * 30_000, "reason": ""}] * 6)
    ),
    "sets of all CPUs": lambda: made(sample(settings=sets(256))),
    "sets of all CPUs, paid for": lambda: made(paid(30_000, settings=sets(30))),
    "sets that come with changes": lambda: made(
        sample(settings=sets(2)),
        [{"settings": {str(n): {"irq": n, "affinity": [n, 8191]}}} for n in range(2, 300)],
    ),
    "lines": lambda: made(sample(lines=[LINE] * 28_000)),
    "lines, paid for": lambda: made(paid(30_000, lines=[LINE] * 8_000)),
    "settings, paid for": lambda: made(paid(30_000, settings=[{"irq": 1}] * 50_000)),
    "buckets that are none": lambda: made(sample(probe=histograms(1, 10**5))),
    "histograms": lambda: made(paid(20_000, probe=histograms(150, 126))),
    "far CPUs": lambda: made(
        sample(
            topology={"cpus": {"9" * 19: {"number": 1 << 63, "online": True}}},
            cpu_times={"9" * 19: CPU_TIMES, "-" + "9" * 18: CPU_TIMES},
            lines=[{**LINE, "counts": {"9" * 19: 1 << 63, "-1": 5}}],
        ),
        [{"lines": {"0": {"counts": {"-1": 9}}}}] * 20,
    ),
    "many small changes": lambda: made(SAMPLE, [{"wall_ns": 1}] * 1_000),
    "many changes of nothing in a large sample": lambda: made(
        paid(30_000, lines=[LINE] * 8_000), [{}] * 100
    ),
    "many changes in a large list": lambda: made(
        paid(30_000, lines=[LINE] * 8_000), [{"lines": {"7": {"irq": 1}}}] * 100
    ),
    "many changes in a large list, every other": lambda: made(
        paid(30_000, lines=[LINE] * 8_000), [{"lines": {"7": {"irq": 1}}}, {}] * 100
    ),
    "many changes in a large dict that nobody reads": lambda: made(
        paid(30_000, x={str(n): 0 for n in range(20_000)}), [{"x": {"7": 1}}] * 100
    ),
    "many changes of schema 1": lambda: made(
        {**paid(30_000, lines=[LINE] * 8_000), "schema": 1}, [{"wall_ns": 1}] * 100
    ),
    "lists that grow by changes": lambda: made(
        sample(lines=[LINE] * 40),
        [{"lines": {str(40 + 40 * n + m): LINE for m in range(40)}} for n in range(200)],
    ),
    "keys gone and come": lambda: made(
        paid(10_000, cgroups={str(n): "/" for n in range(4_000)}),
        [{"cgroups": [["7"], {}]}, {"cgroups": {"7": "/"}}] * 100,
    ),
    "many whole samples": lambda: made(sample(lines=[LINE] * 120), times=100),
    "an honest one": lambda: recorded(busy(130)),
}


def peak_of(run: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def calls_of(run: Callable[[], object]) -> int:
    """Of functions, built-in ones too: a measure of work that is the same each time."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(before)
    return calls


def read(raw: bytes) -> list[str]:
    """What was said of it."""
    player = Player(io.BytesIO(raw), "host.irqw")
    try:
        for _ in player:
            pass
    except RecordingError as error:
        return [str(error)]
    return [player.cut_off] if player.cut_off else []


@pytest.fixture(autouse=True, scope="module")
def once_read() -> None:
    """What is made once, such as the codecs of the model, is no recording's."""
    read(recorded(busy(2)))


def check(raw: bytes) -> None:
    said = read(raw)
    assert all(line.startswith("host.irqw: ") and line.isprintable() for line in said)
    assert peak_of(lambda: read(raw)) <= SPARE_MEMORY + MEMORY_PER_BYTE * len(raw), said
    assert calls_of(lambda: read(raw)) <= SPARE_CALLS + CALLS_PER_BYTE * len(raw), said


@pytest.mark.parametrize("name", ATTACKS)
def test_reading_is_bounded_by_the_size_of_the_file(name: str) -> None:
    check(ATTACKS[name]())


# What a file may hold that irqwatch did not write: text that packs well and text that does not, and
# trees that are of the model, nearly of it, and of nothing.
HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.integers(1, 20_000).map("A".__mul__)
    | st.integers(1, 2_000).map(lambda n: [0] * n)
    | st.integers(1, 2_000).map(lambda n: [{}] * n)
    | st.integers(1, 500).map(lambda n: {str(m): [] for m in range(n)})
    | st.integers(1, 300).map(lambda n: [LINE] * n)
    | st.integers(1, 300).map(sets)
    | st.integers(0, 10_000).map(lambda n: Random(n).randbytes(n).hex()),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from([*FIELDS, "0", "7", "x"]), inner, max_size=4)
    | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
FORGED = st.dictionaries(st.sampled_from(FIELDS), HOSTILE, max_size=4)


@settings(max_examples=60, deadline=None)
@given(FORGED, st.lists(FORGED | HOSTILE, max_size=4), st.integers(1, 10))
def test_so_is_reading_what_nobody_thought_of(
    whole: dict[str, Any], changes: list[Any], times: int
) -> None:
    check(made(sample(**whole), changes * times))


VERBS = {
    "top": ("top", "-b"),
    "top --json": ("top", "--json"),
    "serve": ("serve", "--once"),
    "explain": ("explain", "9"),
    "explain --json": ("explain", "9", "--json"),
    "advise": ("advise",),
    "advise --json": ("advise", "--json"),
    "advise --script": ("advise", "--script"),
}
SHOWN = {
    "lines, paid for": lambda: made(paid(30_000, lines=[LINE] * 8_000), [{}] * 2),
    "settings, paid for": lambda: made(paid(30_000, settings=[{"irq": 1}] * 50_000), [{}] * 2),
    "lines of other names": lambda: made(
        paid(60_000, lines=[{**LINE, "label": str(n), "irq": n} for n in range(3_000)]), [{}] * 2
    ),
    **{name: ATTACKS[name] for name in ("sets of all CPUs, paid for", "far CPUs", "no numbers")},
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("name", SHOWN)
def test_verbs_are_bounded_too_and_say_what_they_refused(
    name: str,
    verb: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "host.irqw"
    monkeypatch.setattr("sys.argv", ["irqwatch", *VERBS[verb], "--from", str(file)])
    file.write_bytes(recorded(busy(2)))
    main.run()  # imports what it needs
    capfd.readouterr()

    raw = SHOWN[name]()
    file.write_bytes(raw)
    statuses: list[int] = []
    peak = peak_of(lambda: statuses.append(main.run()))
    told = capfd.readouterr().err.splitlines()
    assert peak <= VERB_SPARE_MEMORY + VERB_MEMORY_PER_BYTE * len(raw)
    assert statuses == [0] or (statuses == [1] and len(told) == 1 and told[0].isprintable())
