"""A system of another architecture in a folder, for a guest whose emulated CPU can run it.

Nothing of it runs on this host, so no package's script does: all are only unpacked, and the few
files that the scripts would have written are written here.
"""

import shutil
from pathlib import Path

from tests.vm.packages import CACHE, KEYRINGS, Suite, locked, mirrors, output, unpacked
from tests.vm.systems import CLONE, copy_clone

SUITE = "trixie"
# What check_probe.py runs there, and what it uses of the system.
PACKAGES = (
    "python3",
    "python3-bpfcc",
    "python3-click",
    "python3-psutil",
    "python3-prometheus-client",
    "python3-pytest",
    "kmod",
    "iproute2",
    "procps",
    "util-linux",
    "mount",
)
IRQWATCH = """\
#!/usr/bin/python3
import sys
sys.path.insert(0, "{clone}")
from irqwatch.cli.main import main
sys.exit(main())
"""
FILES = {
    "etc/passwd": "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/usr/sbin/nologin\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/hosts": "127.0.0.1 localhost\n",
    "usr/bin/irqwatch": IRQWATCH.format(clone=CLONE),
}


def root(architecture: str = "arm64") -> Path:
    """The folder, with this tree in it as CLONE. Raises PackageError."""
    folder = CACHE / "systems" / f"{SUITE}-{architecture}"
    with locked(folder):
        if not folder.is_dir():
            part = folder.with_name(f"{folder.name}.part")
            shutil.rmtree(part, ignore_errors=True)
            _make(part, architecture)
            part.rename(folder)
        (folder / "mnt").mkdir(exist_ok=True)
        clone = folder / CLONE.relative_to("/")
        shutil.rmtree(clone, ignore_errors=True)
        copy_clone(clone)
    return folder


def give_modules(root_folder: Path, kernel: Path) -> None:
    """Those of the unpacked ``kernel``, which looks for them below the root that it has."""
    for modules in (kernel / "lib" / "modules").iterdir():
        there = root_folder / "usr" / "lib" / "modules" / modules.name
        if not there.exists():
            shutil.copytree(modules, there, ignore=shutil.ignore_patterns("build", "source"))


def _make(folder: Path, architecture: str) -> None:
    main, _ = mirrors()
    folder.mkdir(parents=True)
    keys = f"--keyring={KEYRINGS / 'debian-archive-keyring.gpg'}"
    words = ("--foreign", f"--arch={architecture}", "--variant=minbase", keys)
    include = f"--include={','.join(PACKAGES)}"
    output(["debootstrap", *words, include, SUITE, str(folder), main], f"{SUITE}: debootstrap")
    for archive in sorted((folder / "var/cache/apt/archives").glob("*.deb")):
        output(["dpkg-deb", "--extract", str(archive), str(folder)], archive.name)
        archive.unlink()
    for name, text in FILES.items():
        file = folder / name
        file.write_text(text)
        file.chmod(0o755 if text.startswith("#!") else 0o644)


def busybox(architecture: str) -> Path:
    """For a guest's first moments. Raises PackageError."""
    name = "busybox" if architecture == "amd64" else f"busybox-{architecture}"
    folder = unpacked(name, lambda: Suite(SUITE, architecture), "busybox-static")
    (found,) = [*folder.glob("bin/busybox"), *folder.glob("usr/bin/busybox")]
    return found
