"""Starts the loader child and receives the probe's descriptors from it."""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from irqwatch import clock
from irqwatch.errors import ProbeError
from irqwatch.parse.text import clean
from irqwatch.source.probe import Loaded

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


def sizes(lines: int, cpus: int) -> dict[str, int]:
    """Limits of the maps. Hash tables take their memory as they fill, but 16 bytes an entry of
    their limit at once, so they follow the host: its lines and its CPUs."""
    return {
        # A line that is moved about has an entry on each CPU it has been on; timers and IPIs, which
        # are vectors of their own on x86 and lines on arm64, are on every CPU.
        "MAX_HARDIRQS": max(256, lines * min(cpus, 16) + 16 * cpus),
        "MAX_WORKS_WAITING": max(2048, 64 * cpus),  # a sync of many small files queues thousands
        "MAX_WORKS_RUNNING": max(256, 16 * cpus),
        "MAX_WORKS": 512,
        "MAX_WORK_CPUS": max(512, 64 * cpus),
        "MAX_TASKLETS": max(64, 16 * cpus),
        "MAX_NAPIS": max(64, 32 * cpus),
        "MAX_EXCEPTION_PROCESSES": 1024,
        "MAX_SIGNALS_PENDING": 1024,  # those that are never delivered stay until they are old
        "MAX_SIGNALS": max(256, 16 * cpus),
        "MAX_SYSCALLS_OPEN": 16384,  # threads
        "MAX_SYSCALLS": max(512, 64 * cpus),
        "MAX_WORK_CAUSES": max(1024, 128 * cpus),
        "MAX_IRQ_THREADS": max(256, 4 * lines),
        "MAX_THREADS": max(256, lines * min(cpus, 16)),
        "MAX_BLAMES": max(4096, 64 * cpus),
    }


def load(
    collectors: Iterable[str], defines: Mapping[str, int | str]
) -> tuple[Loaded, dict[str, str]]:
    """The loaded probe, and why a collector is missing from it. Raises ProbeError where there is
    no probe at all."""
    wanted = sorted(collectors)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs, os.fdopen(os.memfd_create("loader"), "w+b") as output:
        request = {
            "socket": theirs.fileno(),
            "folder": str(bpf_folder()),
            "collectors": wanted,
            "defines": dict(defines),
        }
        try:
            child = subprocess.Popen(
                [interpreter(), "-I", str(CHILD), json.dumps(request)],
                pass_fds=[theirs.fileno()],
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
            raise ProbeError(str(answer["error"]) + _last_line(output))
    return _sort(answer, fds, frozenset(wanted)), answer["unavailable"]


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
    )
