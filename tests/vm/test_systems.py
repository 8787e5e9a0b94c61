"""README's commands in minimal systems of Debian's releases, on the running kernel, as a newcomer
types them: root, a fresh clone, and nothing but what README says. Each system can be run alone."""

import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.vm import rows, system_table
from tests.vm.systems import CLONE, SYSTEMS, Ran, System, system

IRQWATCH = ".venv/bin/irqwatch"
TIMED = "timed hardirq softirq work vector timer tasklet napi signal"

FETCH = """\
import urllib.request
text = urllib.request.urlopen("http://127.0.0.1:9919/metrics").read().decode()
print(*(line for line in text.splitlines() if "irqwatch_softirq_duration_seconds_count" in line),
      sep="\\n")
"""
SERVE = f"""\
{IRQWATCH} serve >/tmp/said 2>&1 & server=$!
for _ in $(seq 100); do grep -q listening /tmp/said && break; sleep 0.1; done
.venv/bin/python -c {shlex.quote(FETCH)} || cat /tmp/said
kill $server; wait $server
"""


A_LINE = "$(awk -F: '/PCI-MSI/ {print $1 + 0; exit}' /proc/interrupts)"


class Step(NamedTuple):
    """A command, and what its output must have."""

    command: str
    shows: str
    seconds: float = 600


# README's, with what they print bounded.
STEPS: Mapping[str, Step] = {
    "make help": Step("make help", "the live screen"),
    "make top": Step('make top ARGS="-b -n 2 -d 1"', TIMED),
    "top --json": Step(f"{IRQWATCH} top --json -n 2 -d 1", '"softirq"'),
    "doctor": Step(f"{IRQWATCH} doctor", "probe"),
    "explain": Step(f"{IRQWATCH} explain {A_LINE}", "controller"),
    "advise": Step(f"{IRQWATCH} advise --duration 1", "windows of"),
    "record": Step(
        f"{IRQWATCH} record host.irqw -d 1 -n 2 && {IRQWATCH} top -b --from host.irqw", TIMED
    ),
    "serve": Step(SERVE, 'irqwatch_softirq_duration_seconds_count{vector="'),
    # The whole suite is test_every_test_passes().
    "make test": Step(
        'make test ARGS="tests/unit/source tests/live/test_bpf_syscalls.py"', " passed"
    ),
}
BEFORE = "apt-get update -qq && apt-get install -qq -y --no-install-recommends make"
VERSIONS = (
    "test ! -x .venv/bin/python || .venv/bin/python --version;"
    " dpkg-query -W -f '${Version}' python3-bpfcc 2>&1"
)
TOO_OLD = "setup: Python 3.10 or newer is needed; python3 here is Python 3.9.2"


@pytest.mark.parametrize("name", [name for name in SYSTEMS if name != "Debian 11"])
def test_readmes_commands_do_what_it_says(name: str) -> None:
    with system(name) as fresh:
        ready = fresh.run(BEFORE, seconds=300)
        assert ready.status == 0, ready.output
        found = {}
        for what, step in STEPS.items():
            found[what] = judged(step, fresh)
            told = " ".join(fresh.run(VERSIONS, seconds=60).output.split())
            rows.keep(system_table.TABLE, name, {"versions": told, "steps": found})
    assert {what: said for what, said in found.items() if said != "yes"} == {}


@pytest.mark.parametrize("name", [name for name in SYSTEMS if name != "Debian 11"])
def test_every_test_passes(name: str) -> None:
    """Long: a suite that takes five minutes on a real CPU."""
    with system(name) as fresh:
        assert fresh.run(BEFORE, seconds=300).status == 0
        said = judged(Step("make test", " passed", 3600), fresh)
        rows.keep(
            system_table.TABLE, f"{name}, all tests", {"versions": "", "steps": {"all": said}}
        )
    assert said == "yes"


