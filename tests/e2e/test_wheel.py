"""The built wheel, installed apart from this checkout: it must bring all that it needs."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from irqwatch import __version__
from irqwatch.collectors import DEFAULT_COLLECTORS

REPOSITORY = Path(__file__).resolve().parents[2]


def run(*command, cwd):
    """The standard output of a command that must succeed."""
    # Nothing of the checkout may be found by way of the environment.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, REPOSITORY, cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The irqwatch command of a new environment that holds the wheel. The libraries it depends on
    are this environment's own, put on the path with a .pth, so that no network is needed; all
    that is editable here is put there by another .pth, which such a path does not follow."""
    environment = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=environment)
    scheme = {"base": str(environment), "platbase": str(environment)}
    site = Path(sysconfig.get_path("purelib", "venv", vars=scheme))
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = environment / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    run(*pip, "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=environment)
    return environment / "bin" / "irqwatch"


def test_the_wheel_carries_every_module_and_the_whole_probe(wheel):
    with zipfile.ZipFile(wheel) as archive:
        carried = {name for name in archive.namelist() if ".dist-info/" not in name}

    modules = {path.relative_to(REPOSITORY) for path in (REPOSITORY / "irqwatch").rglob("*.py")}
    probe = {
        Path("irqwatch", path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "bpf").rglob("*")
        if path.is_file()
    }
    assert carried == {"irqwatch/py.typed", *(str(path) for path in modules | probe)}
    assert {"irqwatch/bpf/irqwatch.bpf.c", "irqwatch/bpf/headers/include/linux/types.h"} <= carried


def test_it_is_the_wheel_that_runs(installed, tmp_path):
    python = installed.with_name("python")
    where = run(python, "-c", "import irqwatch; print(irqwatch.__file__)", cwd=tmp_path)

    assert Path(where).is_relative_to(installed.parents[1])


def test_version(installed, tmp_path):
    assert run(installed, "--version", cwd=tmp_path) == f"irqwatch, version {__version__}\n"


def test_doctor(installed, tmp_path):
    assert f"irqwatch {__version__} on " in run(installed, "doctor", cwd=tmp_path)


def test_top(installed, tmp_path):
    assert run(installed, "top", "-b", "-n", "1", "-d", "0.2", cwd=tmp_path).strip()


@pytest.mark.live
def test_the_probe_loads_out_of_the_wheel(installed, tmp_path):
    told = json.loads(run(installed, "doctor", "--json", cwd=tmp_path))

    (probe,) = [finding for finding in told["findings"] if finding["name"] == "probe"]
    assert probe["verdict"] == "ok"
    verdicts = {one["name"]: one["verdict"] for one in told["collectors"]}
    assert {verdicts[name] for name in DEFAULT_COLLECTORS} <= {"ok", "note"}
