"""What ``irqwatch doctor`` looks at, and what it says of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from irqwatch.model.snapshot import Snapshot

# The oldest that the probe is checked on. What it needs of a kernel is asked of its types, not of
# its version.
OLDEST_KERNEL = (5, 10)
WHY_NOT_OLDER = "5.10 is the oldest that irqwatch is checked on"

Verdict = Literal["ok", "missing", "note"]


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of loading the probe with every collector, giving it something to see, and
    unloading it. ``given`` are the stimuli that could be given; ``on`` the collectors that are on
    here unless they are named."""

    snapshot: Snapshot
    given: frozenset[str]
    on: frozenset[str]


@dataclass(frozen=True, slots=True)
class FileRead:
    """What came of reading a file of /proc."""

    path: str
    has_any: bool  # of what it is read for
    lack: str = ""  # what could not be had of it, and why


@dataclass(frozen=True, slots=True)
class HostFacts:
    """A host as doctor sees it. ``None`` is what the host does not say."""

    command: str  # how irqwatch was called: an absolute path
    os_name: str  # "Debian GNU/Linux 12 (bookworm)"
    os_ids: tuple[str, ...]  # ID and ID_LIKE of os-release: ("ubuntu", "debian")
    kernel: str  # uname -r
    machine: str  # uname -m
    is_root: bool
    may_load_bpf: bool  # CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN
    in_user_namespace: bool
    # Collector → why the kernel has not the tracepoints for it; None: no BTF to look into.
    untraced: Mapping[str, str] | None
    lockdown: str | None  # "none", "integrity", "confidentiality"; None: kernel without it
    interpreter: str  # the one that would run the loader
    bcc_version: str | None
    bcc_error: str  # why bcc_version is None
    libbpf: str | None  # "libbpf.so.1"
    files: Mapping[str, FileRead]  # by part, as in Unavailable
    container: str | None  # "docker", "podman", …
    irqbalance_pid: int | None
    irq_time_accounting: bool | None
    has_terminal: bool


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing looked at. ``missing`` takes something away from what irqwatch shows, ``note``
    does not; ``mend`` is the command (or, where there is none, the sentence) that mends it."""

    name: str
    verdict: Verdict
    detail: str
    mend: str | None = None


@dataclass(frozen=True, slots=True)
class Tried(Remark):
    """What came of one collector. ``counted``: field of its parts → events, ``lost``: reason →
    events that it could not use; None where it was not loaded."""

    counted: Mapping[str, int] | None = None
    lost: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    findings: tuple[Remark, ...]
    collectors: tuple[Tried, ...]  # none where the probe was not tried
    verbs: Mapping[str, str]  # verb → what it can do here


def kernel_version(release: str) -> tuple[int, int] | None:
    """(6, 18) of ``6.18.44-cloud-amd64``."""
    match = re.match(r"(\d{1,9})\.(\d{1,9})", release, re.ASCII)
    return (int(match[1]), int(match[2])) if match else None


def is_too_old(release: str) -> bool:
    """Whether the kernel is known to be older than the probe needs."""
    version = kernel_version(release)
    return version is not None and version < OLDEST_KERNEL
