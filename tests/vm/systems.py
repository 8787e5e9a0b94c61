"""Debian's releases as a newcomer has them: a minimal system in a folder, on the running kernel.

Each is made once by debootstrap and kept as an archive in ``.cache/systems``; a test has a copy of
its own. What runs in one is in namespaces of its own for mounts and processes: nothing stays.
"""

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.vm.packages import CACHE, KEYRINGS, REPOSITORY, Suite, locked, mirrors, output

SYSTEMS = {"Debian 11": "bullseye", "Debian 12": "bookworm", "Debian 13": "trixie", "sid": "sid"}
CLONE = Path("/root/irqwatch")

# How this host's pip comes to its packages, whatever that is: these, and what they name.
PIP_VARIABLES = "PIP_"
NETWORK = ("/etc/resolv.conf", "/etc/hosts")
# The system inside has one of its own, which its package must be able to replace.
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
CERTIFICATES_INSIDE = Path("/opt/certificates-of-the-host.crt")

# /dev and /sys are the host's: so is the kernel. /proc is that of the processes inside. The folder
# becomes the root for good, as mounts inside a mere chroot would be refused. timeout must not be
# process 1: that of coreutils 9.10 takes it for a parent that is gone, and ends with 125.
INSIDE = """\
set -e
mount --bind {root} {root}
for folder in dev sys; do mount --rbind --make-rslave /$folder {root}/$folder; done
mount -t proc proc {root}/proc
{mounts}
cd {root}
pivot_root . .
umount --lazy .
cd {clone}
status=0
/usr/bin/env -i {variables} timeout --kill-after=5 {seconds} /bin/sh -c {command} || status=$?
exit $status
"""


class Ran(NamedTuple):
    """A command's exit status, and both of its outputs as one."""

    status: int
    output: str


@dataclass(frozen=True)
class System:
    """A copy that one test has to itself."""

    root: Path

    def run(
        self,
        command: str,
        *,
        seconds: float = 900,
        variables: Mapping[str, str] | None = None,
        shown: Iterable[Path] = (),
    ) -> Ran:
        """In a shell, as root. ``shown`` are further folders of the host that are seen inside, at
        the same places."""
        pip = pip_files()
        own = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "LC_ALL": "C.UTF-8",
            **{name: value for name, value in os.environ.items() if name.startswith(PIP_VARIABLES)},
            "PIP_CERT": str(CERTIFICATES_INSIDE),
            **(variables or {}),
        }
        mounts = {path: path for path in (*map(Path, NETWORK), *pip, *shown)}
        mounts[CERTIFICATES] = CERTIFICATES_INSIDE
        script = INSIDE.format(
            root=shlex.quote(str(self.root)),
            mounts="\n".join(self._mounts(mounts)),
            variables=shlex.join(f"{name}={value}" for name, value in own.items()),
            seconds=f"{seconds:g}",
            clone=CLONE,
            command=shlex.quote(command),
        )
        done = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds + 60,
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode(errors="replace"))

    def _mounts(self, places: Mapping[Path, Path]) -> Iterator[str]:
        for path, place in places.items():
            inside = self.root / place.relative_to("/")
            if not path.exists():
                continue
            if path.is_dir():
                inside.mkdir(parents=True, exist_ok=True)
            else:
                inside.parent.mkdir(parents=True, exist_ok=True)
                inside.touch()
            yield f"mount --bind {shlex.quote(str(path))} {shlex.quote(str(inside))}"


@contextlib.contextmanager
def system(name: str) -> Iterator[System]:
    """A key of SYSTEMS, with a fresh clone of this repository in it. Raises PackageError."""
    archive = made(SYSTEMS[name])
    folder = Path(tempfile.mkdtemp(prefix="copy-", dir=archive.parent))
    try:
        output(["tar", "-C", str(folder), "-xf", str(archive)], f"{name}: tar")
        copy_clone(folder / CLONE.relative_to("/"))
        yield System(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def made(suite: str) -> Path:
    """The archive of a minimal system. Raises PackageError."""
    archive = CACHE / "systems" / f"{suite}.tar"
    with locked(archive):
        if not archive.exists():
            folder = archive.with_suffix(".part")
            shutil.rmtree(folder, ignore_errors=True)
            _debootstrap(suite, folder)
            part = archive.with_suffix(".tar.part")
            output(["tar", "-C", str(folder), "-cf", str(part), "."], f"{suite}: tar")
            part.rename(archive)
            shutil.rmtree(folder)
    return archive


def _debootstrap(suite: str, folder: Path) -> None:
    main, _ = mirrors()
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    keys = f"--keyring={KEYRINGS / 'debian-archive-keyring.gpg'}"
    output(
        ["debootstrap", "--variant=minbase", keys, suite, str(folder), main],
        f"{suite}: debootstrap",
    )
    sources = Suite(suite).sources()
    (folder / "etc" / "apt" / "sources.list").write_text(sources)
    # The lists of a suite that is no longer cared for are past their date.
    (folder / "etc" / "apt" / "apt.conf.d" / "99old").write_text(
        'Acquire::Check-Valid-Until "false";\n'
    )
    shutil.rmtree(folder / "var" / "cache" / "apt" / "archives")
    (folder / "var" / "cache" / "apt" / "archives" / "partial").mkdir(parents=True)


def copy_clone(folder: Path) -> None:
    """What git has, with what is not committed yet: so it needs no git inside."""
    listed = output(
        ["git", "-C", str(REPOSITORY), "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"],
        "git ls-files",
    )  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, target)


def pip_files() -> list[Path]:
    """Files and folders that pip uses on this host: its configuration and what that names."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config"]
    found = []
    for line in output([*command, "debug"], "pip config debug").splitlines():
        path, _, exists = line.strip().partition(", exists: ")
        if exists == "True":
            found.append(Path(path))
    for line in output([*command, "list"], "pip config list").splitlines():
        value = line.partition("=")[2].strip("'\"")
        for word in value.replace("\\n", " ").split():
            place = Path(word.removeprefix("file://"))
            if place.is_absolute() and place.exists():
                # A folder of an index is part of a tree that its pages point into.
                found.append(place.parent if place.name == "simple" else place)
    return list(dict.fromkeys(found))
