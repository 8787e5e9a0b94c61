"""What can be attached to the kernel while something is measured: irqwatch's probe, programs
that do next to nothing (the floor), and the peers that are installed."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from irqwatch.source import bpf_syscalls, loader

Contender = Callable[[], AbstractContextManager[None]]

READY_LIMIT_SECONDS = 60

# Classic tracepoints are looked up in tracefs, which not every host mounts: mount it for the peer
# alone.
IN_OWN_MOUNTS = (
    "unshare",
    "--mount",
    "sh",
    "-c",
    "mount -t debugfs none /sys/kernel/debug; mount -t tracefs none /sys/kernel/debug/tracing; "
    'mount -t tracefs none /sys/kernel/tracing; exec "$@"',
    "sh",
)

# bcc's tools want kernel headers, which a host rarely has, and use next to nothing of them.
HEADERS_OF_PEERS = {
    "uapi/linux/ptrace.h": "",
    "linux/irq.h": "#define IRQ_NONE 0\n",
    "linux/irqdesc.h": "",
    "linux/interrupt.h": "",
}


def probe(*collectors: str) -> Contender:
    """irqwatch's own programs with no agent beside them."""

    @contextlib.contextmanager
    def attached() -> Iterator[None]:
        loaded, unavailable = loader.load(
            collectors, loader.sizes(64, range(bpf_syscalls.possible_cpus()))
        )
        if unavailable:
            raise SystemExit(f"the probe is not complete: {unavailable}")
        try:
            yield
        finally:
            loaded.close()

    return attached


def floor(body: str) -> Contender:
    """Three raw-tracepoint programs that do nothing ("empty") or read the clock ("clock")."""

    @contextlib.contextmanager
    def attached() -> Iterator[None]:
        child = subprocess.Popen(
            [loader.interpreter(), str(Path(__file__).with_name("floor_programs.py")), body],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdin and child.stdout
        if child.stdout.readline() != "attached\n":
            raise SystemExit("the programs of the floor could not be attached")
        try:
            yield
        finally:
            child.stdin.close()
            child.wait()

    return attached


def command(*words: str) -> Contender:
    """Another program that traces, for as long as the measurement takes."""

    @contextlib.contextmanager
    def attached() -> Iterator[None]:
        with tempfile.TemporaryDirectory() as folder:
            tool = subprocess.Popen(
                IN_OWN_MOUNTS + words,
                cwd=folder,
                env={**os.environ, "BCC_KERNEL_SOURCE": str(headers_for_peers(Path(folder)))},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                wait_until_attached(tool)
                yield
            finally:
                tool.terminate()
                try:
                    tool.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    tool.kill()
                    tool.wait()

    return attached


def headers_for_peers(folder: Path) -> Path:
    """A copy of irqwatch's stand-ins for kernel headers with what the peers include beside."""
    headers = folder / "headers"
    shutil.copytree(loader.bpf_folder() / "headers", headers)
    for name, text in HEADERS_OF_PEERS.items():
        (headers / "include" / name).write_text(text)
    return headers


def wait_until_attached(tool: subprocess.Popen[bytes]) -> None:
    """A tracer is ready once its perf events and programs are open and no more are added."""
    deadline = time.monotonic() + READY_LIMIT_SECONDS
    seen: list[int] = []
    while time.monotonic() < deadline:
        if tool.poll() is not None:
            raise SystemExit(f"{tool.args} ended by itself")
        seen.append(count_tracing_fds(tool.pid))
        if seen[-1] and len(seen) >= 5 and len(set(seen[-5:])) == 1:
            return
        time.sleep(0.1)
    raise SystemExit(f"{tool.args} did not attach in {READY_LIMIT_SECONDS} s")


def count_tracing_fds(pid: int) -> int:
    count = 0
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            count += "perf_event" in str(fd.readlink()) or "bpf" in str(fd.readlink())
    return count


def installed(name: str, *words: str) -> dict[str, Contender]:
    """{name: contender} of a peer, empty where it is not installed."""
    return {name: command(*words)} if shutil.which(words[0]) else {}


def softirq_peers() -> dict[str, Contender]:
    return {
        **installed("softirqs-bpfcc -d", "softirqs-bpfcc", "-d", "600"),
        **installed("bpftrace, duration", "bpftrace", "-e", BPFTRACE_DURATION),
        **installed("perf kwork -k softirq record", *PERF_KWORK),
    }


def hardirq_peers() -> dict[str, Contender]:
    return installed("hardirqs-bpfcc -d", "hardirqs-bpfcc", "-d", "600")


PERF_KWORK = ("perf", "kwork", "-k", "softirq", "record", "-o", "perf.data", "sleep", "600")
BPFTRACE_DURATION = """
tracepoint:irq:softirq_entry { @start[cpu] = nsecs; }
tracepoint:irq:softirq_exit /@start[cpu]/ {
    @run[args->vec] = hist(nsecs - @start[cpu]); delete(@start[cpu]);
}
"""


def program_times_ns() -> dict[int, tuple[str, int, int]]:
    """Of every loaded program: id → (name, runs, ns), while kernel.bpf_stats_enabled is set."""
    programs = json.loads(subprocess.check_output(["bpftool", "-j", "prog", "show"]))
    return {
        program["id"]: (
            program.get("name", ""),
            program.get("run_cnt", 0),
            program.get("run_time_ns", 0),
        )
        for program in programs
    }
