"""The systemd units, as systemd itself judges them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
UNITS = sorted((REPOSITORY / "deploy").glob("*.service"))
# What systemd-analyze calls OK, and better: ten times the exposure level.
WORST = 20


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    tool = shutil.which("systemd-analyze")
    if not tool:
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run([tool, *words], capture_output=True, text=True, timeout=60, check=False)
    if "unrecognized option" in done.stderr:
        pytest.skip(f"this systemd-analyze has no {words[1]}")
    return done


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_exposure(unit: Path) -> None:
    done = analyze("security", "--offline=yes", "--no-pager", f"--threshold={WORST}", unit)

    assert re.search(r"Overall exposure level for \S+: \d", done.stdout), done.stderr
    assert done.returncode == 0, done.stdout.splitlines()[-1]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_understands_every_line(unit: Path, tmp_path: Path) -> None:
    runnable = tmp_path / unit.name
    runnable.write_text(re.sub(r"^(ExecStart=)\S+", r"\1/bin/true", unit.read_text(), flags=re.M))

    done = analyze("verify", "--man=no", runnable)

    # Other units of this host are read too, and may have faults of their own.
    assert [line for line in done.stderr.splitlines() if unit.name in line] == []


def test_the_agent_is_never_root() -> None:
    lines = (REPOSITORY / "deploy" / "irqwatch.service").read_text().splitlines()

    assert "User=irqwatch" in lines
    users = (REPOSITORY / "deploy" / "irqwatch.sysusers").read_text()
    assert re.search(r"^u irqwatch ", users, re.MULTILINE)
