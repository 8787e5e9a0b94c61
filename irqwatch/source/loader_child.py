"""The loader child: compiles and attaches the probe with bcc, hands the descriptors over, exits.

Run as a script by whichever interpreter can import bcc, often not the agent's own, so it imports
nothing but the standard library, bcc and ``kernel_types.py`` beside it, and runs on any Python from
3.9 on. It knows no collector: its one argument, JSON, tells it all.

    {"socket": fd, "folder": "…/bpf", "defines": {"CPU_IDS": 4, …},
     "limits": {"MAX_HARDIRQS": [entries, entries where all of them take memory at once], …},
     "shared_maps": ["cpus", …],
     "collectors": [{"name": …, "file": its C file or null, "hooks": [[program, tracepoint,
                     [types of its first arguments], [fields], macro], …], "needs": [collectors of
                     which it must have one], "is_partial": whether it does with those tracepoints
                     that the kernel has, "fields": [[struct, path, [types]], …] that it reads,
                     "optional_fields": the same, without which it does where not all are there,
                     "constants": [[name, value], …], "formats": [maps with what functions are
                     named with], "maps": […]}, …]}

Its answer is one message on that socket, JSON with descriptors attached in the order of "fds":

    {"fds": ["map:cpus", "program:irqw_irq_entry", "link:irq_handler_entry", …],
     "compiled": ["hardirq", …], "names_functions": whether the kernel does, "unavailable":
     {"work": "why"}}

or {"error": "why"}. Links keep programs attached, programs and links keep maps: once the agent's
copies are closed, by any kind of death, the kernel removes all of it.
"""

import contextlib
import ctypes
import importlib
import importlib.machinery
import importlib.util
import json
import os
import re
import signal
import socket
import sys
from pathlib import Path
from typing import Any

# bcc has clang optimise for the host's CPU and then LLVM for BPF, which does as well without the
# first. And it asks for debug information, which nobody reads; BPF's own is made of it, which
# programs that are called back (bpf_loop) would need.
FASTER = ("-Xclang", "-disable-llvm-passes", "-g0")

# The declaration of a map in the source, up to its name.
MAP = re.compile(r"^BPF_(?:F_)?(?:TABLE\((?:[^,]+,){3}\s*|\w+\()(\w+)", re.MULTILINE)

# The running kernel's.
BTF = "/sys/kernel/btf/vmlinux"

# Of a hash table that takes its memory as it fills. From a tracepoint that is safe where the kernel
# has bpf_mem_alloc, since 6.1 (commit 7c8199e24fa0); those before warn: "trace type BPF program
# uses run-time allocation" (kernel/bpf/verifier.c).
BPF_F_NO_PREALLOC = 1  # include/uapi/linux/bpf.h

# One of the request.
Collector = dict[str, Any]


class Refused(Exception):
    """A collector cannot be had on this kernel; the text says why."""


