"""Reads what ``irqwatch doctor`` judges, from the live host."""

import ctypes
import gzip
import os
import platform
import re
import subprocess
import sys
import zlib
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

import psutil

from irqwatch.base.collector import Collector
from irqwatch.base.text import clean
from irqwatch.collectors import BY_NAME, COLLECTORS, running
from irqwatch.model.doctor import FileRead, HostFacts, Trial
from irqwatch.model.snapshot import Snapshot, Unavailable
from irqwatch.source import apart, loader, loader_child, stimuli
from irqwatch.source.bpf_syscalls import LIBBPF
from irqwatch.source.capabilities import why_no_bpf
from irqwatch.source.host import HostReader, HostReading
from irqwatch.source.kernel_types import KernelTypes
from irqwatch.source.live import LiveSource
from irqwatch.source.root import Root, Unreadable, read
from irqwatch.source.threads import is_irqbalance

# A kernel's are 3 to 6 MB.
MOST_TYPES_BYTES = 64 << 20

BCC_TIMEOUT_SECONDS = 60


def read_facts() -> HostFacts:
    """Everything but the trial; takes about 0.2 s, most of it to import bcc in a child."""
    os_name, os_ids = read_distribution()
    interpreter = loader.interpreter()
    bcc_version, bcc_error = read_bcc_version(interpreter)
    return HostFacts(
        command=str(Path(sys.argv[0]).absolute()),
        os_name=os_name,
        os_ids=os_ids,
        kernel=platform.release(),
        machine=platform.machine(),
        is_root=os.geteuid() == 0,
        may_load_bpf=not why_no_bpf(),
        in_user_namespace=is_mapped(read_text("/proc/self/uid_map")),
        untraced=find_untraced("/sys/kernel/btf/vmlinux", running(COLLECTORS)),
        lockdown=chosen(read_text("/sys/kernel/security/lockdown")),
        interpreter=interpreter,
        bcc_version=bcc_version,
        bcc_error=bcc_error,
        libbpf=find_library(LIBBPF),
        files=files_of(HostReader(Root()).read()),
        container=find_container("/"),
        irqbalance_pid=find_irqbalance(),
        irq_time_accounting=find_option(
            "CONFIG_IRQ_TIME_ACCOUNTING",
            ("/proc/config.gz", f"/boot/config-{platform.release()}"),
        ),
        has_terminal=sys.stdout.isatty(),
    )


def try_probe(on: frozenset[str]) -> Trial:
    """Load the probe, give its collectors something to see, read it and unload it. Leaves nothing
    in the kernel.

    All are loaded in one go: it compiles once (half a second, where each by itself takes three in
    all), and some see only what others do. Where that fails as a whole, those that are ``on`` are
    tried without the rest, as ``top`` would load them.
    """
    snapshot, given = _try(COLLECTORS)
    whole = [lack.reason for lack in snapshot.unavailable if lack.part == "probe"]
    if whole:
        snapshot, given = _try(on)
        others = tuple(Unavailable(name, whole[0]) for name in COLLECTORS if name not in on)
        snapshot = replace(snapshot, unavailable=(*snapshot.unavailable, *others))
    return Trial(snapshot, given, on)


def _try(names: Collection[str]) -> tuple[Snapshot, frozenset[str]]:
    """The probe counts from zero: what it counts before the stimuli is as good a proof."""
    wanted = {BY_NAME[name].stimulus for name in names} - {""}
    with LiveSource(Root(), names) as source:
        given = stimuli.give(sorted(wanted))
        return source.sample(), given


def read_text(path: str) -> str:
    """A small file's text, printable; "" where it cannot be read."""
    raw = read(path)
    return "" if isinstance(raw, Unreadable) else clean(raw.strip())


def files_of(reading: HostReading) -> dict[str, FileRead]:
    """As every verb reads them, so that doctor finds the same lacking."""
    lacks = {lack.part: lack.reason for lack in reading.unavailable}
    return {
        part: FileRead(path, bool(found), lacks.get(part, ""))
        for part, path, found in (
            ("interrupts", "/proc/interrupts", reading.lines),
            ("softirqs", "/proc/softirqs", reading.softirq_counts),
            ("cpu_times", "/proc/stat", reading.cpu_times),
        )
    }


def read_distribution() -> tuple[str, tuple[str, ...]]:
    """Name, then ID and ID_LIKE of os-release(5), most specific first."""
    try:
        release = platform.freedesktop_os_release()
    except (OSError, UnicodeDecodeError):
        return "an unknown distribution", ()
    return clean(release["PRETTY_NAME"].encode()), (
        release["ID"],
        *release.get("ID_LIKE", "").split(),
    )


def is_mapped(uid_map: str) -> bool:
    """Whether /proc/PID/uid_map is other than that of the first user namespace."""
    return bool(uid_map.split()) and uid_map.split() != ["0", "0", "4294967295"]


def chosen(text: str) -> str | None:
    """The one in brackets: "integrity" of ``none [integrity] confidentiality``."""
    match = re.search(r"\[(\w+)\]", text)
    return match[1] if match else None


def find_untraced(path: str, collectors: Iterable[Collector]) -> dict[str, str] | None:
    """Collector → why the kernel has not what it attaches to, or not as irqwatch knows it; None
    without BTF."""
    raw = read(path, MOST_TYPES_BYTES)
    if isinstance(raw, Unreadable):
        return None
    try:
        types = KernelTypes(raw)
    except ValueError:
        return None
    untraced = {}
    for collector in collectors:
        try:
            loader_child.chosen_hooks(types, loader.request(collector))
        except loader_child.Refused as refused:
            untraced[collector.name] = str(refused)
    return untraced


def read_bcc_version(interpreter: str) -> tuple[str | None, str]:
    """(version, "") or (None, why). Imported in a child, as bcc brings all of LLVM with it."""
    program = "import bcc, bcc.libbcc; print(bcc.__version__)"
    try:
        done = subprocess.run(
            [interpreter, "-I", "-c", program],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=BCC_TIMEOUT_SECONDS,
            check=False,
            cwd=apart.FOLDER,
            env=apart.ENVIRONMENT,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        return None, error.strerror or str(error)
    except subprocess.TimeoutExpired:
        return None, f"importing bcc took more than {BCC_TIMEOUT_SECONDS} s"
    if done.returncode:
        said = done.stderr.strip().splitlines()
        return None, said[-1] if said else f"importing bcc ended with {done.returncode}"
    return done.stdout.strip(), ""


def find_library(names: Iterable[str]) -> str | None:
    """The first that the dynamic linker finds."""
    for name in names:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return name
    return None


def find_container(root: str) -> str | None:
    """What the container's maker says: systemd's file (nspawn, lxc), podman's, docker's."""
    if named := read_text(f"{root}/run/systemd/container"):
        return named
    for name, path in (("podman", "run/.containerenv"), ("docker", ".dockerenv")):
        if Path(root, path).exists():
            return name
    return None


def find_irqbalance() -> int | None:
    for process in psutil.process_iter(["name", "uids"]):
        uids = process.info["uids"]
        if is_irqbalance(process.info["name"], uids.effective if uids else None):
            return process.pid
    return None


def find_option(option: str, paths: Iterable[str]) -> bool | None:
    """Whether the kernel was built with ``option``; None where no configuration can be read."""
    for path in paths:
        try:
            raw = Path(path).read_bytes()
            text = gzip.decompress(raw) if path.endswith(".gz") else raw
        except (OSError, EOFError, zlib.error):
            continue
        return f"\n{option}=y\n".encode() in text
    return None
