"""Runs a script under another kernel: in a qemu guest, emulated, that sees this host's files.

The kernels are the distribution's own packages, downloaded once and unpacked (not installed) in
``.cache/kernels``. Needs ``vng`` (virtme-ng), ``qemu-system-x86_64``, ``apt-get`` and ``depmod``.
"""

import fcntl
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache" / "kernels"

# Names (POSIX expressions) of the packages that hold each kernel. The newest is taken: archives
# drop old ones.
KERNELS = {
    "6.1": r"linux-image-6\.1\.0-[0-9]+-amd64",
    "6.1-rt": r"linux-image-6\.1\.0-[0-9]+-rt-amd64",
    "6.12": r"linux-image-6\.12\.[0-9]+[+]deb12-amd64-unsigned",
}

MEMORY_MB = 2048

# While the kernel changes its own code, a static key or a tracepoint, a breakpoint stands there
# for a moment. qemu's emulation may still run into it when the kernel has done with it, at boot
# too: a panic.
EMULATORS_FAULT = r"int3: 0000 \[#1\]"
BOOTS = 3
TOOLS = ("vng", "qemu-system-x86_64", "apt-get", "depmod")


class GuestError(Exception):
    """The guest could not be had or its script failed; the text holds its last output."""


def missing_tools() -> list[str]:
    """The tools that are not on PATH nor beside this interpreter."""
    return [tool for tool in TOOLS if not shutil.which(tool, path=_path())]


def run(
    kernel: str,
    script: Path,
    *,
    cpus: int = 4,
    nodes: int = 2,
    disk: Path | None = None,
    devices: Sequence[str] = (),
    kernel_options: Sequence[str] = (),
    timeout_seconds: float = 300,
) -> str:
    """What ``script`` (an executable file) wrote in a guest of ``kernel`` (a key of KERNELS).

    The guest is root on a read-write view of this host's files that is thrown away, but for /tmp,
    which is new, and the script's own folder, which is this host's. ``disk`` is an image that it
    has as its first virtio disk, ``devices`` are further options of qemu, ``kernel_options`` of the
    kernel's command line. Raises GuestError.
    """
    busybox = _unpacked("busybox", "busybox-static") / "bin" / "busybox"  # in the guest's initramfs
    command = [
        _tool("vng"), "--verbose", "--run", str(vmlinuz(kernel)), "--disable-kvm", "--force-9p",
        "--cpus", str(cpus), "--memory", f"{MEMORY_MB}M", *_numa(cpus, nodes),
        *(["--disk", str(disk)] if disk else []),
        *(["--qemu-opts", f" {shlex.join(devices)}"] if devices else []),
        *(word for option in kernel_options for word in ("--append", option)),
        "--rwdir", str(script.parent), "--exec", str(script),
    ]  # fmt: skip
    env = {**os.environ, "PATH": f"{busybox.parent}{os.pathsep}{_path()}"}
    for _ in range(BOOTS):
        output = _boot(kernel, command, env, timeout_seconds)
        if not re.search(EMULATORS_FAULT, output):
            break
        print(f"{kernel}: the emulated CPU ran into a breakpoint that was gone; once more")
    # vng's own exit status is 255 where the guest kernel has virtio_console as a module only.
    ended = re.search(r"script exited with code (\d+)", output)
    if not ended or ended[1] != "0":
        raise GuestError(f"{kernel}: {ended[0] if ended else 'no end'}: {_tail(output)}")
    return output


def _boot(
    kernel: str, command: Sequence[str], env: Mapping[str, str], timeout_seconds: float
) -> str:
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env=env,
    ) as guest:
        try:
            raw, _ = guest.communicate(timeout=timeout_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(guest.pid, signal.SIGKILL)
            raw, _ = guest.communicate()
            tail = _tail(raw.decode(errors="replace"))
            raise GuestError(f"{kernel}: not done in {timeout_seconds:g} s: {tail}") from None
    return raw.decode(errors="replace")


def vmlinuz(kernel: str) -> Path:
    """The unpacked kernel, from the cache or else from the distribution. Raises GuestError."""
    folder = _unpacked(kernel, KERNELS[kernel])
    (found,) = (folder / "boot").glob("vmlinuz-*")
    version = found.name.removeprefix("vmlinuz-")
    if not (folder / "lib" / "modules" / version / "modules.dep").exists():
        _output(["depmod", "--basedir", str(folder), version])
    return found


def _unpacked(name: str, pattern: str) -> Path:
    """The folder with the package's files; complete or not there, for it is renamed last."""
    folder = CACHE / name
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            part = folder.with_name(f"{name}.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            _output(["apt-get", "-q", "download", _newest_package(pattern)], cwd=part)
            (archive,) = part.glob("*.deb")
            _output(["dpkg-deb", "--extract", str(archive), str(part)])
            archive.unlink()
            part.rename(folder)
    return folder


def _newest_package(pattern: str) -> str:
    found = _output(["apt-cache", "search", "--names-only", f"^{pattern}$"])
    packages = [line.split()[0] for line in found.splitlines()]
    if not packages:
        raise GuestError(f"apt knows no package {pattern}")
    return max(packages, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])


def _numa(cpus: int, nodes: int) -> list[str]:
    """Options for ``nodes`` nodes with as many CPUs each; none for a single node."""
    if nodes == 1:
        return []
    each = cpus // nodes
    return [
        word
        for node in range(nodes)
        for word in (
            "--numa",
            f"{MEMORY_MB // nodes}M,cpus={node * each}-{node * each + each - 1}",
        )
    ]


def _path() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"])


def _tool(name: str) -> str:
    found = shutil.which(name, path=_path())
    if not found:
        raise GuestError(f"{name} is not installed")
    return found


def _output(command: list[str], cwd: Path | None = None) -> str:
    done = subprocess.run(
        [_tool(command[0]), *command[1:]],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        raise GuestError(f"{' '.join(command)}: {_tail(done.stdout)}")
    return done.stdout.decode(errors="replace")


def _tail(output: str) -> str:
    return output[-2000:]
