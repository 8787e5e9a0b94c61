"""Interrupts on demand: bounded loads that a test makes and that are over when the call returns."""

import contextlib
import ctypes
import fcntl
import hashlib
import mmap
import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

BLOCK_BYTES = 4096
CONSOLE = Path("/dev/tty0")
# include/uapi/linux/membarrier.h
MEMBARRIER_CMD_PRIVATE_EXPEDITED = 1 << 3
MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED = 1 << 4
SYS_MEMBARRIER = 283 if os.uname().machine == "aarch64" else 324

HASHED_BYTES = 1 << 24  # some 10 ms in one piece

KDSETLED = 0x4B32  # include/uapi/linux/kd.h
AS_THE_KEYBOARD_HAS_THEM = 0xFF


def send_udp_packets(count: int) -> None:
    """``count`` packets over loopback: each raises, and runs, one NET_RX softirq."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.connect(udp.getsockname())
        buffer = bytearray(64)
        for _ in range(count):
            udp.send(b"x")
            udp.recv_into(buffer)


def wake_on_another_cpu(count: int) -> None:
    """``count`` bytes to a child on another CPU and back: each wakes it out of its idle task."""
    here, there = sorted(os.sched_getaffinity(0))[:2]
    to_child, to_parent = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        try:
            os.sched_setaffinity(0, {there})
            for _ in range(count):
                os.write(to_parent[1], os.read(to_child[0], 1))
        finally:
            os._exit(0)
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {here})
    try:
        for _ in range(count):
            os.write(to_child[1], b"x")
            os.read(to_parent[0], 1)
    finally:
        os.sched_setaffinity(0, before)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for fd in (*to_child, *to_parent):
            os.close(fd)


@contextlib.contextmanager
def busy(cpu: int) -> Iterator[None]:
    """A thread of this process runs on ``cpu``. It hashes, so that others run beside it."""
    over, runs = threading.Event(), threading.Event()

    def run() -> None:
        os.sched_setaffinity(0, {cpu})
        data = bytes(HASHED_BYTES)
        while not over.is_set():
            runs.set()
            hashlib.sha256(data)

    thread = threading.Thread(target=run)
    thread.start()
    runs.wait()
    try:
        yield
    finally:
        over.set()
        thread.join()


def call_another_cpu(count: int) -> None:
    """Up to ``count`` calls of a function on a CPU where another thread of this process runs:
    membarrier() asks each such CPU for a barrier. Where something else takes that thread's CPU,
    there is nobody to ask."""
    before = os.sched_getaffinity(0)
    here, there = sorted(before)[:2]
    membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)
    with busy(there):
        os.sched_setaffinity(0, {here})
        try:
            for _ in range(count):
                membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED)
        finally:
            os.sched_setaffinity(0, before)


def membarrier(command: int) -> None:
    """membarrier(2), which libc has no function for."""
    if ctypes.CDLL(None, use_errno=True).syscall(SYS_MEMBARRIER, command, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "membarrier")


def read_hwrng(count: int) -> None:
    """``count`` reads of /dev/hwrng: of virtio-rng, one interrupt each."""
    fd = os.open("/dev/hwrng", os.O_RDONLY)
    try:
        for _ in range(count):
            os.read(fd, 64)
    finally:
        os.close(fd)


def make_network_namespaces(count: int) -> None:
    """Each that goes is torn down by a work item that sleeps most of its time (cleanup_net)."""
    for _ in range(count):
        subprocess.run(["unshare", "--net", "true"], check=True)


def set_keyboard_lights(count: int) -> None:
    """``count`` times as they are: each time a tasklet (kbd_bh) tells the keyboards of it. A packet
    over loopback lets softirqs run, where ksoftirqd might see to several at once."""
    fd = os.open(CONSOLE, os.O_RDWR | os.O_NOCTTY)
    try:
        for _ in range(count):
            fcntl.ioctl(fd, KDSETLED, AS_THE_KEYBOARD_HAS_THEM)
            send_udp_packets(1)
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
