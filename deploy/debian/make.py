"""Makes the Debian package out of this tree alone: the same tree gives the same bytes.

    python -m deploy.debian.make FOLDER

Its date is SOURCE_DATE_EPOCH, else that of the last commit.
"""

import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timezone
from email.utils import format_datetime
from pathlib import Path

from docs import manual
from irqwatch import __version__

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent

SCRIPTS = ("postinst", "prerm", "postrm")
CONTROL = ("control", "conffiles", *SCRIPTS)

# From the repository to the package.
FILES = {
    "deploy/debian/irqwatch": "usr/bin/irqwatch",
    "deploy/irqwatch.default": "etc/default/irqwatch",
    "deploy/irqwatch.service": "lib/systemd/system/irqwatch.service",
    "deploy/irqwatch-affinity.service": "lib/systemd/system/irqwatch-affinity.service",
    "deploy/irqwatch.sysusers": "usr/lib/sysusers.d/irqwatch.conf",
    "deploy/prometheus-rules.yml": "usr/share/doc/irqwatch/prometheus-rules.yml",
    "LICENSE": "usr/share/doc/irqwatch/copyright",
    "CHANGELOG.md": "usr/share/doc/irqwatch/CHANGELOG.md",
    "README.md": "usr/share/doc/irqwatch/README.md",
}
FOLDERS = {"irqwatch": "usr/share/irqwatch/irqwatch", "bpf": "usr/share/irqwatch/irqwatch/bpf"}

# Where the units say irqwatch is, and where the package has it.
ELSEWHERE, INSTALLED = "/usr/local/bin/irqwatch", "/usr/bin/irqwatch"


def make(folder: Path, version: str, date: int) -> Path:
    """The package, in ``folder``. ``date`` is in seconds since 1970."""
    folder.mkdir(parents=True, exist_ok=True)
    package = folder / f"irqwatch_{version}_all.deb"
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / "root"
        _fill(root, version, date)
        for path in (root, *root.rglob("*")):
            path.chmod(0o755 if path.is_dir() or _runs(path.relative_to(root)) else 0o644)
            os.utime(path, (date, date))
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, package],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(date)},
        )
    return package


def _fill(root: Path, version: str, date: int) -> None:
    for source, target in _files():
        place = root / target
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / source, place)
    for unit in root.rglob("*.service"):
        unit.write_text(unit.read_text("utf-8").replace(ELSEWHERE, INSTALLED), "utf-8")
    manual.write(root / "usr/share", date)
    control = (HERE / "control").read_text("utf-8")
    changes = _changes(version, date, control).encode()
    _compress(root / "usr/share/doc/irqwatch/changelog.gz", changes)
    for page in sorted((root / "usr/share/man").rglob("*.1")):
        _compress(page.with_name(f"{page.name}.gz"), page.read_bytes())
        page.unlink()
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    (root / "DEBIAN").mkdir()
    for name in CONTROL:
        text = (HERE / name).read_text("utf-8")
        text = text.replace("@version@", version).replace("@size@", str(-(-size // 1024)))
        (root / "DEBIAN" / name).write_text(text, "utf-8")


def _files() -> Iterator[tuple[str, str]]:
    yield from FILES.items()
    for source, target in FOLDERS.items():
        for path in sorted((REPOSITORY / source).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                below = path.relative_to(REPOSITORY / source)
                yield str(path.relative_to(REPOSITORY)), f"{target}/{below}"


def _runs(path: Path) -> bool:
    return path.parts[:2] == ("usr", "bin") or path.parts in {("DEBIAN", one) for one in SCRIPTS}


def _changes(version: str, date: int, control: str) -> str:
    """In the form of deb-changelog(5); what has changed is in CHANGELOG.md."""
    maintainer = re.search("^Maintainer: (.*)$", control, re.MULTILINE)
    assert maintainer
    when = format_datetime(datetime.fromtimestamp(date, timezone.utc))
    return (
        f"irqwatch ({version}) unstable; urgency=medium\n\n  * CHANGELOG.md tells.\n\n"
        f" -- {maintainer[1]}  {when}\n"
    )


def _compress(path: Path, content: bytes) -> None:
    path.write_bytes(gzip.compress(content, 9, mtime=0))


def date_of_tree() -> int:
    if told := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(told)
    command = ["git", "-C", str(REPOSITORY), "log", "-1", "--format=%ct"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit("no SOURCE_DATE_EPOCH, and no commit whose date could be taken: set it")
    return int(done.stdout)


if __name__ == "__main__":
    print(make(Path(sys.argv[1]), __version__, date_of_tree()))
