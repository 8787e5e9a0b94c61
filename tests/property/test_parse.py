"""No parser raises anything but ParseError, and what is well formed is read as it was meant."""

from collections.abc import Callable

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from irqwatch.base import action_name
from irqwatch.base.line_queues import queues_of
from irqwatch.base.text import LONGEST, clean
from irqwatch.errors import ParseError
from irqwatch.model.snapshot import Line
from irqwatch.parse import (
    cpulist,
    cpumask,
    interrupts,
    softirqs,
    softnet_stat,
    spurious,
    stat,
    thread_name,
)

PARSERS: dict[str, Callable[[bytes], object]] = {
    "action_name": lambda raw: action_name.parse(clean(raw), ["eth0"]),
    "cpulist": cpulist.parse,
    "cpumask": cpumask.parse,
    "interrupts": interrupts.parse,
    "line_queues": lambda raw: queues_of(interrupts.parse(raw).lines, "virtio0", "block"),
    "softirqs": softirqs.parse,
    "softnet_stat": lambda raw: softnet_stat.parse(raw, [[0, 1]]),
    "spurious": spurious.parse,
    "stat": lambda raw: stat.parse(raw, 100),
    "thread_name": lambda raw: thread_name.parse(clean(raw)),
}

# Bytes as they come, and bytes that get past the first checks of a parser.
FRAGMENTS = [
    b"\n", b" ", b"  ", b":", b"-", b",", b"/", b"0", b"7", b"00000010", b"9" * 30, b"CPU0",
    b"CPU1", b"24", b"LOC", b"ERR", b"FIQ", b"IPI0", b"cpu", b"cpu0", b"IO-APIC", b"5-edge",
    b"Level", b"Edge", b"GICv3", b"unhandled", b"last_unhandled", b"ksoftirqd/", b"irq/", b" T ",
    b"9" * 5000, b"  PCI-MSI ", b"-edge      virtio0-request", b" 77: 1 2",
    b"\t[mod]", b"\0", b"\xff", b"\x1b", b"\xc2\xb2", b"eth0, eth1",
]  # fmt: skip
MANGLED = st.lists(st.sampled_from(FRAGMENTS), max_size=60).map(b"".join)
HEADED = MANGLED.map(lambda raw: b"CPU0 CPU1\n" + raw)
# Rows that get as far as their hwirq.
ORIGINS = st.lists(
    st.builds(
        b" %d: 1 2  PCI-MSI %b-edge      virtio0-request\n".__mod__,
        st.tuples(st.integers(0, 99), st.sampled_from([b"0", b"9" * 20, b"9" * 5000])),
    ),
    max_size=3,
).map(lambda rows: b"CPU0 CPU1\n" + b"".join(rows))


@pytest.mark.parametrize("name", PARSERS)
@given(raw=st.binary(max_size=300) | MANGLED | HEADED | ORIGINS)
def test_nothing_but_a_parse_error(name: str, raw: bytes) -> None:
    try:
        PARSERS[name](raw)
    except ParseError as error:
        assert str(error).isprintable()


@given(raw=st.binary(max_size=600))
def test_clean_text_is_printable_ascii_and_bounded(raw: bytes) -> None:
    cleaned = clean(raw)
    assert cleaned.isascii()
    assert cleaned.isprintable() or not cleaned
    assert len(cleaned) <= 4 * LONGEST + 3


@given(first=st.binary(max_size=100), second=st.binary(max_size=100))
def test_two_names_never_become_one(first: bytes, second: bytes) -> None:
    assert (clean(first) == clean(second)) == (first == second)


NUMBERS = st.integers(0, 2**32 - 1)
CPUS = st.lists(st.integers(0, 9999), min_size=1, max_size=6, unique=True).map(sorted)
WORDS = st.text("abcxyzABC019_:@.#", min_size=1, max_size=12)
ACTIONS = st.lists(WORDS | st.builds("{} {}".format, WORDS, WORDS), max_size=3).map(tuple)
CONTROLLERS = st.sampled_from(
    ["IO-APIC", "PCI-MSIX-0000:00:01.0", "GICv3", "RISC-V INTC", "MPIC 1", "None", "3-0020"]
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[int], list[Line]]:
    cpus = draw(CPUS)
    lines = []
    for irq in draw(st.lists(st.integers(0, 9999), max_size=5, unique=True)):
        counts = {cpu: n for cpu in cpus if (n := draw(NUMBERS | st.just(0)))}
        trigger = draw(st.sampled_from(["edge", "level", "fasteoi"]))
        hwirq = str(draw(NUMBERS))
        actions = draw(ACTIONS)
        lines.append(Line(str(irq), irq, counts, draw(CONTROLLERS), hwirq, trigger, actions))
    return cpus, lines


