"""What this process may do, from the kernel's own account of it."""

import re
from pathlib import Path

# include/uapi/linux/capability.h
CAP_SYS_ADMIN = 21
CAP_PERFMON = 38
CAP_BPF = 39


def effective() -> int:
    """The effective set as a bit mask; 0 where it is not to be had."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return int(found[1], 16) if found else 0


def why_no_bpf() -> str:
    """Why this process may not load the probe; empty where it may."""
    held = effective()
    if held >> CAP_SYS_ADMIN & 1 or (held >> CAP_BPF & held >> CAP_PERFMON & 1):
        return ""
    return "not root: loading the probe needs CAP_BPF and CAP_PERFMON"
