"""deploy/setup, with stand-ins for apt-get, id, pip and Python that note how they are called."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LOCK = REPOSITORY / "deploy/lock"

# Makes a .venv whose python is a stand-in too. $FAKE_PYTHON is "old", "bare" (no venv) or empty.
PYTHON = """#!/bin/sh
echo "python $*" >>"$FAKE_LOG"
case "$*" in
    *version_info*3,\\ 10*) [ "$FAKE_PYTHON" != old ] ;;
    *'import ensurepip'*) [ "$FAKE_PYTHON" != bare ] || [ -e "$FAKE_LOG.installed" ] ;;
    *python3.%d-venv*) echo python3.11-venv ;;
    *'-m venv'*)
        mkdir -p .venv/bin
        cp "$0" .venv/bin/python
        echo "#!$PWD/.venv/bin/python" >.venv/bin/pip
        chmod +x .venv/bin/pip
        ;;
    *'-m pip'*) [ -z "$FAKE_PIP_FAILS" ] || { echo "no network" >&2; exit 1; } ;;
esac
"""

# The first install fails, as on a machine whose package lists are empty.
APT_GET = """#!/bin/sh
echo "apt-get $*" >>"$FAKE_LOG"
case "$*" in
    *' update'*) touch "$FAKE_LOG.updated" ;;
    *' install '*) [ -e "$FAKE_LOG.updated" ] && touch "$FAKE_LOG.installed" ;;
