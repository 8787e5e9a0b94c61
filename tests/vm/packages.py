"""Packages of Debian's suites, of any architecture: downloaded, unpacked, and never installed.

apt is given folders of its own below ``.cache/apt``, one for each suite and architecture: its
lists, its sources, its empty record of what is installed. The system's are not touched; only the
mirrors are the system's, and how they are reached.
"""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache"
KEYRINGS = Path("/usr/share/keyrings")
TOOLS = ("apt-get", "apt-cache", "dpkg-deb")

# What each suite adds to the one it is named after. A mirror drops some when they are old.
MORE_SUITES = {
    "bullseye": ("bullseye-security", "bullseye-updates", "bullseye-backports"),
    "bookworm": ("bookworm-security", "bookworm-updates", "bookworm-backports"),
    "trixie": ("trixie-security", "trixie-updates", "trixie-backports"),
    "sid": (),
}

# Hooks are the system's own, and would act on it; the lists of a suite that is no longer cared for
# are past their date.
CONFIGURATION = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Architectures;
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Sandbox::User "root";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
Acquire::Retries "2";
Dir::Etc "{folder}/etc";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
"""

# A release of a package and the mirror's files are not always there at the same time.
NEWEST_TRIED = 20


class PackageError(Exception):
    """A package cannot be had; the text is one line that says why."""


# From a package's address to that of another, or None.
Beside = Callable[[str], str | None]

PRINT_URIS = ("apt-get", "-qq", "download", "--print-uris")


class Suite:
    """One of Debian's suites as a mirror has it now, for one architecture."""

    def __init__(self, name: str, architecture: str = "amd64") -> None:
        """Reads the lists from the mirror where they are not here yet. Raises PackageError."""
        self.name, self.architecture = name, architecture
        self._folder = CACHE / "apt" / f"{name}-{architecture}"
        self._configuration = self._folder / "apt.conf"
        with locked(self._folder):
            if not self._configuration.exists():
                self._make()

    def update(self) -> None:
        """Reads the lists anew. Raises PackageError."""
        with locked(self._folder):
            self._make()

    def newest(self, pattern: str) -> list[str]:
        """The packages whose name matches (a regular expression for all of it), newest first."""
        names = self._apt("apt-cache", "pkgnames").split()
        return sorted((n for n in names if re.fullmatch(pattern, n)), key=_numbers, reverse=True)

    def depends(self, package: str) -> list[str]:
        """What it needs at once."""
        lines = self._apt("apt-cache", "depends", "--no-recommends", "--no-suggests", package)
        return re.findall(r"^ *\|?(?:Pre)?Depends: ([a-z0-9][^\s:]*)", lines, re.MULTILINE)

    def download(self, packages: Sequence[str], folder: Path, beside: Beside | None) -> list[Path]:
        """The .deb files, in ``folder``. Raises PackageError.

        ``beside`` gives for a package's address another that is to be had with it.
        """
        self._apt("apt-get", "-q", "download", *packages, cwd=folder)
        if beside:
            for uri in re.findall(r"^'(.*?)'", self._apt(*PRINT_URIS, *packages), re.MULTILINE):
                if more := beside(uri):
                    _fetch(more, folder / more.rpartition("/")[2], f"{self.name}: {packages[0]}")
        return sorted(folder.glob("*.deb"))

    def _make(self) -> None:
        for part in ("etc", "state/lists/partial", "cache/archives/partial"):
            (self._folder / part).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").touch()
        part = self._configuration.with_suffix(".part")
        part.write_text(CONFIGURATION.format(folder=self._folder, architecture=self.architecture))
        part.rename(self._configuration)
        try:
            keys = f"deb [signed-by={_keyring()}] "
            sources = self.sources().replace("deb ", keys)
            (self._folder / "etc" / "sources.list").write_text(sources)
            self._apt("apt-get", "-q", "update", "--error-on=any")
        except BaseException:
            self._configuration.unlink()
            raise

    def sources(self) -> str:
        """For apt's sources.list: the suite and what its mirror has beside it."""
        main, security = mirrors()
        lines = [f"deb {main} {self.name} main"]
        for suite in MORE_SUITES[self.name]:
            site = security if suite.endswith("-security") else main
            if _served(site, suite):
                lines.append(f"deb {site} {suite} main")
        return "\n".join(lines) + "\n"

    def _apt(self, tool: str, *words: str, cwd: Path | None = None) -> str:
        command = [tool, "-c", str(self._configuration), *words]
        what = f"{self.name} ({self.architecture}): {tool} {' '.join(words)}"
        return output(command, what, cwd=cwd)


