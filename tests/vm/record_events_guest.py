"""Records the event fixtures of the kernels that this host does not run. As root:

python -m tests.vm.record_events_guest 6.1 6.1-rt 6.12
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.vm import guest

FIXTURES = guest.REPOSITORY / "tests" / "fixtures" / "events"
DISK_BYTES = 64 << 20

# The guest sees this host's files, this folder among them, and its disk as /dev/vda.
SCRIPT = """\
#!/bin/sh
set -e
cd {repository}
modprobe virtio_blk
modprobe ext4
mkdir /tmp/disk
mount /dev/vda /tmp/disk
/usr/bin/python3 -B -m tests.record_events {out} --seconds 2 --load net,disk,timer \
    --folder /tmp/disk --loopback --events 20000
"""


def record(kernel: str) -> Path:
    """A guest with four CPUs on two nodes, under every load. Raises guest.GuestError."""
    name = f"guest-{kernel}.events.gz"
    with tempfile.TemporaryDirectory() as folder:
        disk, script, out = Path(folder, "disk"), Path(folder, "script"), Path(folder, name)
        with disk.open("wb") as file:
            file.truncate(DISK_BYTES)
        subprocess.run(["mkfs.ext4", "-q", str(disk)], check=True)
        script.write_text(SCRIPT.format(repository=guest.REPOSITORY, out=out))
        script.chmod(0o755)
        guest.run(kernel, script, disk=disk)
        return Path(shutil.copy(out, FIXTURES / name))


if __name__ == "__main__":
    for chosen in sys.argv[1:] or guest.KERNELS:
        started = time.monotonic()
        print(record(chosen), f"{time.monotonic() - started:.0f} s")
