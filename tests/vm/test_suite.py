"""irqwatch's own tests on hosts that this one is not: just booted, with one CPU, with sixteen.

An emulated CPU is some twenty times slower, so of the suite run here what asks the running host:
its CPUs, its clocks since boot, its lines, its processes. What reads recorded files and replays
recorded events is the same everywhere, and is left to `make test`.
"""

import re
import shlex
import sys
from pathlib import Path

import pytest

from tests.vm import guest, rows, suite_table
from tests.vm.packages import REPOSITORY

KERNEL = "6.12"
DISK_BYTES = 256 << 20
LIMIT_SECONDS = 2400
JUST_BOOTED_SECONDS = 120

OF_THE_HOST = (
    "tests/live/test_probe.py",
    "tests/live/test_bpf_syscalls.py",
    "tests/live/test_clock.py",
    "tests/live/test_doctor.py",
    "tests/live/test_ipi.py",
    "tests/live/test_exception.py",
    "tests/live/test_napi.py",
    "tests/live/test_tasklet.py",
    "tests/live/test_privileges.py",
    "tests/unit/source",
)
SCRIPT = """\
#!/bin/sh
modprobe virtio_blk
modprobe ext4
modprobe virtio_rng
modprobe virtio_input
mkdir /tmp/disk
mount /dev/vda /tmp/disk && export TMPDIR=/tmp/disk
cd {repository}
echo "uptime: $(cut -d' ' -f1 /proc/uptime)"
{command} 2>&1
exit 0
"""


@pytest.mark.parametrize("cpus", [1, 16])
def test_what_asks_the_host_passes(cpus: int, tmp_path: Path) -> None:
    script, disk = tmp_path / "run.sh", tmp_path / "disk"
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-ra", "--color=no",
               "-p", "no:cacheprovider", *OF_THE_HOST]  # fmt: skip
    script.write_text(SCRIPT.format(repository=REPOSITORY, command=shlex.join(command)))
    script.chmod(0o755)
    guest.make_disk(disk, DISK_BYTES)
    output = guest.run(
        KERNEL,
        script,
        cpus=cpus,
        nodes=1,
        disk=disk,
        devices=["-device", "virtio-rng-pci"],
        memory_mb=1024 + 256 * cpus,
        timeout_seconds=LIMIT_SECONDS,
    )
    (tmp_path / "output").write_text(output)
    uptime = re.search(r"uptime: ([\d.]+)", output)
    assert uptime and float(uptime[1]) < JUST_BOOTED_SECONDS
    lines = [line.strip() for line in output.splitlines()]
    told = [line for line in lines if re.match(r"(FAILED|ERROR|SKIPPED) ", line)]
    ended = next(
        (line for line in lines if re.search(r"\d+ (passed|failed).* in ", line)), "no end"
    )
    rows.keep(
        suite_table.TABLE, f"{cpus} CPUs", {"uptime": uptime[1], "ended": ended, "told": told}
    )
    print("\n".join([ended, *told]))
    assert not [line for line in told if not line.startswith("SKIPPED")], told
    assert re.match(r"\d+ passed", ended), ended
