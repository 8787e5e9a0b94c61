"""Which collectors can be had where the kernel lacks something, or refuses it."""

import ast
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from irqwatch.base.collector import Collector, Field
from irqwatch.collectors import ALL, BY_NAME
from irqwatch.model.snapshot import SOFTIRQ_VECTORS
from irqwatch.source import loader_child
from irqwatch.source.loader import bpf_folder, layouts, request
from irqwatch.source.loader_child import Refused, rename_maps, source


class Kernel:
    """Its types: those of today's kernels as the collectors' records have them, without what
    ``lacks``, and with ``other`` arguments, fields and constants."""

    def __init__(self, *lacks: str, other: Mapping[str, object] | None = None) -> None:
        self.lacks = lacks
        self.other = other or {}

    def arguments(self, tracepoint: str) -> object:
        hooks = [h for one in ALL for h in one.probed.hooks if h.tracepoint == tracepoint]
        found = None if tracepoint in self.lacks else hooks[0].arguments
        return self.other.get(tracepoint, found)

    def field(self, struct: str, path: str) -> object:
        if f"{struct}.{path}" in self.lacks:
            raise LookupError
        fields = {(f.struct, f.path): f.types[0] for one in ALL for f in fields_of(one)}
        return self.other.get(f"{struct}.{path}", (8, fields[struct, path]))

    def enumerator(self, name: str) -> object:
        constants = dict(constant for one in ALL for constant in one.probed.constants)
        return self.other.get(name, None if name in self.lacks else constants.get(name, 165))

    def has_struct(self, name: str) -> bool:
        return name not in self.lacks


def fields_of(collector: Collector) -> list[Field]:
    probed = collector.probed
    of_hooks = [field for hook in probed.hooks for field in hook.fields]
    return [*probed.fields, *probed.optional_fields, *of_hooks]


def usable(
    collectors: list[str], *lacks: str, other: Mapping[str, object] | None = None
) -> tuple[dict[str, int], set[str], dict[str, str]]:
    """Macros, the collectors that can be had, and why the others cannot."""
    asked = [request(BY_NAME[name]) for name in collectors]
    defines, programs, unavailable = loader_child.usable(Kernel(*lacks, other=other), asked)
    return defines, set(programs), unavailable


def test_what_is_refused_is_had_by_nobody() -> None:
    asked = ["blame", "hardirq", "softirq", "thread"]
    defines, had, unavailable = usable(asked, "irq_handler_entry")
    assert had == {"blame", "softirq"}
    assert unavailable == {
        "hardirq": "this kernel has no tracepoint irq_handler_entry",
        "thread": "it needs the collector hardirq",
    }
    assert not {"COLLECT_HARDIRQ", "COLLECT_THREAD"} & defines.keys()


def test_a_field_that_is_missing_counts_too() -> None:
    _, had, _ = usable(["thread", "hardirq"], "irqaction.name")
    assert not had


def test_arguments_that_no_program_is_for_are_refused() -> None:
    """Linux 7.1 hands over the time itself; what may come after it is not known."""
    now = {"hrtimer_expire_entry": ("struct hrtimer *", "s64")}
    defines, had, _ = usable(["timer"], other=now)
    assert had == {"timer"}
    assert defines["TIMER_NOW_IS_A_VALUE"] == 1
    later = {"hrtimer_expire_entry": ("struct hrtimer *", "struct hrtimer_clock_base *")}
    _, had, unavailable = usable(["timer"], other=later)
    assert not had
    assert unavailable["timer"] == (
        "this kernel's tracepoint hrtimer_expire_entry has other arguments than irqwatch knows: "
        "struct hrtimer *, struct hrtimer_clock_base *"
    )


def test_one_argument_too_few_is_refused_too() -> None:
    _, had, unavailable = usable(["hardirq"], other={"irq_handler_exit": ("s32",)})
    assert not had
    assert "irq_handler_exit has other arguments" in unavailable["hardirq"]


def test_arguments_that_are_not_read_may_be_any() -> None:
    _, had, _ = usable(["syscall"], other={"sched_process_exit": ("struct task_struct *", "bool")})
    assert had == {"syscall"}


SWITCH = ("bool", "struct task_struct *", "struct task_struct *")


@pytest.mark.parametrize(
    ("arguments", "lacks", "offset"),
    [
        ((*SWITCH, "u32"), (), None),
        (SWITCH, (), "OFFSET_task_struct___state"),
        (SWITCH, ("task_struct.__state",), "OFFSET_task_struct_state"),
    ],
    ids=["7.3", "5.15", "5.10"],
)
def test_the_first_alternative_that_fits(
    arguments: tuple[str, ...], lacks: tuple[str, ...], offset: str | None
) -> None:
    given = {"sched_switch": arguments}
    defines, had, _ = usable(["hardirq", "thread"], *lacks, other=given)
    assert "thread" in had
    states = {"OFFSET_task_struct___state", "OFFSET_task_struct_state"}
    assert states & defines.keys() == ({offset} if offset else set())


