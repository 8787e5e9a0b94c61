"""The Debian package's file. What becomes of it on a system: tests/vm/test_package.py."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.debian.make import REPOSITORY, make

DATE = 1_700_000_000

pytestmark = pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="dpkg-deb is not installed")


def run(*words: str | Path) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("deb"), "1.2.3", DATE)


def test_the_same_tree_gives_the_same_bytes(package: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        again = make(tmp_path, "1.2.3", DATE)
    finally:
        os.umask(before)

    assert again.read_bytes() == package.read_bytes()


def test_it_has_the_program_the_probe_and_all_that_goes_with_them(
    package: Path, tmp_path: Path
) -> None:
    run("dpkg-deb", "--extract", package, tmp_path)
    has = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}

    modules = {
        str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "irqwatch").rglob("*.py")
    }
    assert {f"usr/share/irqwatch/{module}" for module in modules} <= has
    assert "usr/share/irqwatch/irqwatch/bpf/irqwatch.bpf.c" in has
    assert {"etc/default/irqwatch", "usr/lib/sysusers.d/irqwatch.conf"} <= has
    assert {"usr/share/man/man1/irqwatch.1.gz", "usr/share/man/man1/irqwatch-serve.1.gz"} <= has
    assert not any(name.endswith(".pyc") for name in has)


def test_the_units_start_what_is_installed(package: Path, tmp_path: Path) -> None:
    run("dpkg-deb", "--extract", package, tmp_path)
    unit = (tmp_path / "lib/systemd/system/irqwatch.service").read_text()

    (started,) = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    program = started.removeprefix("ExecStart=").split()[0]
    assert os.access(tmp_path / program.lstrip("/"), os.X_OK)


def test_lintian_has_no_error(package: Path) -> None:
    if not shutil.which("lintian"):
        pytest.skip("lintian is not installed")

    found = run("lintian", "--allow-root", "--fail-on", "none", package)

    assert [line for line in found.splitlines() if line.startswith("E:")] == []


def test_who_installs_from_the_tree_may_have_what_debian_12_has() -> None:
    """The package's dependencies are pyproject's."""
    project = (REPOSITORY / "pyproject.toml").read_text()
    control = (REPOSITORY / "deploy/debian/control").read_text()

    for name, oldest in (("click", "8.1.3"), ("prometheus-client", "0.16"), ("psutil", "5.9")):
        assert f'"{name}>={oldest}"' in project
        assert f"python3-{name} (>= {oldest})" in control
