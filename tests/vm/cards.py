"""Network cards of a guest: qemu's options for them, and, inside, their lines and a load.

Each card has a network of its own, 10.0.N.0/24, that ends at 10.0.N.2 in qemu itself and leads
nowhere else. The standard library only, as it runs in guests too.
"""

import contextlib
import socket
import struct
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

ICMP_ECHO_REQUEST = 8
WAIT_SECONDS = 60


def qemu_options(count: int) -> list[str]:
    return [
        word
        for number in range(1, count + 1)
        for word in (
            "-netdev",
            f"user,id=n{number},net=10.0.{number}.0/24,host=10.0.{number}.2,restrict=on",
            "-device",
            f"virtio-net-pci,netdev=n{number}",
        )
    ]


def devices() -> dict[str, str]:
    """Name of each network card → the virtio device that its lines are named after."""
    folders = Path("/sys/class/net").glob("*/device")
    return {folder.parent.name: folder.resolve().name for folder in folders}


def lines(virtio: str) -> dict[int, str]:
    """The lines of a virtio device and the names of their actions."""
    rows = [row.split() for row in Path("/proc/interrupts").read_text().splitlines()[1:]]
    return {int(row[0][:-1]): row[-1] for row in rows if row[-1].startswith(f"{virtio}-")}


def set_up(count: int, cpu: int) -> dict[str, str]:
    """Load the driver, give each card its address, put all their lines onto ``cpu``. As
    ``devices``."""
    subprocess.run(["modprobe", "virtio_net"], check=True)
    deadline = time.monotonic() + WAIT_SECONDS
    while len(devices()) < count:
        assert time.monotonic() < deadline, f"{count} network cards"
        time.sleep(0.1)
    found = devices()
    for number, name in enumerate(sorted(found), 1):
        subprocess.run(["ip", "address", "add", f"10.0.{number}.15/24", "dev", name], check=True)
        subprocess.run(["ip", "link", "set", name, "up"], check=True)
    for virtio in found.values():
        for irq in lines(virtio):
            Path(f"/proc/irq/{irq}/smp_affinity_list").write_text(f"{cpu}\n")
    return found


def send_pings(groups: Sequence[Sequence[int]], count: int, per_second: float) -> None:
    """``count`` times the next of ``groups``, again and again: a packet to the far end of each card
    named in it, which answers with an interrupt. Those of one group come together. A group that is
    late is not made up for."""
    packet = struct.pack("!BBHHH", ICMP_ECHO_REQUEST, 0, 0xFFFF - (ICMP_ECHO_REQUEST << 8), 0, 0)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as icmp:
        icmp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)  # nobody reads the answers
        next_s = time.monotonic()
        for sent in range(count):
            next_s = max(next_s + 1 / per_second, time.monotonic())
            time.sleep(max(0.0, next_s - time.monotonic()))
            for number in groups[sent % len(groups)]:
                with contextlib.suppress(OSError):
                    icmp.sendto(packet, (f"10.0.{number}.2", 0))
