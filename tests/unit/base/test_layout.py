"""Where the members of C structs stand, and that what is not understood is refused."""

import pytest

from irqwatch.base.layout import Layouts
from irqwatch.errors import LayoutError

SOURCE = """
#define SLOTS 3 /* of each */
#define NAME_BYTES 16
#if defined(WITH_A) || defined(WITH_B)
#define ROOM 2
#else
#define ROOM 1
#endif

enum place {
	FIRST,
	SECOND,
	EIGHTH = 8,
	NINTH,
};

struct pair {
	u64 count;
	u64 ns;
};

struct key {
	struct pair of;
	u32 irq;
	u32 cpu;
};

struct value {
	char name[NAME_BYTES];
#ifdef WITH_A
	u64 a;
#endif
#ifndef WITH_A
	u64 none[ROOM + 1];
#endif
	struct pair slots[SLOTS];
	u64 last;
};

BPF_ARRAY(values, struct value, 1);
"""


def test_members_stand_one_after_the_other() -> None:
    at = Layouts(SOURCE, {"WITH_A"}).at("value")
    assert (at.name, at.a, at.last) == (slice(0, 2), 2, 9)
    assert list(at.slots) == [3, 5, 7]
    assert not hasattr(at, "none")


@pytest.mark.parametrize(("defined", "words"), [((), 2), (("WITH_B",), 3)])
def test_what_is_not_compiled_takes_no_room(defined: tuple[str, ...], words: int) -> None:
    layouts = Layouts(SOURCE, defined)
    at = layouts.at("value")
    assert at.none == slice(2, 2 + words)
    assert at.last == 2 + words + 6
    assert layouts.size_bytes(layouts.maps["values"].value) == 8 * (at.last + 1)


def test_constants_count_on_from_the_last() -> None:
    layouts = Layouts(SOURCE, ())
    assert layouts.enum("place") == {"FIRST": 0, "SECOND": 1, "EIGHTH": 8, "NINTH": 9}


def test_a_key_has_the_members_of_structs_inside_it() -> None:
    key = Layouts(SOURCE, ()).unpack_key("struct key")(bytes([*[0] * 8, 7, *[0] * 7, 5, *[0] * 7]))
    assert key._asdict() == {"of_count": 0, "of_ns": 7, "irq": 5, "cpu": 0}


@pytest.mark.parametrize(
    "body",
    [
        "u32 irq;\n\tu64 ns;\n\tu32 cpu;",  # padding before ns
        "u64 ns;\n\tu32 irq;",  # padding at the end
        "u32 irq;\n\tstruct inner of;\n\tu32 cpu;",  # padding before of
        "u64 *pointer;",
        "u64 bits : 3;",
        "u64 many[UNKNOWN];",
        "struct unknown of;",
        "",
    ],
)
def test_a_struct_is_read_right_or_not_at_all(body: str) -> None:
    text = f"struct inner {{\n\tu64 word;\n}};\nstruct odd {{\n\t{body}\n}};\n"
    with pytest.raises(LayoutError):
        Layouts(text, ()).struct("odd")


def test_a_condition_that_is_not_understood_is_refused() -> None:
    with pytest.raises(LayoutError):
        Layouts("#if LINUX_VERSION_CODE > 5\n#endif\n", ())