def judged(step: Step, fresh: System) -> str:
    """ "yes", or the last that it said."""
    ran = fresh.run(step.command, seconds=step.seconds)
    if ran.status == 0 and step.shows in ran.output:
        return "yes"
    return f"{ran.status}: {ran.output[-400:]}"


def test_where_python_is_too_old_one_line_says_so() -> None:
    with system("Debian 11") as fresh:
        assert fresh.run(BEFORE, seconds=300).status == 0
        assert "the live screen" in fresh.run("make help").output
        found = {
            what: too_old(fresh.run(f"make {what}")) for what in ("top", "test", "check", "bench")
        }
        steps = {f"make {what}": said for what, said in found.items()}
        rows.keep(system_table.TABLE, "Debian 11", {"versions": "Python 3.9.2", "steps": steps})
    assert set(found.values()) == {"says that Python is too old"}


def too_old(ran: Ran) -> str:
    """Nothing but that line, those that say what was installed, and make's own."""
    lines = [line for line in ran.output.splitlines() if not line.startswith("make: ")]
    told = [line for line in lines if not line.startswith("setup: installing ")]
    is_said = ran.status != 0 and len(told) == 1 and told[0].startswith(TOO_OLD)
    return "says that Python is too old" if is_said else f"{ran.status}: {ran.output[-400:]}"


# The host's own libraries with the host's own interpreter: those of Debian 11 are too old for it.
NEWER = Path("/opt/newer-python")
WRAPPER = """\
#!/bin/sh
exec {loader} --argv0 "$0" --library-path {libraries} {python} "$@"
"""


def newer_python(fresh: System) -> Iterator[Path]:
    """Folders of the host that it needs inside; the interpreter is NEWER there."""
    libraries = Path("/usr/lib/x86_64-linux-gnu")
    base = Path(sys.base_prefix)
    yield base
    yield Path(sys.prefix)
    copy = fresh.root / "opt" / "newer-libraries"
    copy.mkdir(parents=True)
    for name in ("ld-linux-x86-64.so.2", "libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2",
                 "libutil.so.1", "libz.so.1", "libffi.so.8", "libssl.so.3", "libcrypto.so.3",
                 "libexpat.so.1", "libresolv.so.2"):  # fmt: skip
        (copy / name).write_bytes((libraries / name).read_bytes())
        (copy / name).chmod(0o755)
    inside = Path("/opt/newer-libraries")
    file = fresh.root / NEWER.relative_to("/")
    file.write_text(
        WRAPPER.format(
            loader=inside / "ld-linux-x86-64.so.2",
            libraries=inside,
            python=Path(sys.executable).resolve(),
        )
    )
    file.chmod(0o755)


AGENT = """\
import sys
sys.path[:0] = [{clone!r}, {packages!r}]
from irqwatch.cli.main import main
sys.exit(main())
"""


def test_the_loaders_child_runs_on_debian_11s_own_python() -> None:
    """bcc 0.18 on Python 3.9 loads the probe for an agent that a newer Python runs."""
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    with system("Debian 11") as fresh:
        assert fresh.run(BEFORE.replace("make", "python3 python3-bpfcc"), seconds=600).status == 0
        shown = list(newer_python(fresh))
        agent = fresh.root / "opt" / "agent.py"
        agent.write_text(AGENT.format(clone=str(CLONE), packages=packages))
        ran = fresh.run(
            f"{NEWER} /opt/agent.py top -b -n 2 -d 1; python3 --version;"
            " dpkg-query -W -f '${Version}' python3-bpfcc",
            shown=shown,
        )
        print(ran.output)
        is_timed = TIMED in ran.output and "Python 3.9" in ran.output
        told = "yes" if is_timed else ran.output[-400:]
        rows.keep(
            system_table.TABLE,
            "Debian 11, newer Python",
            {"versions": " ".join(ran.output.split()[-3:]), "steps": {"top": told}},
        )
    assert told == "yes"
