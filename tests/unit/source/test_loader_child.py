"""Which collectors can be had where the kernel lacks something, or refuses it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from irqwatch.collectors import ALL, BY_NAME
from irqwatch.source import loader_child
from irqwatch.source.loader import bpf_folder, request
from irqwatch.source.loader_child import Refused, rename_maps, source


class Kernel:
    """Its types: all there are, without what ``lacks``."""

    def __init__(self, *lacks: str) -> None:
        self.lacks = lacks

    def has_tracepoint(self, name: str) -> bool:
        return name not in self.lacks

    def offset_bytes(self, struct: str, field: str) -> int:
        if f"{struct}.{field}" in self.lacks:
            raise Refused(f"this kernel's BTF has no {struct}.{field}")
        return 8


def usable(
    monkeypatch: pytest.MonkeyPatch, collectors: list[str], *lacks: str
) -> tuple[dict[str, int], set[str], dict[str, str]]:
    """Macros, the collectors that can be had, and why the others cannot."""
    monkeypatch.setattr(loader_child, "KernelTypes", lambda: Kernel(*lacks))
    asked = [request(BY_NAME[name]) for name in collectors]
    defines, programs, unavailable = loader_child.usable(asked)
    return defines, set(programs), unavailable


def test_what_is_refused_is_had_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["blame", "hardirq", "softirq", "thread"]
    defines, had, unavailable = usable(monkeypatch, asked, "irq_handler_entry")
    assert had == {"blame", "softirq"}
    assert unavailable == {
        "hardirq": "this kernel has no tracepoint irq_handler_entry",
        "thread": "it needs the collector hardirq",
    }
    assert not {"COLLECT_HARDIRQ", "COLLECT_THREAD"} & defines.keys()


def test_a_field_that_is_missing_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    _, had, _ = usable(monkeypatch, ["thread", "hardirq"], "irqaction.name")
    assert not had


def test_what_was_not_asked_for_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    _, had, unavailable = usable(monkeypatch, ["blame", "work"])
    assert had == {"work"}
    assert unavailable == {"blame": "it needs the collector hardirq or vector or softirq"}


def test_in_any_order_all_is_had(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["trace", "thread", "blame", "softirq", "hardirq"]
    assert usable(monkeypatch, asked)[1:] == (set(asked), {})


def test_what_the_kernel_refuses_to_load_is_had_by_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def attach(bpf: object, maps: list[str], pairs: list[tuple[str, str]]) -> dict[str, int]:
        if "hardirqs" in maps:
            raise Refused("Permission denied")
        return {f"program:{program}": 3 for program, _ in pairs}

    class Bpf(dict[bytes, SimpleNamespace]):
        def __missing__(self, name: bytes) -> SimpleNamespace:
            return SimpleNamespace(map_fd=4)

    asked = [request(BY_NAME[name]) for name in ("thread", "softirq", "hardirq")]
    for name in ("irqwatch.bpf.c", *(one["file"] for one in asked if one["file"])):
        (tmp_path / name).touch()
    bcc = SimpleNamespace(BPF=lambda **_: Bpf())
    monkeypatch.setattr(loader_child, "KernelTypes", Kernel)
    monkeypatch.setattr(loader_child, "attach", attach)
    monkeypatch.setattr(loader_child.importlib, "import_module", lambda name: bcc)
    monkeypatch.setenv("BCC_KERNEL_SOURCE", "")
    fds, compiled, unavailable, _ = loader_child.load(tmp_path, asked, ["cpus"], {})
    programs = {name.removeprefix("program:") for name in fds if name.startswith("program:")}
    assert programs == {program for program, _ in BY_NAME["softirq"].probed.programs}
    assert set(compiled) == {"thread", "softirq", "hardirq"}
    assert unavailable == {
        "hardirq": "Permission denied",
        "thread": "it needs the collector hardirq",
    }


def test_programs_are_attached_in_the_order_in_which_they_are_given() -> None:
    """Exits come first there: an entry whose exit is not yet seen would stay open."""
    attached = []

    class Bpf:
        RAW_TRACEPOINT = 17

        def __init__(self) -> None:
            self.raw_tracepoint_fds: dict[bytes, int] = {}

        def load_func(self, program: str, kind: int) -> SimpleNamespace:
            return SimpleNamespace(fd=3)

        def attach_raw_tracepoint(self, tp: str, fn_name: str) -> None:
            attached.append((fn_name, tp))
            self.raw_tracepoint_fds[tp.encode()] = 5

    pairs = list(BY_NAME["softirq"].probed.programs)
    loader_child.attach(Bpf(), [], pairs)
    assert attached == pairs


def test_the_kernel_cuts_no_programs_name() -> None:
    """BPF_OBJ_NAME_LEN is 16 with the NUL (include/uapi/linux/bpf.h)."""
    names = {name for collector in ALL for name, _ in collector.probed.programs}
    assert [name for name in names if len(name) > 15] == []


def test_no_map_has_its_name_for_a_symbol() -> None:
    asked = [request(collector) for collector in ALL]
    text = source(bpf_folder(), asked)
    renamed = rename_maps(text)
    pragmas = renamed.removesuffix(text).splitlines()
    assert len(pragmas) == len(set(pragmas)) == text.count("\nBPF_")
    for name in {
        "cpus",
        "epochs",
        *(name for collector in asked for name in (*collector["formats"], *collector["maps"])),
    }:
        assert f"#pragma redefine_extname {name} map_{name}" in pragmas


@pytest.mark.parametrize(
    "declaration",
    [
        'BPF_F_TABLE("hash", struct key, struct value, found, MAX_FOUND, 0);',
        'BPF_F_TABLE("hash", struct key, struct value,\n\t    found, MAX_FOUND, 0);',
        'BPF_TABLE("lru_hash", u64, u64, found, 1);',
        "BPF_ARRAY(found, struct value, 1);",
        "BPF_HASH(found);",
        "BPF_RINGBUF_OUTPUT(found, 8);",
    ],
)
def test_each_way_to_declare_a_map(declaration: str) -> None:
    assert rename_maps(declaration).startswith("#pragma redefine_extname found map_found\n")
