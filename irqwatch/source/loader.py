"""Starts the loader child and receives the probe's descriptors from it."""

import errno
import importlib.util
import json
import os
import platform
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from irqwatch import clock
from irqwatch.base.collector import Collector, Size
from irqwatch.base.layout import Layouts
from irqwatch.base.text import clean
from irqwatch.collectors import ALL, running
from irqwatch.errors import ProbeError
from irqwatch.model.doctor import kernel_version
from irqwatch.source import apart, loader_child
from irqwatch.source.probe import CPUS, EPOCHS, Loaded

CHILD = Path(__file__).with_name("loader_child.py")

# The distribution's interpreter: its python3-bpfcc is importable by no other.
SYSTEM_PYTHON = "/usr/bin/python3"

# Compiling takes a third of a second, and some twenty where a CPU is emulated in software.
TIMEOUT_SECONDS = 300

MAX_DESCRIPTORS = 253  # SCM_MAX_FD, include/net/scm.h


def bpf_folder() -> Path:
    """The probe's source: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "bpf"
    return installed if installed.is_dir() else package.parent / "bpf"


def interpreter() -> str:
    """The interpreter that can import bcc: this one, else the distribution's. PyPI's ``bcc`` is
    something else: the real one has ``libbcc``. Only looks: importing bcc here would load LLVM."""
    spec = importlib.util.find_spec("bcc")
    folders = spec.submodule_search_locations if spec else None
    here = any(Path(folder, "libbcc.py").exists() for folder in folders or ())
    return sys.executable if here else SYSTEM_PYTHON


def sizes(lines: int, possible: Collection[int]) -> dict[str, tuple[int, int]]:
    """Limits of the maps where hash tables take their memory as they fill, and where they take it
    at once; and CPU_IDS, which is above the number of each CPU that may be. Even those that fill
    take 16 bytes an entry of their limit, so all follow the host: its lines and its CPUs."""
    each = [Size(lines, len(possible), is_taken_at_once=at_once) for at_once in (False, True)]
    limits = {
        f"MAX_{table.name.upper()}": (table.limit(each[0]), table.limit(each[1]))
        for collector in ALL
        for table in collector.probed.tables
    }
    return {**limits, "CPU_IDS": (max(possible) + 1,) * 2}


def request(collector: Collector) -> dict[str, Any]:
    """What the child has to know of a collector: ``loader_child`` says what each key is."""
    probed = collector.probed
    tables = [table.name for table in probed.tables]
    return {
        "name": collector.name,
        "file": probed.file,
        "hooks": probed.hooks,
        "needs": probed.needs,
        "is_partial": probed.is_partial,
        "fields": probed.fields,
        "optional_fields": probed.optional_fields,
        "constants": probed.constants,
        "formats": probed.formats,
        "maps": [*tables, *probed.arrays, *probed.others],
    }


def load(
    collectors: Iterable[str],
    limits: Mapping[str, tuple[int, int]],
    defines: Mapping[str, int | str] | None = None,
) -> tuple[Loaded, dict[str, str]]:
    """The loaded probe, and why a collector is missing from it. ``limits`` are as ``sizes`` has
    them, ``defines`` further macros. Raises ProbeError where there is no probe at all."""
    wanted = running(frozenset(collectors))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, os.fdopen(os.memfd_create("loader"), "w+b") as output:
        asked = {
            "socket": theirs.fileno(),
            "folder": str(bpf_folder()),
            "collectors": [request(collector) for collector in wanted],
            "shared_maps": [CPUS, EPOCHS],
            "limits": dict(limits),
            "defines": dict(defines or {}),
        }
        try:
            child = subprocess.Popen(
                [interpreter(), "-I", str(CHILD), json.dumps(asked)],
                pass_fds=[theirs.fileno()],
                cwd=apart.FOLDER,
                env=apart.ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        except OSError as error:
            raise ProbeError(f"cannot start {interpreter()}: {error.strerror}") from error
        theirs.close()
        try:
            answer, fds = _receive(ours)
        finally:
            _end(child)
        if not answer:
            answer = {"error": f"the loader ended without an answer{_signal(child.returncode)}"}
        if "error" in answer:
            raise ProbeError(explained(str(answer["error"]) + _last_line(output)))
    names = frozenset(collector.name for collector in wanted)
    unavailable = {name: explained(why) for name, why in answer["unavailable"].items()}
    return _sort(answer, fds, names), unavailable


def _receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The child's answer ({} if it died) and its descriptors, close-on-exec."""
    connection.settimeout(TIMEOUT_SECONDS)
    try:
        message, fds, _, _ = socket.recv_fds(connection, 1 << 16, MAX_DESCRIPTORS)
    except TimeoutError:
        return {"error": f"the loader has not answered in {TIMEOUT_SECONDS} s"}, []
    for fd in fds:
        os.set_inheritable(fd, False)
    return (json.loads(message) if message else {}), fds


def _end(child: subprocess.Popen[bytes]) -> None:
    """The child ends by itself after its answer; one that does not is ended."""
    try:
        child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _signal(status: int) -> str:
    """ ", killed by SIGKILL", of a status that says so."""
    return f", killed by {signal.Signals(-status).name}" if status < 0 else ""


def _last_line(output: IO[bytes]) -> str:
    """ ": what the child said last", made printable; empty where it said nothing."""
    output.seek(0)
    lines = output.read().strip().splitlines()
    return f": {clean(lines[-1])}" if lines else ""


def explained(reason: str) -> str:
    """And what to do where the kernel may have refused memory: before Linux 5.11 (commit
    91c960b00566) maps and programs are counted as locked memory, and EPERM says that too."""
    limit_bytes, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    is_limited = limit_bytes != resource.RLIM_INFINITY
    version = kernel_version(platform.release())
    if os.strerror(errno.EPERM) in reason and is_limited and version and version < (5, 11):
        return (
            f"{reason} (may lock {limit_bytes >> 10} KB of memory: raise ulimit -l, LimitMEMLOCK)"
        )
    return reason


def layouts(collectors: Iterable[str]) -> Layouts:
    """Of the probe's source where these are compiled. Raises LayoutError."""
    chosen = running(frozenset(collectors))
    text = loader_child.source(bpf_folder(), [request(collector) for collector in chosen])
    return Layouts(text, {loader_child.macro(collector.name) for collector in chosen})


def _sort(answer: dict[str, Any], fds: list[int], wanted: frozenset[str]) -> Loaded:
    kinds: dict[str, dict[str, int]] = {"map": {}, "program": {}, "link": {}}
    for name, fd in zip(answer["fds"], fds, strict=True):
        kind, _, rest = name.partition(":")
        kinds[kind][rest] = fd
    return Loaded(
        collectors=wanted - answer["unavailable"].keys(),
        maps=kinds["map"],
        programs=kinds["program"],
        links=kinds["link"],
        attached_ns=clock.monotonic_ns(),
        layouts=layouts(answer["compiled"]),
        names_functions=answer["names_functions"],
    )