def print_table(cpus: list[int], lines: list[Line], levels: bool) -> bytes:
    """As kernel/irq/proc.c does, with and without CONFIG_GENERIC_IRQ_SHOW_LEVEL."""
    rows = [" " * 12 + "".join(f"CPU{cpu:<8d}" for cpu in cpus)]
    for line in lines:
        counts = "".join(f" {line.counts.get(cpu, 0):>10}" for cpu in cpus)
        level = " Level   " if line.trigger == "level" else " Edge    "
        origin = f"{line.hwirq:>4}" + (level if levels else f"-{line.trigger:<8}")
        actions = "  " + ", ".join(line.actions) if line.actions else ""
        rows.append(f"{line.label:>4}:{counts} {line.controller:>8} {origin}{actions}")
    return "".join(row + "\n" for row in rows).encode()


@given(table=tables())
def test_a_table_is_read_as_the_kernel_meant_it(table: tuple[list[int], list[Line]]) -> None:
    cpus, lines = table
    found = interrupts.parse(print_table(cpus, lines, levels=False))
    assert found == interrupts.Interrupts(tuple(lines), frozenset(cpus), 0)


@given(table=tables())
def test_a_table_with_levels_is_read_as_the_kernel_meant_it(
    table: tuple[list[int], list[Line]],
) -> None:
    cpus, lines = table
    found = interrupts.parse(print_table(cpus, lines, levels=True))
    assert found.skipped == 0
    for line, meant in zip(found.lines, lines, strict=True):
        assert line.counts == meant.counts
        assert (line.controller, line.hwirq) == (meant.controller, meant.hwirq)
        assert line.trigger == ("level" if meant.trigger == "level" else "edge")
        assert line.actions == meant.actions


NAMES = st.sampled_from(["eth0", "nvme 0 io5", "1-0053", "12-004b", "in-band irq work", "disk 3"])


@st.composite
def origins(draw: st.DrawFn) -> tuple[str, tuple[str, str, str, tuple[str, ...]]]:
    """What a kernel prints behind the counts, whatever it was built with and however old it is, and
    what it meant: controller, hwirq, trigger, actions."""
    controller = draw(CONTROLLERS)
    hwirq = draw(st.none() | st.just("") | st.integers(-(2**31), 2**63).map(str))
    level = draw(st.sampled_from(["", "Level", "Edge"]))
    name = draw(st.sampled_from(["", "edge", "fasteoi"]))
    actions = draw(st.lists(NAMES, max_size=3).map(tuple))
    # Where no hwirq is printed the number that ends a chip's name is taken for it.
    assume(hwirq or not controller.endswith(" 1"))
    text = draw(st.sampled_from([f"{controller:>8}", f"{controller:<24}"]))
    if hwirq is not None:
        text += f" {hwirq:>4}"
    if level:
        text += f" {level:<8}"
    if hwirq is not None and draw(st.booleans()):  # Dovetail
        # Out of band needs what it stands behind.
        text += " oob" if (hwirq or level) and draw(st.booleans()) else "    "
    text += f"-{name:<8}" if name else ""
    text += "  " + ", ".join(actions) if actions else ""
    return text, (controller, hwirq or "", level.lower() or name, actions)


@given(origin=origins())
@example(origin=("GPIO  1-0053", ("GPIO", "", "", ("1-0053",))))
def test_what_stands_behind_the_counts_of_any_kernel(
    origin: tuple[str, tuple[str, str, str, tuple[str, ...]]],
) -> None:
    text, meant = origin
    raw = f"           CPU0       \n 24:          7 {text}\n"
    (line,) = interrupts.parse(raw.encode()).lines
    assert (line.controller, line.hwirq, line.trigger, line.actions) == meant


@given(table=tables(), keep=st.floats(0, 1))
def test_a_file_cut_anywhere_gives_its_whole_rows(
    table: tuple[list[int], list[Line]], keep: float
) -> None:
    raw = print_table(*table, levels=False)
    cut = raw[: int(len(raw) * keep)]
    rows = cut.count(b"\n") - 1
    if rows >= 0:
        assert interrupts.parse(cut).lines == tuple(table[1][:rows])


@given(cpus=st.frozensets(st.integers(0, 300)))
def test_masks_and_lists_hold_the_same_cpus(cpus: frozenset[int]) -> None:
    bits = sum(1 << cpu for cpu in cpus)
    groups = [f"{bits >> shift & 0xFFFFFFFF:08x}" for shift in range(320, -1, -32)]
    assert cpumask.parse((",".join(groups) + "\n").encode()) == cpus
    assert cpulist.parse(",".join(map(str, sorted(cpus))).encode()) == cpus
