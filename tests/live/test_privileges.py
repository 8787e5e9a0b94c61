"""What ``irqwatch serve`` keeps of the privileges it was started with: what reading the probe
takes, which on a kernel of today is nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from irqwatch.source import privileges
from tests.e2e.serving import serving

pytestmark = pytest.mark.live

# The third is for an interpreter that is in the home of root.
AMBIENT = (
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "--inh-caps=-all,+bpf,+perfmon,+dac_read_search",
    "--ambient-caps=-all,+bpf,+perfmon,+dac_read_search",
)
NO_FIXUP = ("setpriv", "--securebits=+no_setuid_fixup")
NO_SETUID = ("setpriv", "--bounding-set=-all,+bpf,+perfmon")


@pytest.mark.parametrize(
    ("under", "uid", "kept"),
    [
        ((), None, False),
        (AMBIENT, 65534, False),
        (NO_FIXUP, None, False),
        (NO_SETUID, 0, True),
    ],
    ids=["root", "ambient", "no_setuid_fixup", "no CAP_SETUID"],
)
def test_no_capability_is_left_and_the_probe_is_read(under, uid, kept, tmp_path):
    if uid is None:
        own = privileges.account(None)
        assert own and own.uid not in (0, 65534)
        uid = own.uid
    with serving(under=under, cwd=tmp_path) as server:
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        text = server.get()

    assert "; timing hardirq, softirq, work" in server.said
    assert ("still root, but without capabilities" in server.said) == kept
    assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n" in status
    for field in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert f"{field}:\t0000000000000000\n" in status
    assert "NoNewPrivs:\t1\n" in status
    if uid:
        assert "Groups:\t \n" in status
    assert 'irqwatch_softirq_duration_seconds_count{vector="' in text


KEEPS_ONE = """
from pathlib import Path
from irqwatch.source import privileges
assert privileges.drop(privileges.account("nobody"), privileges.BPF) == ""
print(Path("/proc/self/status").read_text())
"""


def test_one_capability_outlives_the_change_of_user(tmp_path):
    """As a kernel before 5.19 asks for: only as root, who alone has one to keep."""
    done = subprocess.run(
        [sys.executable, "-c", KEEPS_ONE], capture_output=True, text=True, check=True, cwd=tmp_path
    )

    assert "Uid:\t65534\t65534\t65534\t65534\n" in done.stdout
    for field, value in (("CapPrm", 1 << 39), ("CapEff", 1 << 39), ("CapInh", 0), ("CapAmb", 0)):
        assert f"{field}:\t{value:016x}\n" in done.stdout
    assert "NoNewPrivs:\t1\n" in done.stdout
