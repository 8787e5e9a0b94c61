"""The loader child: compiles and attaches the probe with bcc, hands the descriptors over, exits.

Run as a script by whichever interpreter can import bcc, often not the agent's own, so it imports
nothing but the standard library and bcc. It knows no collector: its one argument, JSON, tells it
all.

    {"socket": fd, "folder": "…/bpf", "defines": {"MAX_HARDIRQS": 256, …},
     "shared_maps": ["cpus", …],
     "collectors": [{"name": …, "file": its C file or null, "programs": [[program, tracepoint], …],
                     "needs": [collectors of which it must have one], "is_partial": whether it does
                     with those tracepoints that the kernel has, "fields": [[struct, field], …] that
                     it reads, "optional_fields": the same, without which it does where not all are
                     there, "formats": [maps with what functions are named with], "maps": […]},
                     …]}

Its answer is one message on that socket, JSON with descriptors attached in the order of "fds":

    {"fds": ["map:cpus", "program:irqw_irq_entry", "link:irq_handler_entry", …],
     "compiled": ["hardirq", …], "unavailable": {"work": "why"}}

or {"error": "why"}. Links keep programs attached, programs and links keep maps: once the agent's
copies are closed, by any kind of death, the kernel removes all of it.
"""

import contextlib
import ctypes
import importlib
import json
import os
import re
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# bcc has clang optimise for the host's CPU and then LLVM for BPF, which does as well without the
# first. And it asks for debug information, which nobody reads; BPF's own is made of it, which
# programs that are called back (bpf_loop) would need.
FASTER = ("-Xclang", "-disable-llvm-passes", "-g0")

# The declaration of a map in the source, up to its name.
MAP = re.compile(r"^BPF_(?:F_)?(?:TABLE\((?:[^,]+,){3}\s*|\w+\()(\w+)", re.MULTILINE)

# include/uapi/linux/btf.h
BTF_KIND_STRUCT = 4
BTF_KIND_TYPEDEF = 8


# One of the request.
Collector = dict[str, Any]


class Refused(Exception):
    """A collector cannot be had on this kernel; the text says why."""


