"""Whether this process may load the probe, from the kernel's own account of it."""

import platform
import re
from pathlib import Path

from irqwatch.model.doctor import WHY_NOT_OLDER, is_too_old

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
    """Why this process may not load the probe into this kernel; empty where it may."""
    if is_too_old(platform.release()):
        return f"Linux {platform.release()} is too old: {WHY_NOT_OLDER}"
    held = effective()
    if held >> CAP_SYS_ADMIN & 1 or (held >> CAP_BPF & held >> CAP_PERFMON & 1):
        return ""
    return "not root: loading the probe needs CAP_BPF and CAP_PERFMON"
