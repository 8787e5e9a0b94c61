"""Interrupts on demand: bounded loads that a test makes and that are over when the call returns."""

import mmap
import os
import socket
import tempfile
from pathlib import Path

BLOCK_BYTES = 4096


def send_udp_packets(count: int) -> None:
    """``count`` packets over loopback: each raises, and runs, one NET_RX softirq."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.connect(udp.getsockname())
        buffer = bytearray(64)
        for _ in range(count):
            udp.send(b"x")
            udp.recv_into(buffer)


def read_hwrng(count: int) -> None:
    """``count`` reads of /dev/hwrng: of virtio-rng, one interrupt each."""
    fd = os.open("/dev/hwrng", os.O_RDONLY)
    try:
        for _ in range(count):
            os.read(fd, 64)
    finally:
        os.close(fd)


def read_disk(count: int, folder: Path | None = None) -> None:
    """``count`` reads of a file past the page cache, a block each."""
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(os.urandom(64 * BLOCK_BYTES))
        file.flush()
        os.fsync(file.fileno())
        fd = os.open(file.name, os.O_RDONLY | os.O_DIRECT)
        try:
            with mmap.mmap(-1, BLOCK_BYTES) as block:  # page-aligned, as O_DIRECT wants it
                for index in range(count):
                    os.preadv(fd, [block], index % 64 * BLOCK_BYTES)
        finally:
            os.close(fd)
