"""Runs a script under another kernel: in a qemu guest, emulated, that sees this host's files.

Needs ``vng`` (virtme-ng), ``qemu-system-x86_64``, ``apt-get`` and ``depmod``.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.vm import foreign
from tests.vm.kernels import KERNELS, folder, vmlinuz
from tests.vm.packages import REPOSITORY, output
from tests.vm.systems import CLONE

MEMORY_MB = 2048

# While the kernel changes its own code, a static key or a tracepoint, a breakpoint stands there
# for a moment. Where qemu emulates each CPU in a thread of its own, one may still run into it when
# the kernel has done with it: a panic, in one boot of two on a busy host. So they take turns.
ONE_THREAD = ("-accel", "tcg,thread=single")
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
    nodes: int | None = None,
    disk: Path | None = None,
    devices: Sequence[str] = (),
    kernel_options: Sequence[str] = (),
    memory_mb: int = MEMORY_MB,
    qemu: Path | None = None,
    own_network: bool = False,
    timeout_seconds: float = 300,
) -> str:
    """What ``script`` (an executable file) wrote in a guest of ``kernel`` (a key of KERNELS).

    The guest is root on a read-write view of this host's files that is thrown away, but for /tmp,
    which is new, and the script's own folder, which is this host's. ``disk`` is an image that it
    has as its first virtio disk, ``devices`` are further options of qemu, ``kernel_options`` of the
    kernel's command line; ``nodes``: as the kernel bears. ``qemu`` is another than the system's;
    with ``own_network`` it has a network of its own, in which it may make a tap. Raises GuestError,
    PackageError.
    """
    told = KERNELS[kernel]
    shared = inside(kernel, script.parent)
    busybox = foreign.busybox(told.architecture)  # in the guest's initramfs
    command = [
        *([_tool("unshare"), "--net"] if own_network else []),
        _tool("vng"), "--verbose", "--run", str(vmlinuz(kernel)), "--disable-kvm", "--force-9p",
        *_of_another_kind(kernel), "--busybox", str(busybox),
        "--cpus", str(cpus), "--memory", f"{memory_mb}M",
        *_numa(cpus, nodes or told.nodes, memory_mb),
        *(["--disk", str(disk)] if disk else []),
        *(["--qemu", str(qemu)] if qemu else []),
        "--qemu-opts", f" {shlex.join([*ONE_THREAD, *devices])}",
        *(word for option in (*told.options, *kernel_options) for word in ("--append", option)),
        "--rwdir", f"mnt={script.parent}" if shared != script.parent else str(shared),
        "--exec", str(shared / script.name),
    ]  # fmt: skip
    env = {**os.environ, "PATH": _path()}
    for _ in range(BOOTS):
        said = _boot(kernel, command, env, script.parent / "console", timeout_seconds)
        if not re.search(EMULATORS_FAULT, said):
            break
        print(f"{kernel}: the emulated CPU ran into a breakpoint that was gone; once more")
    # vng's own exit status is 255 where the guest kernel has virtio_console as a module only.
    ended = re.search(r"script (?:exited with code |returned \{)(\d+)", said)
    if not ended or ended[1] != "0":
        raise GuestError(f"{kernel}: {ended[0] if ended else 'no end'}: {_tail(said)}")
    return said


def _of_another_kind(kernel: str) -> list[str]:
    """Options for a guest that sees another system's files than this host's."""
    architecture = KERNELS[kernel].architecture
    if architecture == "amd64":
        return []
    root = foreign.root(architecture)
    foreign.give_modules(root, folder(kernel))
    return ["--arch", architecture, "--root", str(root)]


def inside(kernel: str, folder: Path) -> Path:
    """Where that kernel's guest has the script's folder."""
    return folder if KERNELS[kernel].architecture == "amd64" else Path("/mnt")


def python(kernel: str) -> tuple[str, Path]:
    """An interpreter that can run the agent, and where this tree is, as that kernel's guest has
    them."""
    if KERNELS[kernel].architecture == "amd64":
        return sys.executable, REPOSITORY
    return "/usr/bin/python3", CLONE


def make_disk(file: Path, size_bytes: int) -> None:
    """An image with an empty file system."""
    with file.open("wb") as image:
        image.truncate(size_bytes)
    output(["mkfs.ext4", "-q", str(file)], "mkfs.ext4")


def _boot(
    kernel: str,
    command: Sequence[str],
    env: Mapping[str, str],
    console: Path,
    timeout_seconds: float,
) -> str:
    """All that it wrote, which grows in ``console`` meanwhile."""
    with (
        console.open("wb") as output_file,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output_file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=env,
        ) as guest,
    ):
        try:
            guest.wait(timeout=timeout_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(guest.pid, signal.SIGKILL)
            tail = _tail(console.read_text(errors="replace"))
            raise GuestError(f"{kernel}: not done in {timeout_seconds:g} s: {tail}") from None
    return console.read_text(errors="replace")


def _numa(cpus: int, nodes: int, memory_mb: int) -> list[str]:
    """Options for ``nodes`` nodes with as many CPUs each; none for a single node."""
    if nodes == 1:
        return []
    each = cpus // nodes
    return [
        word
        for node in range(nodes)
        for word in (
            "--numa",
            f"{memory_mb // nodes}M,cpus={node * each}-{node * each + each - 1}",
        )
    ]


def _path() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"])


def _tool(name: str) -> str:
    found = shutil.which(name, path=_path())
    if not found:
        raise GuestError(f"{name} is not installed")
    return found


def _tail(output: str) -> str:
    return output[-2000:]