esac
"""

ID = '#!/bin/sh\necho "${FAKE_UID:-0}"\n'


class Machine:
    """A clone, and a PATH of stand-ins before the real one."""

    def __init__(self, folder):
        self.clone = folder / "clone"
        self.bin = folder / "bin"
        self._log = folder / "log"
        (self.clone / "deploy").mkdir(parents=True)
        (self.clone / "tests").mkdir()
        self.bin.mkdir()
        for name in ("deploy/setup", "tests/apt-packages.txt", "pyproject.toml"):
            shutil.copy(REPOSITORY / name, self.clone / name)
        shutil.copytree(LOCK, self.clone / "deploy/lock")
        for name, text in (("python3", PYTHON), ("apt-get", APT_GET), ("id", ID)):
            self.stand_in(name, text)

    def stand_in(self, name, text):
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def setup(self, goal="run", **environment):
        """The finished process, and the lines of what it called."""
        self._log.write_text("")
        done = subprocess.run(
            [self.clone / "deploy" / "setup", goal],
            env={
                "PATH": f"{self.bin}:{os.environ['PATH']}",
                "FAKE_LOG": str(self._log),
                "FAKE_PYTHON": "",
                "FAKE_PIP_FAILS": "",
                **environment,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done, self._log.read_text().splitlines()


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def installs(calls):
    return [call.split(" install ")[1] for call in calls if "apt-get" in call and "install" in call]


def test_the_first_time_it_makes_the_environment_and_the_second_time_nothing(machine):
    done, calls = machine.setup()
    assert done.returncode == 0, done.stderr
    assert any("-m venv" in call for call in calls)
    assert any("--editable ." in call for call in calls)

    done, calls = machine.setup()
    assert done.returncode == 0
    assert not any("-m venv" in call or "-m pip" in call for call in calls)


def test_when_the_dependencies_change_the_environment_is_filled_again(machine):
    machine.setup()
    (machine.clone / "pyproject.toml").write_text("# other dependencies\n")

    _, calls = machine.setup()

    assert any("--editable ." in call for call in calls)
    assert not any("-m venv" in call for call in calls)


def test_a_half_made_environment_is_made_again(machine):
    (machine.clone / ".venv/bin").mkdir(parents=True)

    _, calls = machine.setup()

    assert any("-m venv" in call for call in calls)


def test_a_clone_that_was_moved_gets_a_new_environment(machine, tmp_path):
    machine.setup()
    machine.clone = machine.clone.rename(tmp_path / "elsewhere")

    _, calls = machine.setup()

    assert any("-m venv" in call for call in calls)


def test_a_failure_is_shown_and_tried_again_the_next_time(machine):
    done, _ = machine.setup(FAKE_PIP_FAILS="1")
    assert done.returncode == 1
    assert "no network" in done.stderr
    assert done.stderr.endswith("setup: .venv could not be made ready\n")

    done, calls = machine.setup()
    assert done.returncode == 0
    assert any("--editable ." in call for call in calls)


def test_a_python_that_is_too_old_is_named(machine):
    for minor in range(10, 15):
        machine.stand_in(f"python3.{minor}", "#!/bin/sh\nexit 1\n")

    done, _ = machine.setup(FAKE_PYTHON="old")

    assert done.returncode == 1
    assert done.stderr.startswith("setup: Python 3.10 or newer is needed")


def test_a_newer_python_beside_an_old_one_is_used(machine):
    newer = PYTHON.replace("$FAKE_PYTHON", "").replace("python $*", "python3.12 $*")
    machine.stand_in("python3.14", "#!/bin/sh\nexit 1\n")
    machine.stand_in("python3.13", "#!/bin/sh\nexit 1\n")
    machine.stand_in("python3.12", newer)

    done, calls = machine.setup(FAKE_PYTHON="old")

    assert done.returncode == 0, done.stderr
    assert any(call.startswith("python3.12 -m venv") for call in calls)


def test_as_root_venv_is_installed_and_the_lists_are_refreshed_only_when_that_fails(machine):
    done, calls = machine.setup(FAKE_PYTHON="bare")

    assert done.returncode == 0, done.stderr
    assert installs(calls)[:2] == ["--no-install-recommends python3.11-venv"] * 2
    assert len([call for call in calls if call.endswith(" update")]) == 1


def test_not_root_it_says_what_is_missing_and_installs_nothing(machine):
    done, calls = machine.setup(FAKE_PYTHON="bare", FAKE_UID="1000")

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "as root: apt-get install python3.11-venv" in done.stderr
    assert installs(calls) == []


def test_the_tools_of_the_checks_have_the_locked_versions(machine):
    (machine.clone / "tests/apt-packages.txt").write_text("")

    _, calls = machine.setup("dev")

    pips = [call.partition("install --quiet ")[2] for call in calls if "-m pip" in call]
    assert pips == [
        "--require-hashes --requirement deploy/lock/dev.txt",
        "--no-deps --no-build-isolation --editable .",
    ]


@pytest.mark.parametrize("group", ["dev", "vm"])
def test_the_lock_has_what_is_asked_for_and_names_no_registry(group):
    text = (LOCK / f"{group}.txt").read_text()
    locked = re.findall(r"^([\w-]+)==", text, re.MULTILINE)
    assert "http" not in text and "index" not in text
    assert len(re.findall("--hash=sha256:", text)) >= len(locked)
    asked = wanted(group)
    assert asked and asked <= set(locked)


def wanted(group):
    """The names in pyproject.toml; Python 3.10 has no tomllib."""
    text = (REPOSITORY / "pyproject.toml").read_text()
    lists = [re.search(r"^dependencies = \[(.*)\]$", text, re.MULTILINE)[1]]
    lists.append(re.search(r"^dev = \[(.*?)^\]$", text, re.MULTILINE | re.DOTALL)[1])
    if group == "vm":
        lists.append(re.search(r"^vm = \[.*?\}, (.*)\]$", text, re.MULTILINE)[1])
    return {name for one in lists for name in re.findall(r'"([\w-]+)', one)}


def test_tools_of_the_tests_that_are_missing_are_said_in_one_line(machine):
    (machine.clone / "tests/apt-packages.txt").write_text(
        "# a comment\nabsent-tool  absent-command\nsh  sh\nabsent-service  absent  unpack\n"
    )

    done, calls = machine.setup("dev", FAKE_UID="1000")

    assert done.returncode == 0
    assert done.stderr.endswith("as they are missing: absent-tool absent-service\n")
    assert installs(calls) == []


def test_a_tool_whose_package_starts_a_service_is_unpacked_not_installed(machine):
    (machine.clone / "tests/apt-packages.txt").write_text("a-service  absent-command  unpack\n")

    _, calls = machine.setup("dev")

    assert not any("a-service" in call for call in installs(calls))
    assert any(call.endswith(" download a-service") for call in calls)


def test_an_unknown_goal_is_wrong_usage(machine):
    done, _ = machine.setup("everything")

    assert (done.returncode, done.stderr) == (2, "usage: deploy/setup run|dev|vm\n")
