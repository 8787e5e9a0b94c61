"""Runs a systemd unit's ExecStart where no systemd is process 1, in a system of Debian's.

    python3 as_the_unit_says.py UNIT

As the unit says: user and group, capabilities, environment, umask, system calls, and the parts of
the file system that are read-only or hidden. What is not done is in LEFT_OUT; any other setting is
refused, for a test that runs less than it knows of would say too much.
Needs python3-seccomp, and to be root in a mount namespace of its own.
"""

import os
import re
import shlex
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import seccomp

DONE = {
    "AmbientCapabilities", "CapabilityBoundingSet", "EnvironmentFile", "ExecStart", "Group",
    "NoNewPrivileges", "PrivateTmp", "ProtectControlGroups", "ProtectHome", "ProtectKernelTunables",
    "ProtectSystem", "SystemCallErrorNumber", "SystemCallFilter", "UMask", "User",
}  # fmt: skip
LEFT_OUT = {
    "LimitMEMLOCK", "LockPersonality", "MemoryMax", "Nice", "PrivateDevices", "PrivateMounts",
    "ProtectClock", "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules", "RemoveIPC",
    "Restart", "RestartSec", "RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime",
    "RestrictSUIDSGID", "SystemCallArchitectures", "TasksMax",
}  # fmt: skip

HIDDEN = ("/home", "/root", "/run/user", "/tmp", "/var/tmp")
READ_ONLY = ("/", "/sys", "/proc/sys", "/sys/fs/cgroup")


def settings(text: str) -> dict[str, list[str]]:
    """Of [Service]: name → its values, in their order."""
    found = defaultdict(list)
    service = text.partition("[Service]\n")[2].partition("\n[")[0]
    for name, value in re.findall(r"^(\w+)=(.*)$", service, re.MULTILINE):
        found[name].append(value)
    if unknown := set(found) - DONE - LEFT_OUT:
        sys.exit(f"not known here: {', '.join(sorted(unknown))}")
    return found


def allowed_calls(filters: list[str]) -> set[str]:
    calls: set[str] = set()
    for line in filters:
        named = {call for word in line.lstrip("~").split() for call in expanded(word)}
        calls = calls - named if line.startswith("~") else calls | named
    # systemd lets through what starting the program takes.
    return calls | expanded("@default") | {"execve"}


def expanded(name: str) -> set[str]:
    if not name.startswith("@"):
        return {name}
    command = ["systemd-analyze", "syscall-filter", "--no-pager", name]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    words = {line.strip() for line in lines[1:] if line.strip() and "#" not in line}
    return {call for word in words for call in expanded(word)}


def filter_calls(calls: set[str]) -> None:
    """Whatever else is called fails with EPERM."""
    rules = seccomp.SyscallFilter(seccomp.ERRNO(1))
    for call in calls:
        try:
            rules.add_rule(seccomp.ALLOW, call)
        except RuntimeError:  # of another architecture, or newer than this libseccomp
            continue
    rules.load()


def mount() -> None:
    for path in HIDDEN:
        if Path(path).is_dir():
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", path], check=True)
    for path in READ_ONLY:
        if path != "/":
            subprocess.run(["mount", "--bind", path, path], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", path], check=True)


def environment(path: str) -> dict[str, str]:
    lines = shlex.split(Path(path.lstrip("-")).read_text(), comments=True)
    return dict(word.split("=", 1) for word in lines)


def main(unit: str) -> None:
    said = settings(Path(unit).read_text())
    variables = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    variables |= environment(said["EnvironmentFile"][0])
    words = said["ExecStart"][0].split()
    command = [
        part
        for word in words
        for part in (shlex.split(variables.get(word[1:], "")) if word[0] == "$" else [word])
    ]
    (bounding,) = said["CapabilityBoundingSet"]
    (ambient,) = said["AmbientCapabilities"]
    sets = {
        name: ",".join(["-all", *(f"+{cap.removeprefix('CAP_').lower()}" for cap in caps.split())])
        for name, caps in (("bounding", bounding), ("ambient", ambient))
    }
    calls = allowed_calls(said["SystemCallFilter"])
    itself = Path(__file__).read_text()
    mount()
    os.umask(int(said["UMask"][0], 8))
    # Not by its path, which may be hidden by now.
    inner = [sys.executable, "-c", itself, "--filtered", ",".join(sorted(calls)), *command]
    os.execvpe(
        "setpriv",
        ["setpriv", f"--reuid={said['User'][0]}", f"--regid={said['Group'][0]}", "--clear-groups",
         f"--inh-caps={sets['ambient']}", f"--ambient-caps={sets['ambient']}",
         f"--bounding-set={sets['bounding']}", "--no-new-privs", *inner],
        variables,
    )  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1] == "--filtered":
        filter_calls(set(sys.argv[2].split(",")))
        os.execv(sys.argv[3], sys.argv[3:])
    main(sys.argv[1])
