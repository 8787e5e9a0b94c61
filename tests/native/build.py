"""Compiles the probe natively, once for each set of sources and flags."""

import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from irqwatch.base.collector import Field
from irqwatch.collectors import ALL, BY_NAME, running
from irqwatch.source.loader import bpf_folder, sizes
from irqwatch.source.loader_child import BPF_F_NO_PREALLOC, macro, size_bytes

FOLDER = Path(__file__).parent
CACHE = FOLDER.parent.parent / ".cache" / "native"

# The last needs a ring buffer: it is shown on the kernel only.
COLLECTORS = frozenset(BY_NAME) - {"trace"}

# Any will do that keeps the fields apart: the memory that is read is made up too.
NEEDED = [field for one in ALL for field in one.probed.fields]
OPTIONAL = [field for one in ALL for field in one.probed.optional_fields]
OF_HOOKS = [field for one in ALL for hook in one.probed.hooks for field in hook.fields]
AT = {field: 8 * number for number, field in enumerate((*NEEDED, *OPTIONAL, *OF_HOOKS), 1)}


def macros(fields: Iterable[Field]) -> dict[str, int]:
    """Of where they stand and, as kernels had them first, how large they are."""
    found = {}
    for field in fields:
        name = f"{field.struct}_{field.path.replace('.', '_')}"
        found[f"OFFSET_{name}"] = AT[field]
        if len(field.types) > 1:
            found[f"SIZE_{name}"] = size_bytes(field.types[0])
    return found


NEEDED_OFFSETS = macros(NEEDED)
OFFSETS = macros((*NEEDED, *OPTIONAL))
LIMITS = {name: later for name, (later, _) in sizes(lines=64, possible=range(4)).items()}
ABILITIES = {"HASH_FLAGS": BPF_F_NO_PREALLOC, "KERNEL_NAMES_FUNCTIONS": 1}

# What the loader finds on a kernel of today; and on one of 5.10, as far as it is another way there.
KERNEL = {**ABILITIES, **OFFSETS}
OLD_STATE = Field("task_struct", "state", ("s64",))
OLD_KERNEL = {"HASH_FLAGS": 0, **OFFSETS, **macros([OLD_STATE])}

# bcc hands keys on as void *, so their sign is nothing that it minds.
FLAGS = ("-std=gnu11", "-g", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-pointer-sign")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")


class NotBuilt(Exception):
    """There is no compiler here."""


class CompileError(Exception):
    """What the compiler has to say."""


def compilers() -> tuple[str, ...]:
    """The C compilers that are here."""
    names = ("gcc", "clang", *(f"clang-{version}" for version in range(25, 10, -1)))
    found = [name for name in names if shutil.which(name)]
    clangs = [name for name in found if name != "gcc"]
    return (*(["gcc"] if "gcc" in found else []), *clangs[:1])


@functools.cache
def sanitizers(compiler: str) -> tuple[str, ...]:
    """Its flags for them; none where their runtime library is not here."""
    with tempfile.TemporaryDirectory() as folder:
        command = (compiler, *SANITIZERS, "-x", "c", "-", "-o", f"{folder}/empty")
        done = subprocess.run(
            command, input=b"int main(void) { return 0; }", capture_output=True, check=False
        )
    return () if done.returncode else SANITIZERS


def build(
    source: str,
    compiler: str,
    flags: Iterable[str] = (),
    collectors: Iterable[str] = COLLECTORS,
    kernel: Mapping[str, int] = KERNEL,
) -> Path:
    """The executable made of ``source`` (a file of this folder) and the probe, for a ``kernel``
    of which the loader found these macros. Raises CompileError."""
    chosen = running(frozenset(collectors))
    defines = {
        **LIMITS,
        **kernel,
        **{macro(collector.name): 1 for collector in chosen},
    }
    bpf = bpf_folder()
    files = ["irqwatch.bpf.c", *(one.probed.file for one in chosen if one.probed.file)]
    command = (
        compiler,
        *FLAGS,
        *flags,
        *(f"-D{name}={value}" for name, value in sorted(defines.items())),
        f'-DPROBE="{_unit(bpf, files)}"',
        str(FOLDER / source),
    )
    return _build(command, _digest(command, bpf))


def _unit(bpf: Path, files: Iterable[str]) -> Path:
    """A file that includes these of ``bpf``, as the loader pastes them together."""
    text = "".join(f'#include "{bpf / name}"\n' for name in files)
    unit = _cache() / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.c"
    unfinished = unit.with_suffix(f".{os.getpid()}")
    unfinished.write_text(text)
    return unfinished.rename(unit)


@functools.cache
def _build(command: tuple[str, ...], digest: str) -> Path:
    """Processes that build the same at once each make a file of their own; the last one stays."""
    program = _cache() / digest
    if program.exists():
        return program
    unfinished = program.with_suffix(f".{os.getpid()}")
    done = subprocess.run(
        (*command, "-o", str(unfinished)), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CompileError(f"{command[0]}: {done.stderr.strip()}")
    return unfinished.rename(program)


def _digest(command: tuple[str, ...], bpf: Path) -> str:
    sources = [path for folder in (FOLDER, bpf) for path in sorted(folder.glob("*.[ch]"))]
    version = subprocess.run((command[0], "--version"), capture_output=True, check=True).stdout
    parts = [version, "\0".join(command).encode(), *(path.read_bytes() for path in sources)]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]


@functools.cache
def _cache() -> Path:
    """Kept between runs where the checkout is ours to write to."""
    try:
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=CACHE):
            return CACHE
    except OSError:
        folder = tempfile.TemporaryDirectory(prefix="irqwatch-native-")
        _kept.append(folder)
        return Path(folder.name)


_kept: list[tempfile.TemporaryDirectory[str]] = []  # each is removed when this process ends