def unpacked(
    name: str,
    suite: Callable[[], Suite],
    pattern: str,
    also: str | None = None,
    beside: Beside | None = None,
) -> Path:
    """``.cache/kernels/NAME``: the files of the newest package that matches and can be had.

    With it come those that it needs and whose names match ``also``, and so on from there, and what
    ``beside`` names. The folder is complete or not there: it is renamed last. Raises PackageError.
    """
    folder = CACHE / "kernels" / name
    with locked(folder):
        if not folder.is_dir():
            part = folder.with_name(f"{name}.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            try:
                _unpack_newest(suite(), pattern, also, beside, part)
            except BaseException:
                shutil.rmtree(part)
                raise
            part.rename(folder)
    return folder


def _unpack_newest(
    suite: Suite, pattern: str, also: str | None, beside: Beside | None, folder: Path
) -> None:
    failures: list[str] = []
    found = suite.newest(pattern)
    for package in found[:NEWEST_TRIED]:
        try:
            archives = suite.download(_with_needs(suite, package, also), folder, beside)
        except PackageError as error:
            failures.append(str(error))
            continue
        for archive in archives:
            output(["dpkg-deb", "--extract", str(archive), str(folder)], archive.name)
            archive.unlink()
        (folder / "package").write_text(f"{package}\n")
        return
    raise PackageError(
        failures[0] if failures else f"{suite.name} ({suite.architecture}) has no package {pattern}"
    )


def _with_needs(suite: Suite, package: str, also: str | None) -> list[str]:
    wanted = [package]
    if also:
        for one in wanted:  # grows
            for needed in suite.depends(one):
                if re.fullmatch(also, needed) and needed not in wanted:
                    wanted.append(needed)
    return wanted


def mirrors() -> tuple[str, str]:
    """The addresses of Debian's packages and of its security updates in apt's own sources.

    Raises PackageError where it has none, as on another distribution.
    """
    command = ["apt-get", "indextargets", "--format", "$(ORIGIN)\t$(REPO_URI)\t$(RELEASE)"]
    listed = output([*command, "Created-By: Packages"], "apt's sources")
    sites = [line.split("\t")[1:] for line in listed.splitlines() if line.startswith("Debian\t")]
    security = [uri for uri, release in sites if "security" in release]
    main = [uri for uri, release in sites if "-" not in release]
    if not main or not security:
        raise PackageError("apt's sources name no mirror of Debian and of its security updates")
    return main[0], security[0]


def output(command: Sequence[str], what: str, cwd: Path | None = None) -> str:
    """What it wrote on standard output. Raises PackageError that begins with ``what``."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
    tool = shutil.which(command[0], path=path)
    if not tool:
        raise PackageError(f"{what}: {command[0]} is not installed")
    done = subprocess.run(
        [tool, *command[1:]],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").split("\n")
        why = next((line for line in said if line.startswith("E:")), said[0])
        raise PackageError(f"{what}: {why.strip() or done.returncode}")
    return done.stdout.decode(errors="replace")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time makes what is at ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _served(site: str, suite: str) -> bool:
    """The mirror has this suite; apt itself would fail for all of them where it has not."""
    target = CACHE / "apt" / f"asked-{os.getpid()}"
    try:
        _fetch(f"{site.rstrip('/')}/dists/{suite}/InRelease", target, suite)
    except PackageError:
        return False
    finally:
        target.unlink(missing_ok=True)
    return True


def _fetch(uri: str, target: Path, what: str) -> None:
    output(["/usr/lib/apt/apt-helper", "download-file", uri, str(target)], what)


def _keyring() -> Path:
    found = KEYRINGS / "debian-archive-keyring.gpg"
    if not found.exists():
        raise PackageError("debian-archive-keyring is not installed")
    return found


def _numbers(name: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", name)]