class BtfMember(ctypes.Structure):
    """struct btf_member, include/uapi/linux/btf.h."""

    _fields_ = (
        ("name_off", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("offset", ctypes.c_uint32),
    )


class BtfType(ctypes.Structure):
    """struct btf_type, include/uapi/linux/btf.h; a struct's members follow it."""

    _fields_ = (
        ("name_off", ctypes.c_uint32),
        ("info", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
    )


class KernelTypes:
    """The running kernel's BTF, read with the libbpf that bcc itself links."""

    def __init__(self) -> None:
        lib = load_libbpf()
        lib.btf__load_vmlinux_btf.restype = ctypes.c_void_p
        lib.btf__find_by_name_kind.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint32)
        lib.btf__type_by_id.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
        lib.btf__type_by_id.restype = ctypes.POINTER(BtfType)
        lib.btf__name_by_offset.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
        lib.btf__name_by_offset.restype = ctypes.c_char_p
        self._lib = lib
        self._btf = lib.btf__load_vmlinux_btf()
        if not self._btf or ctypes.c_int64(self._btf).value in range(-4095, 0):
            raise Refused("the kernel gives no BTF (CONFIG_DEBUG_INFO_BTF)")

    def has_tracepoint(self, name: str) -> bool:
        """Whether the kernel has it, modules aside: include/trace/bpf_probe.h makes a type of this
        name for each."""
        name = f"btf_trace_{name}"
        found = self._lib.btf__find_by_name_kind(self._btf, name.encode(), BTF_KIND_TYPEDEF)
        return bool(found > 0)

    def offset_bytes(self, struct: str, field: str) -> int:
        """Where ``field`` stands in ``struct``, anonymous structs and unions inside it included."""
        type_id = self._lib.btf__find_by_name_kind(self._btf, struct.encode(), BTF_KIND_STRUCT)
        found = self._find(type_id, field.encode()) if type_id > 0 else None
        if found is None:
            raise Refused(f"this kernel's BTF has no {struct}.{field}")
        return found // 8

    def _find(self, type_id: int, field: bytes) -> "int | None":
        """Offset in bits."""
        pointer = self._lib.btf__type_by_id(self._btf, type_id)
        info = pointer.contents.info
        if info >> 24 & 0x1F not in (BTF_KIND_STRUCT, BTF_KIND_STRUCT + 1):
            return None
        members = ctypes.cast(
            ctypes.addressof(pointer.contents) + ctypes.sizeof(BtfType),
            ctypes.POINTER(BtfMember * (info & 0xFFFF)),
        ).contents
        for member in members:
            # With kind_flag set the upper eight bits are the width of a bit field.
            offset: int = member.offset & 0xFFFFFF if info >> 31 else member.offset
            name = self._lib.btf__name_by_offset(self._btf, member.name_off)
            if name == field:
                return offset
            if not name:
                inner = self._find(member.type, field)
                if inner is not None:
                    return offset + inner
        return None


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


def present(
    has_tracepoint: "Callable[[str], bool]", collector: Collector
) -> "list[tuple[str, str]]":
    """The (program, tracepoint) that can be attached here. Raises Refused."""
    pairs = [(program, name) for program, name in collector["programs"]]
    found = [pair for pair in pairs if has_tracepoint(pair[1])]
    lacking = [name for program, name in pairs if (program, name) not in found]
    if lacking and (not collector["is_partial"] or not found):
        raise Refused(f"this kernel has no tracepoint {lacking[0]}")
    return found


def check_needs(collector: Collector, had: "set[str]") -> None:
    """Raises Refused where it would see nothing, of what the collectors ``had`` do."""
    if collector["needs"] and not had.intersection(collector["needs"]):
        raise Refused(f"it needs the collector {' or '.join(collector['needs'])}")


def offsets_of(types: KernelTypes, fields: "list[tuple[str, str]]") -> "dict[str, int]":
    """The macros for where they stand. Raises Refused."""
    return {
        f"OFFSET_{struct}_{field}": types.offset_bytes(struct, field) for struct, field in fields
    }


def usable(
    collectors: "list[Collector]",
) -> "tuple[dict[str, int], dict[str, list[tuple[str, str]]], dict[str, str]]":
    """Macros for collectors and offsets, what to attach by collector, and which collectors cannot
    be had, with why."""
    types = KernelTypes()
    defines: dict[str, int] = {}
    programs: dict[str, list[tuple[str, str]]] = {}
    unavailable: dict[str, str] = {}
    for collector in sorted(collectors, key=lambda one: bool(one["needs"])):  # after what they need
        name = collector["name"]
        try:
            check_needs(collector, set(programs))
            programs[name] = present(types.has_tracepoint, collector)
            offsets = offsets_of(types, collector["fields"])
        except Refused as refused:
            programs.pop(name, None)
            unavailable[name] = str(refused)
        else:
            defines.update(offsets)
            with contextlib.suppress(Refused):
                defines.update(offsets_of(types, collector["optional_fields"]))
            defines[macro(name)] = 1
    return defines, programs, unavailable


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
    defines: "dict[str, int | str]",
) -> "tuple[dict[str, int], list[str], dict[str, str], Any]":
    """Compile, attach: (descriptors by name, what was compiled, why a collector is missing, what
    keeps them open). Raises Refused, and ImportError where there is no bcc."""
    offsets, programs, unavailable = usable(collectors)
    compiled = [one for one in collectors if one["name"] in programs]
    os.environ["BCC_KERNEL_SOURCE"] = str(folder / "headers")
    bcc = importlib.import_module("bcc")  # here, so that a host without it gets an answer
    cflags = [*FASTER, *(f"-D{name}={value}" for name, value in {**defines, **offsets}.items())]
    try:
        bpf = bcc.BPF(text=rename_maps(source(folder, compiled)), cflags=cflags)
    except Exception as error:
        raise Refused(f"bcc cannot compile the probe: {error}") from error
    fds = {f"map:{name}": bpf[name.encode()].map_fd for name in shared_maps}
    for collector in compiled:  # before any program that reads it
        for name in collector["formats"]:
            freeze_format(bpf, name)
    for collector in sorted(compiled, key=lambda one: bool(one["needs"])):
        name = collector["name"]
        try:
            check_needs(collector, set(programs) - set(unavailable))
            fds.update(attach(bpf, collector["maps"], programs[name]))
        except Refused as refused:
            unavailable[name] = str(refused)
    return fds, [one["name"] for one in compiled], unavailable, bpf


def die_with_the_agent() -> None:
    """No half-loaded probe may outlive the agent that asked for it (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def main() -> None:
    """Answer the one request in ``sys.argv``."""
    die_with_the_agent()
    request = json.loads(sys.argv[1])
    with socket.socket(fileno=request["socket"]) as connection:
        try:
            fds, compiled, unavailable, bpf = load(
                Path(request["folder"]),
                request["collectors"],
                request["shared_maps"],
                request["defines"],
            )
        except (Refused, ImportError) as error:
            connection.send(json.dumps({"error": str(error)}).encode())
            return
        answer = {"fds": list(fds), "compiled": compiled, "unavailable": unavailable}
        socket.send_fds(connection, [json.dumps(answer).encode()], list(fds.values()))
        del bpf  # until here it kept the descriptors open
        os._exit(0)  # the agent waits for it, and LLVM would take its time to clean up


if __name__ == "__main__":
    main()