def kernel_types() -> Any:
    """The running kernel's types. Raises Refused. No folder of ours is on this interpreter's path:
    what is in it would be found in place of modules of bcc's."""
    path = Path(__file__).with_name("kernel_types.py")
    loader = importlib.machinery.SourceFileLoader("kernel_types", str(path))
    spec = importlib.util.spec_from_loader("kernel_types", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    try:
        return module.KernelTypes(Path(BTF).read_bytes())
    except FileNotFoundError:
        raise Refused("the kernel gives no BTF (CONFIG_DEBUG_INFO_BTF)") from None
    except (OSError, ValueError) as error:
        raise Refused(f"the kernel's BTF ({BTF}) cannot be read: {error}") from error


def load_libbpf() -> ctypes.CDLL:
    """The libbpf that is present wherever bcc is."""
    for name in ("libbpf.so.1", "libbpf.so.0"):
        try:
            return ctypes.CDLL(name, use_errno=True)
        except OSError:
            continue
    raise Refused("libbpf.so.1 is missing")


def paste(folder: Path, name: str) -> str:
    """The source with its quoted includes in place: bcc rewrites only the text it is handed."""
    out = [f'#line 1 "{name}"\n']
    for number, line in enumerate((folder / name).read_text().splitlines(keepends=True), 1):
        include = re.match(r'\s*#include "([^"]+)"', line)
        if include:
            out += [paste(folder, include[1]), f'#line {number + 1} "{name}"\n']
        else:
            out.append(line)
    return "".join(out)


def rename_maps(text: str) -> str:
    """The source with other symbols for its maps than their names. Where bcc finds a map by name
    it compiles functions that print and scan its values (its src/cc/bpf_module_rw_engine.cc): for
    our thousands of histogram buckets that took longer than the programs."""
    names = MAP.findall(text)
    return "".join(f"#pragma redefine_extname {name} map_{name}\n" for name in names) + text


def macro(collector: str) -> str:
    """What is defined where the collector is compiled."""
    return f"COLLECT_{collector.upper()}"


def source(folder: Path, collectors: "list[Collector]") -> str:
    """The whole probe with these: what all share, then the file of each that has one."""
    files = ["irqwatch.bpf.c", *(one["file"] for one in collectors if one["file"])]
    return "".join(paste(folder, name) for name in files)


def fits(found: "tuple[str, ...]", wanted: "list[str]") -> bool:
    """Whether a tracepoint's arguments are those that a program expects; "" is any."""
    pairs = zip(found, wanted)  # noqa: B905 (Python 3.9)
    return len(found) >= len(wanted) and all(want in ("", have) for have, want in pairs)


def chosen_hooks(types: Any, collector: Collector) -> "list[list[Any]]":
    """Those that can be attached here, of alternatives the first that fits. Raises Refused where
    none can, and where a tracepoint is there with arguments that no program is for: those of one
    that is wrong would be read as something else."""
    hooks: dict[tuple[str, str], list[list[Any]]] = {}
    for hook in collector["hooks"]:
        hooks.setdefault((hook[0], hook[1]), []).append(hook)
    found = []
    lacking = []
    for (_, tracepoint), alternatives in hooks.items():
        arguments = types.arguments(tracepoint)
        if arguments is None:
            lacking.append(tracepoint)
        else:
            found.append(first_fitting(types, tracepoint, arguments, alternatives))
    if lacking and (not collector["is_partial"] or not found):
        raise Refused(f"this kernel has no tracepoint {lacking[0]}")
    return found


def first_fitting(
    types: Any, tracepoint: str, arguments: "tuple[str, ...]", alternatives: "list[list[Any]]"
) -> "list[Any]":
    """Raises Refused."""
    refused = Refused(
        f"this kernel's tracepoint {tracepoint} has other arguments than irqwatch knows: "
        f"{', '.join(arguments) or 'none'}"
    )
    for hook in alternatives:
        if not fits(arguments, hook[2]):
            continue
        try:
            offsets_of(types, hook[3])
        except Refused as error:
            refused = error
        else:
            return hook
    raise refused


def check_needs(collector: Collector, had: "set[str]") -> None:
    """Raises Refused where it would see nothing, of what the collectors ``had`` do."""
    if collector["needs"] and not had.intersection(collector["needs"]):
        raise Refused(f"it needs the collector {' or '.join(collector['needs'])}")


def check_constants(types: Any, constants: "list[tuple[str, int]]") -> None:
    """Raises Refused where the kernel's are others."""
    for name, value in constants:
        found = types.enumerator(name)
        if found != value:
            has = "no constant" if found is None else f"{found} for"
            raise Refused(f"this kernel has {has} {name}, which irqwatch knows as {value}")


def offsets_of(types: Any, fields: "list[tuple[str, str, list[str]]]") -> "dict[str, int]":
    """The macros for where they stand. Raises Refused."""
    defines = {}
    for struct, path, expected in fields:
        try:
            offset_bytes, found = types.field(struct, path)
        except LookupError as error:
            raise Refused(f"this kernel's BTF has no {struct}.{path}") from error
        if found not in expected:
            raise Refused(
                f"this kernel's {struct}.{path} is {found}, not {' or '.join(expected)} "
                "as irqwatch knows it"
            )
        name = f"{struct}_{path.replace('.', '_')}"
        defines[f"OFFSET_{name}"] = offset_bytes
        if len(expected) > 1:
            defines[f"SIZE_{name}"] = size_bytes(found)
    return defines


def size_bytes(integer: str) -> int:
    """Of ``u32`` and the like."""
    return 1 if integer in ("bool", "char") else int(integer[1:]) // 8


def usable(
    types: Any, collectors: "list[Collector]"
) -> "tuple[dict[str, int], dict[str, list[tuple[str, str]]], dict[str, str]]":
    """Macros for collectors and offsets, what to attach by collector, and which collectors cannot
    be had, with why."""
    defines: dict[str, int] = {}
    programs: dict[str, list[tuple[str, str]]] = {}
    unavailable: dict[str, str] = {}
    for collector in sorted(collectors, key=lambda one: bool(one["needs"])):  # after what they need
        name = collector["name"]
        try:
            check_needs(collector, set(programs))
            hooks = chosen_hooks(types, collector)
            check_constants(types, collector["constants"])
            fields = [*collector["fields"], *(field for hook in hooks for field in hook[3])]
            offsets = offsets_of(types, fields)
        except Refused as refused:
            unavailable[name] = str(refused)
        else:
            programs[name] = [(hook[0], hook[1]) for hook in hooks]
            defines.update(offsets)
            with contextlib.suppress(Refused):
                defines.update(offsets_of(types, collector["optional_fields"]))
            defines.update({hook[4]: 1 for hook in hooks if hook[4]})
            defines[macro(name)] = 1
    return defines, programs, unavailable


def abilities(types: Any, limits: "dict[str, list[int]]", version: str) -> "dict[str, int]":
    """The macros for what this kernel and its BPF can do, and for the limits of maps that follow.
    PREEMPT_RT stands in its version alone (scripts/mkcompile_h): "#1 SMP PREEMPT_RT Debian …"."""
    takes_memory_later = types.has_struct("bpf_mem_alloc")
    defines = {name: limit[not takes_memory_later] for name, limit in limits.items()}
    defines["HASH_FLAGS"] = BPF_F_NO_PREALLOC if takes_memory_later else 0
    if types.enumerator("BPF_FUNC_snprintf") is not None:
        defines["KERNEL_NAMES_FUNCTIONS"] = 1
    if "PREEMPT_RT" in version.split():
        defines["KERNEL_IS_RT"] = 1
    return defines


def freeze_format(bpf: Any, name: str) -> None:
    """Set what functions are named with. bpf_snprintf() takes its format from a map that
    nobody can write any more (kernel/bpf/verifier.c, check_bpf_snprintf_call)."""
    fd = bpf[name.encode()].map_fd
    lib = load_libbpf()
    if lib.bpf_map_update_elem(fd, bytes(4), b"%ps".ljust(8, b"\0"), ctypes.c_uint64(0)):
        raise Refused("the format for names of functions cannot be set")
    if lib.bpf_map_freeze(fd):
        raise Refused("the format for names of functions cannot be frozen")


def attach(bpf: Any, maps: "list[str]", pairs: "list[tuple[str, str]]") -> "dict[str, int]":
    """Load and attach one collector's programs: descriptors by name. Raises Refused."""
    fds: dict[str, int] = {}
    try:
        for program in dict(pairs):
            fds[f"program:{program}"] = bpf.load_func(program, bpf.RAW_TRACEPOINT).fd
        # Only now, so that all are attached at almost the same time.
        for program, tracepoint in pairs:
            bpf.attach_raw_tracepoint(tp=tracepoint, fn_name=program)
            fds[f"link:{tracepoint}"] = bpf.raw_tracepoint_fds[tracepoint.encode()]
    except Exception as error:
        raise Refused(str(error)) from error
    fds.update({f"map:{name}": bpf[name.encode()].map_fd for name in maps})
    return fds


def load(
    folder: Path,
    collectors: "list[Collector]",
    shared_maps: "list[str]",
    limits: "dict[str, list[int]]",
    defines: "dict[str, int | str]",
) -> "tuple[dict[str, int], dict[str, Any], Any]":
    """Compile, attach: (descriptors by name, the rest of the answer, what keeps them open). Raises
    Refused, and ImportError where there is no bcc."""
    types = kernel_types()
    offsets, programs, unavailable = usable(types, collectors)
    found = {**abilities(types, limits, os.uname().version), **offsets}
    compiled = [one for one in collectors if one["name"] in programs]
    os.environ["BCC_KERNEL_SOURCE"] = str(folder / "headers")
    bcc = importlib.import_module("bcc")  # here, so that a host without it gets an answer
    cflags = [*FASTER, *(f"-D{name}={value}" for name, value in {**defines, **found}.items())]
    try:
        bpf = bcc.BPF(text=rename_maps(source(folder, compiled)), cflags=cflags)
    except Exception as error:
        raise Refused(f"bcc cannot compile the probe: {error}") from error
    fds = {f"map:{name}": bpf[name.encode()].map_fd for name in shared_maps}
    for collector in compiled:  # before any program that reads it
        for name in collector["formats"] if "KERNEL_NAMES_FUNCTIONS" in found else ():
            freeze_format(bpf, name)
    for collector in sorted(compiled, key=lambda one: bool(one["needs"])):
        name = collector["name"]
        try:
            check_needs(collector, set(programs) - set(unavailable))
            fds.update(attach(bpf, collector["maps"], programs[name]))
        except Refused as refused:
            unavailable[name] = str(refused)
    answer = {
        "fds": list(fds),
        "compiled": [one["name"] for one in compiled],
        "names_functions": "KERNEL_NAMES_FUNCTIONS" in found,
        "unavailable": unavailable,
    }
    return fds, answer, bpf


def die_with_the_agent() -> None:
    """No half-loaded probe may outlive the agent that asked for it (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def main() -> None:
    """Answer the one request in ``sys.argv``."""
    die_with_the_agent()
    request = json.loads(sys.argv[1])
    with socket.socket(fileno=request["socket"]) as connection:
        try:
            fds, answer, bpf = load(
                Path(request["folder"]),
                request["collectors"],
                request["shared_maps"],
                request["limits"],
                request["defines"],
            )
        except (Refused, ImportError) as error:
            connection.send(json.dumps({"error": str(error)}).encode())
            return
        socket.send_fds(connection, [json.dumps(answer).encode()], list(fds.values()))
        del bpf  # until here it kept the descriptors open
        os._exit(0)  # the agent waits for it, and LLVM would take its time to clean up


if __name__ == "__main__":
    main()
