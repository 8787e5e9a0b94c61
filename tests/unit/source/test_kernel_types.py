"""A kernel's types, read from BTF that is made here, and from the running kernel's."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irqwatch.source import kernel_types
from irqwatch.source.kernel_types import (
    ARRAY,
    CONST,
    ENUM,
    ENUM64,
    FWD,
    PTR,
    STRUCT,
    TYPE_TAG,
    TYPEDEF,
    UNION,
    VOLATILE,
    Field,
    KernelTypes,
)
from tests.btf import BOOL, SIGNED, Btf


def test_arguments_of_a_tracepoint() -> None:
    btf = Btf()
    s32 = btf.integer("int", 4, SIGNED)
    action = btf.add(PTR, "", btf.add(CONST, "", btf.struct("irqaction")))
    btf.tracepoint("irq_handler_entry", s32, action)
    btf.tracepoint("nothing")
    types = btf.read()
    assert types.arguments("irq_handler_entry") == ("s32", "struct irqaction *")
    assert types.arguments("nothing") == ()
    assert types.arguments("irq_handler") is None
    assert types.arguments("irq_handler_exit") is None


def test_integers_go_by_their_size_whatever_the_compiler_calls_them() -> None:
    btf = Btf()
    made = {
        "s64": btf.integer("long long int", 8, SIGNED),
        "u64": btf.integer("unsigned long", 8),
        "u16": btf.integer("short unsigned int", 2),
        "u8": btf.integer("unsigned char", 1),
        "char": btf.integer("char", 1, SIGNED),
        "bool": btf.integer("_Bool", 1, BOOL),
    }
    btf.tracepoint("all", *made.values())
    assert btf.read().arguments("all") == tuple(made)


def test_other_types() -> None:
    btf = Btf()
    s32 = btf.integer("int", 4, SIGNED)
    counter = btf.struct("", ("counter", s32, 0))
    made = {
        "void *": btf.add(PTR, "", 0),
        "atomic_t": btf.add(VOLATILE, "", btf.add(TYPEDEF, "atomic_t", counter)),
        "char[] *": btf.add(PTR, "", btf.add(ARRAY, "", 0, btf.integer("char", 1), s32, 16)),
        "struct later *": btf.add(PTR, "", btf.add(FWD, "later", 0)),
        "union either": btf.add(FWD, "either", 0, flag=1),
        "enum mode": btf.add(ENUM, "mode", 4, btf.name("ONE"), 1, vlen=1),
        "function *": btf.add(PTR, "", btf.function(s32)),
        "s32": btf.add(TYPE_TAG, "user", btf.add(TYPEDEF, "pid_t", s32)),
    }
    btf.tracepoint("all", *made.values())
    assert btf.read().arguments("all") == tuple(made)


def test_fields() -> None:
    btf = Btf()
    s64 = btf.integer("long int", 8, SIGNED)
    inner = btf.struct("timerqueue_node", ("pad", s64, 0), ("expires", s64, 192))
    hidden = btf.struct("", ("here", s64, 64), kind=UNION)
    btf.struct("hrtimer", ("node", inner, 64), ("", hidden, 512))
    types = btf.read()
    assert types.field("hrtimer", "node") == Field(8, "struct timerqueue_node")
    assert types.field("hrtimer", "node.expires") == Field(32, "s64")
    assert types.field("hrtimer", "here") == Field(72, "s64")
    for struct_name, path in (("hrtimer", "expires"), ("hrtimer", "node.x"), ("x", "node")):
        with pytest.raises(LookupError, match=f"no struct {struct_name} with {path}"):
            types.field(struct_name, path)
    with pytest.raises(LookupError):
        types.field("hrtimer", "here.node")


def test_a_bit_field_is_refused() -> None:
    btf = Btf()
    u8 = btf.integer("unsigned char", 1)
    words = (btf.name("is_soft"), u8, 1 << 24 | 8, btf.name("whole"), u8, 16)
    btf.add(STRUCT, "hrtimer", 4, *words, vlen=2, flag=1)
    types = btf.read()
    assert types.field("hrtimer", "whole") == Field(2, "u8")
    with pytest.raises(LookupError, match="is_soft is a bit field"):
        types.field("hrtimer", "is_soft")


def test_constants() -> None:
    btf = Btf()
    btf.add(ENUM, "", 4, btf.name("IRQ_NONE"), 0, btf.name("WAKE"), 2, vlen=2)
    btf.add(ENUM, "", 4, btf.name("MINUS"), 0xFFFFFFFF, vlen=1, flag=1)
    btf.add(ENUM64, "", 8, btf.name("LARGE"), 5, 1, vlen=1)
    btf.struct("irqaction", ("name", 1, 0))
    types = btf.read()
    names = ("IRQ_NONE", "WAKE", "MINUS", "LARGE", "name", "irqaction", "none")
    assert [types.enumerator(name) for name in names] == [0, 2, -1, 1 << 32 | 5, None, None, None]


def test_a_longer_header_is_stepped_over() -> None:
    btf = Btf()
    btf.struct("bpf_mem_alloc")
    types = KernelTypes(btf.raw(header_bytes=40))
    assert types.has_struct("bpf_mem_alloc")
    assert not types.has_struct("bpf_mem")


def test_a_kind_that_is_not_known_is_said() -> None:
    btf = Btf()
    btf.add(27, "", 0)
    btf.struct("after")
    with pytest.raises(ValueError, match="types of kind 27, which is not known"):
        btf.read()


@given(st.integers(0, 400), st.binary(max_size=8))
def test_what_is_cut_or_garbled_is_refused_or_read(cut: int, noise: bytes) -> None:
    btf = Btf()
    s32 = btf.integer("int", 4, SIGNED)
    btf.tracepoint("irq_handler_entry", s32)
    btf.struct("irqaction", ("irq", s32, 0))
    raw = btf.raw()
    garbled = raw[:cut] + noise + raw[cut + len(noise) :] if cut < len(raw) else raw[: cut % 90]
    try:
        types = KernelTypes(garbled)
        types.arguments("irq_handler_entry")
        types.field("irqaction", "irq")
        types.enumerator("irq")
    except (ValueError, LookupError):
        pass


RUNNING = Path("/sys/kernel/btf/vmlinux")


@pytest.mark.skipif(not RUNNING.exists(), reason=f"there is no {RUNNING}")
def test_the_running_kernel() -> None:
    types = KernelTypes(RUNNING.read_bytes())
    assert types.arguments("softirq_entry") == ("u32",)
    assert types.field("task_struct", "pid").type == "s32"
    assert types.enumerator("NR_SOFTIRQS") == 10
    assert kernel_types.FOLLOWING.keys() == set(range(1, 20))
