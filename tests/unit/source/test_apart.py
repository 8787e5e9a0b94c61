"""What a child that may run as root gets of the folder and environment irqwatch was started in."""

import json
import os
import sys
from pathlib import Path

import pytest

from irqwatch.errors import ProbeError
from irqwatch.source import doctor, loader

# Answers as the loader's child would, with what it was given.
CHILD = """\
import json, os, socket, sys
given = {"cwd": os.getcwd(), "env": dict(os.environ), "path": sys.path}
with socket.socket(fileno=json.loads(sys.argv[1])["socket"]) as connection:
    connection.send(json.dumps({"error": json.dumps(given)}).encode())
"""
PLANTED = {
    "CPATH": "/planted",
    "C_INCLUDE_PATH": "/planted",
    "BCC_KERNEL_SOURCE": "/planted",
    "BCC_PROBE_PREFIX": "planted",
    "LD_LIBRARY_PATH": "/planted",
    "PYTHONPATH": "/planted",
    "PYTHONUSERBASE": "/planted",
    "HOME": "/planted",
    "TMPDIR": "/planted",
}


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def test_the_loaders_child(planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (planted / "child.py").write_text(CHILD)
    monkeypatch.setattr(loader, "CHILD", planted / "child.py")
    monkeypatch.setattr(loader, "interpreter", lambda: sys.executable)
    with pytest.raises(ProbeError) as raised:
        loader.load(["softirq"], {})
    given = json.loads(str(raised.value))
    assert given["cwd"] == "/"
    assert not PLANTED.keys() & given["env"].keys()
    assert not [path for path in given["path"] if "planted" in path or path in ("", str(planted))]


def test_the_doctors_child(planted: Path) -> None:
    """It imports bcc: this one is what it must not find."""
    for name in ("bcc", "libbcc"):
        (planted / f"{name}.py").write_text("raise SystemExit('planted')")
    os.environ["PYTHONPATH"] = str(planted)
    _, why = doctor.read_bcc_version(sys.executable)
    assert "planted" not in why