def test_where_no_alternative_fits() -> None:
    """Linux 5.18-rc had it in another place (commit fa2c3254d7cf)."""
    moved = {"sched_switch": ("bool", "u32", "struct task_struct *", "struct task_struct *")}
    assert "thread" not in usable(["hardirq", "thread"], other=moved)[1]


def test_a_field_of_another_type_is_refused() -> None:
    other = {"irqaction.name": (8, "u32")}
    _, had, unavailable = usable(["hardirq"], other=other)
    assert not had
    assert unavailable["hardirq"] == (
        "this kernel's irqaction.name is u32, not char * as irqwatch knows it"
    )


@pytest.mark.parametrize(("of", "size_bytes"), [("s32", 4), ("u8", 1)])
def test_a_field_of_one_of_several_sizes(of: str, size_bytes: int) -> None:
    """task_struct.on_cpu is a byte since Linux 7.2: what follows it was read too."""
    defines, _, _ = usable(["hardirq", "thread"], other={"task_struct.on_cpu": (64, of)})
    assert defines["SIZE_task_struct_on_cpu"] == size_bytes


def test_constants_that_differ_are_refused() -> None:
    _, had, unavailable = usable(["softirq"], other={"NET_RX_SOFTIRQ": 4})
    assert not had
    assert unavailable["softirq"] == (
        "this kernel has 4 for NET_RX_SOFTIRQ, which irqwatch knows as 3"
    )
    assert "no constant" in usable(["hardirq"], "IRQ_NONE")[2]["hardirq"]


def test_constants_are_those_of_the_source() -> None:
    read = layouts(BY_NAME)
    of_model = {f"{vector}_SOFTIRQ": at for at, vector in enumerate(SOFTIRQ_VECTORS)}
    for collector in ALL:
        for name, value in collector.probed.constants:
            if name == "WORK_STRUCT_PENDING_BIT":
                assert read.constant("WORK_STRUCT_PENDING") == 1 << value
            else:
                assert of_model.get(name, value) == value
                assert name in of_model or read.constant(name) == value


def test_what_the_kernels_bpf_can_do() -> None:
    limits = {"MAX_HARDIRQS": [4096, 512]}
    new = {"MAX_HARDIRQS": 4096, "HASH_FLAGS": 1, "KERNEL_NAMES_FUNCTIONS": 1}
    version = "#1 SMP {} Debian 7.3.4-1 (2026-11-02)"
    is_rt = {**new, "KERNEL_IS_RT": 1}
    assert loader_child.abilities(Kernel(), limits, version.format("PREEMPT_DYNAMIC")) == new
    assert loader_child.abilities(Kernel(), limits, version.format("PREEMPT_RT")) == is_rt
    old = Kernel("bpf_mem_alloc", "BPF_FUNC_snprintf")
    assert loader_child.abilities(old, limits, "") == {"MAX_HARDIRQS": 512, "HASH_FLAGS": 0}


def test_what_was_not_asked_for_is_not_there() -> None:
    _, had, unavailable = usable(["blame", "work"])
    assert had == {"work"}
    assert unavailable == {"blame": "it needs the collector hardirq or vector or softirq"}


def test_in_any_order_all_is_had() -> None:
    asked = ["trace", "thread", "blame", "softirq", "hardirq"]
    assert usable(asked)[1:] == (set(asked), {})


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
    monkeypatch.setattr(loader_child, "kernel_types", Kernel)
    monkeypatch.setattr(loader_child, "attach", attach)
    monkeypatch.setattr(loader_child.importlib, "import_module", lambda name: bcc)
    monkeypatch.setenv("BCC_KERNEL_SOURCE", "")
    fds, answer, _ = loader_child.load(tmp_path, asked, ["cpus"], {}, {})
    programs = {name.removeprefix("program:") for name in fds if name.startswith("program:")}
    assert programs == {hook.program for hook in BY_NAME["softirq"].probed.hooks}
    assert set(answer["compiled"]) == {"thread", "softirq", "hardirq"}
    assert answer["unavailable"] == {
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

    pairs = [(hook.program, hook.tracepoint) for hook in BY_NAME["softirq"].probed.hooks]
    loader_child.attach(Bpf(), [], pairs)
    assert attached == pairs


@pytest.mark.parametrize("name", ["loader_child.py", "kernel_types.py"])
def test_the_distributions_python_can_read_it(name: str) -> None:
    """Debian 11 has 3.9: of it the grammar is held here; `make test-vm` runs it there."""
    source_file = Path(loader_child.__file__).with_name(name)
    ast.parse(source_file.read_text(), feature_version=(3, 9))


def test_the_kernel_cuts_no_programs_name() -> None:
    """BPF_OBJ_NAME_LEN is 16 with the NUL (include/uapi/linux/bpf.h)."""
    names = {hook.program for collector in ALL for hook in collector.probed.hooks}
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
