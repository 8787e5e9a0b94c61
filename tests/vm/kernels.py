"""The kernels that guests run and whose types are read: Debian's own, unpacked and not installed.

``python -m tests.vm.kernels [NAME...]`` gets them (all), each below ``.cache/kernels``.
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.vm.packages import PackageError, Suite, locked, output, unpacked

# An image's package is empty in newer kernels, and needs others that hold its files.
PARTS = r"linux-(base|binary|modules)-\d.*"


@dataclass(frozen=True)
class Kernel:
    """Where one is to be had: the newest package of the suite that matches."""

    suite: str
    package: str  # a regular expression for the whole name
    architecture: str = "amd64"
    nodes: int = 2
    options: Sequence[str] = ()  # further words of its command line


def _of(suite: str, version: str, flavour: str = "amd64") -> Kernel:
    architecture = flavour.rpartition("-")[2]
    return Kernel(suite, rf"linux-image-{version}-{flavour}(-unsigned)?", architecture)


def _one_node(kernel: Kernel) -> Kernel:
    """7.3 does not come to its end of booting in an emulator with two nodes, nor where it has to
    measure how long a loop takes."""
    return replace(kernel, nodes=1, options=("lpj=4000000",))


KERNELS = {
    "5.10": _of("bullseye", r"5\.10\.0-\d+"),
    "5.10-rt": _of("bullseye", r"5\.10\.0-\d+", "rt-amd64"),
    "6.1": _of("bookworm", r"6\.1\.0-\d+"),
    "6.1-rt": _of("bookworm", r"6\.1\.0-\d+", "rt-amd64"),
    "6.12": _of("trixie", r"6\.12\.[\d+]+deb13"),
    "6.12-rt": _of("trixie", r"6\.12\.[\d+]+deb13", "rt-amd64"),
    "6.16": _of("trixie", r"6\.16\.[\d+]+deb13"),
    "6.17": _of("trixie", r"6\.17\.[\d+]+deb13"),
    "6.18": _of("trixie", r"6\.18\.[\d+]+deb13"),
    "6.19": _of("trixie", r"6\.19\.[\d+]+deb13"),
    "7.0": _of("trixie", r"7\.0\.[\d+]+deb13"),
    "7.1": _of("trixie", r"7\.1\.[\d+]+deb13"),
    "7.2": _of("trixie", r"7\.2\.[\d+]+deb13"),
    "7.2-sid": _of("sid", r"7\.2\.[\d+]+deb14"),
    "7.3": _one_node(_of("trixie", r"7\.3\.[\d+]+deb13")),
    "7.3-rt": _one_node(_of("trixie", r"7\.3\.[\d+]+deb13", "rt-amd64")),
    "5.10-arm64": _of("bullseye", r"5\.10\.0-\d+", "arm64"),
    "6.1-arm64": _of("bookworm", r"6\.1\.0-\d+", "arm64"),
    "6.12-arm64": _of("trixie", r"6\.12\.[\d+]+deb13", "arm64"),
    "7.3-arm64": _one_node(_of("trixie", r"7\.3\.[\d+]+deb13", "arm64")),
}

# Too much alike others to be booted too: their types are read.
ONLY_READ = {"6.16", "6.17", "6.19", "7.1", "7.2-sid", "5.10-arm64", "6.1-arm64"}


# By what a kernel's name begins with: collectors whose tracepoints it lacks.
_LACKING = {
    "5.10": frozenset({"tasklet", "ipi"}),
    "6.1": frozenset({"ipi"}),
}
# page_fault_user and page_fault_kernel are x86's (arch/x86/include/asm/trace/exceptions.h).
_LACKING_ON_ARM64 = frozenset({"exception"})


def lacking(name: str) -> frozenset[str]:
    """The collectors that cannot be had in a kernel, as it has not got their tracepoints."""
    found = _LACKING.get(name.partition("-")[0], frozenset())
    on_arm64 = KERNELS[name].architecture == "arm64"
    return found | _LACKING_ON_ARM64 if on_arm64 else found


def folder(name: str) -> Path:
    """The unpacked packages of a kernel. Raises PackageError."""
    kernel = KERNELS[name]
    return unpacked(
        name,
        lambda: Suite(kernel.suite, kernel.architecture),
        kernel.package,
        also=PARTS,
        beside=_modules,
    )


def _modules(uri: str) -> str | None:
    """Where the modules are that belong to a signed kernel of 6.19 to 7.1.

    Their package is in the mirror's pool when the lists, which would vouch for it, have dropped it
    and still name the kernel's. It is not checked, and runs in an emulated guest only.
    """
    if not re.search(r"/linux-binary-(6\.19|7\.0|7\.1)\.", uri):
        return None
    return re.sub(r"/linux-signed-\w+/linux-binary-", "/linux/linux-modules-", uri)


def image(name: str) -> Path:
    """The kernel's image, as a boot loader takes it. Raises PackageError."""
    base = folder(name)
    images = [*base.glob("boot/vmlinu[xz]-*"), *base.glob("usr/lib/modules/*/vmlinu[xz]")]
    if len(images) != 1:
        raise PackageError(f"{name}: {len(images)} images of a kernel in {base}")
    return images[0]


def vmlinuz(name: str) -> Path:
    """The image, with its modules where they are looked for. Raises PackageError."""
    base, found = folder(name), image(name)
    version = found.name.partition("-")[2] or found.parent.name
    with locked(base):
        if not (base / "lib").exists():
            (base / "lib").symlink_to("usr/lib")
        if not (base / "lib" / "modules" / version / "modules.dep").exists():
            output(["depmod", "--basedir", str(base), version], f"{name}: depmod")
    return found


def main(names: Sequence[str]) -> int:
    status = 0
    for name in names or KERNELS:
        try:
            print(f"{name}: {vmlinuz(name)}", flush=True)
        except PackageError as error:
            print(f"{name}: {error}", flush=True)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
