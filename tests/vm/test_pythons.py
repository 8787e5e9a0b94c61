"""The agent on each Python that it is for and this host has; sid's is in test_systems.py."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.vm import rows, suite_table
from tests.vm.packages import REPOSITORY

VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
LIMIT_SECONDS = 1800
DIGITS = re.compile(r"\d+")


def interpreter(version: str) -> Path | None:
    """One that pyenv made, the newest, or that is on PATH; a shim that starts nothing is none."""
    made = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [*made.glob(f"{version}.*/bin/python{version}")]
    found.sort(key=lambda path: [int(n) for n in DIGITS.findall(path.parts[-3])], reverse=True)
    on_path = shutil.which(f"python{version}")
    for path in (*found, *([Path(on_path)] if on_path else [])):
        if not subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode:
            return path
    return None


@pytest.mark.parametrize("version", VERSIONS)
def test_unit_tests_pass(version: str, tmp_path: Path) -> None:
    python = interpreter(version)
    if not python:
        pytest.skip(f"there is no Python {version}: neither python{version} on PATH nor pyenv's")
    venv = tmp_path / "venv"
    own = venv / "bin" / "python"
    subprocess.run([python, "-m", "venv", venv], check=True)
    pip = [own, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "pip>=25.1"], check=True)
    subprocess.run([*pip, "--editable", ".", "--group", "dev"], cwd=REPOSITORY, check=True)
    done = subprocess.run(
        [own, "-B", "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "-m", "not live",
         "-p", "no:cacheprovider", "tests/unit"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )  # fmt: skip
    rows.keep(suite_table.PYTHONS, version, {"result": done.stdout.strip().splitlines()[-1]})
    assert done.returncode == 0, done.stdout[-4000:]
