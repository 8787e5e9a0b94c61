"""What ``irqwatch doctor`` looks at, and what it says of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# The tracepoints that the probe attaches to.
TRACEPOINTS = (
    "irq_handler_entry",
    "irq_handler_exit",
    "softirq_raise",
    "softirq_entry",
    "softirq_exit",
    "workqueue_queue_work",
    "workqueue_activate_work",
    "workqueue_execute_start",
    "workqueue_execute_end",
)

FileState = Literal["ok", "empty", "missing", "denied"]
Verdict = Literal["ok", "missing", "note"]


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of loading the probe and unloading it at once."""

    collectors: frozenset[str] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)  # collector, or "probe" → why


@dataclass(frozen=True, slots=True)
class Facts:
    """A host as doctor sees it. ``None`` is what the host does not say."""

    command: str  # how irqwatch was called: an absolute path
    os_name: str  # "Debian GNU/Linux 12 (bookworm)"
    os_ids: tuple[str, ...]  # ID and ID_LIKE of os-release: ("ubuntu", "debian")
    kernel: str  # uname -r
    machine: str  # uname -m
    is_root: bool
    may_load_bpf: bool  # CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN
    in_user_namespace: bool
    tracepoints: frozenset[str] | None  # those of TRACEPOINTS in the kernel's BTF; None: no BTF
    lockdown: str | None  # "none", "integrity", "confidentiality"; None: kernel without it
    unprivileged_bpf_disabled: int | None
    interpreter: str  # the one that would run the loader
    bcc_version: str | None
    bcc_error: str  # why bcc_version is None
    libbpf: str | None  # "libbpf.so.1"
    files: Mapping[str, FileState]  # path → what came of reading it
    container: str | None  # "docker", "podman", …
    irqbalance_pid: int | None
    irq_time_accounting: bool | None
    has_terminal: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``missing`` takes something away from what irqwatch shows, ``note``
    does not; ``mend`` is the command (or, where there is none, the sentence) that mends it."""

    name: str
    verdict: Verdict
    detail: str
    mend: str | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    findings: tuple[Finding, ...]
    verbs: Mapping[str, str]  # verb → what it can do here
