"""Records the event fixtures of the kernels that this host does not run. As root:

python -m tests.vm.record_events_guest 5.10 6.1-rt 6.12-cards 6.12-arm64
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.vm import cards, guest
from tests.vm.packages import REPOSITORY

FIXTURES = REPOSITORY / "tests" / "fixtures" / "events"
RECORDED = ("5.10", "6.1", "6.1-rt", "6.12", "7.3", "6.12-arm64")
DISK_BYTES = 64 << 20
WITH_CARDS = "-cards"  # after a kernel's name: three network cards that interrupt together
LOADS = {"": "net,disk,timer", WITH_CARDS: "net,disk,cards --cards 3"}

# The guest sees this host's files, this folder among them, and its disk as /dev/vda.
SCRIPT = """\
#!/bin/sh
set -e
cd {tree}
modprobe virtio_blk
modprobe ext4
mkdir /tmp/disk
mount /dev/vda /tmp/disk
/usr/bin/python3 -B -m tests.record_events {out} --seconds 2 --load {load} \
    --folder /tmp/disk --loopback --events 20000
"""


def record(chosen: str) -> Path:
    """A guest with four CPUs, under every load. Raises guest.GuestError, PackageError."""
    kernel, with_cards, _ = chosen.partition(WITH_CARDS)
    name = f"guest-{chosen}.events.gz"
    with tempfile.TemporaryDirectory() as folder:
        disk, script, out = Path(folder, "disk"), Path(folder, "script"), Path(folder, name)
        guest.make_disk(disk, DISK_BYTES)
        _, tree = guest.python(kernel)
        script.write_text(
            SCRIPT.format(
                tree=tree, out=guest.inside(kernel, Path(folder)) / name, load=LOADS[with_cards]
            )
        )
        script.chmod(0o755)
        devices = cards.qemu_options(3) if with_cards else ()
        guest.run(kernel, script, disk=disk, devices=devices)
        return Path(shutil.copy(out, FIXTURES / name))


if __name__ == "__main__":
    for chosen in sys.argv[1:] or [*RECORDED, f"6.12{WITH_CARDS}"]:
        started = time.monotonic()
        print(record(chosen), f"{time.monotonic() - started:.0f} s")
