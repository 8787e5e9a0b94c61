"""The syscall collector against the kernel's own trace. The readings are calls themselves, so what
is compared are calls that nobody else makes."""

import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from irqwatch.base.syscall_names import MACHINES, names
from irqwatch.model.histogram import Histogram, merge
from irqwatch.model.snapshot import Probe
from irqwatch.source import bpf_syscalls, loader
from irqwatch.source.probe import ProbeReader
from tests.live.kernel import LIMIT_SECONDS, wait_for
from tests.live.recording import Seen, record
from tests.live.rounds import mostly
from tests.live.spans import fits, paired

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(platform.machine() not in MACHINES, reason="its calls have no names here"),
]

EVENTS = ("raw_syscalls/sys_enter", "raw_syscalls/sys_exit")
CALLS = {"sched_rr_get_interval": 1000, "sched_getparam": 300, "rt_sigtimedwait": 50}
NUMBERS = {name: number for number, name in names(platform.machine()).items()}


def call() -> None:
    """Two are quick, one sleeps."""
    for _ in range(CALLS["sched_rr_get_interval"]):
        os.sched_rr_get_interval(0)
    for _ in range(CALLS["sched_getparam"]):
        os.sched_getparam(0)
    for _ in range(CALLS["rt_sigtimedwait"]):
        signal.sigtimedwait([signal.SIGUSR2], 0.001)


def of(probe: Probe, name: str) -> Histogram:
    return merge(time.run for time in probe.parts["syscalls"] if time.syscall == name)


def mine(seen: list[Seen], number: int) -> list[Seen]:
    """Each call of this thread with what follows it, its exit."""
    own = [one for one in seen if one.pid == threading.get_native_id()]
    found: list[Seen] = []
    for at, one in enumerate(own[:-1]):
        if one.name == "sys_enter" and one.fields["id"] == number:
            found += [one, own[at + 1]]
    return found


@pytest.mark.parametrize("name", ["sched_rr_get_interval", "sched_getparam", "rt_sigtimedwait"])
def test_times_are_those_of_the_trace(name: str) -> None:
    def compare() -> None:
        recording = record("syscall", EVENTS, call)
        number = NUMBERS[name]
        made = [one for one in recording.first if one.fields.get("id") == number]
        spans = paired(mine(recording.first, number), mine(recording.second, number))
        assert len(spans) == CALLS[name]
        assert 2 * len(spans) == len(made), "somebody else made one"
        assert not of(recording.at_the_start[-1].probe, name).count
        assert fits(of(recording.at_the_end[0].probe, name), spans)

    mostly(compare, "system calls")


@pytest.fixture
def reader() -> Iterator[ProbeReader]:
    cpus = bpf_syscalls.possible_cpus()
    loaded, unavailable = loader.load(["syscall"], loader.sizes(64, range(cpus)))
    assert not unavailable
    reader = ProbeReader(loaded, tuple(range(cpus)))
    try:
        yield reader
    finally:
        reader.close()


def open_threads(reader: ProbeReader) -> set[int]:
    fd = reader.loaded.maps["syscalls_open"]
    return {int.from_bytes(key, sys.byteorder) for key, _ in bpf_syscalls.items(fd)}


def test_a_thread_leaves_nothing_and_a_fork_is_no_call(reader: ProbeReader) -> None:
    before = reader.read().losses["syscall"]["exit_without_enter"]
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    sleeper = threading.Thread(target=time.sleep, args=[0.02])
    sleeper.start()
    sleeper.join()
    assert of(reader.read(), "clock_nanosleep").sum_ns >= 20 * 10**6
    assert reader.read().losses["syscall"]["exit_without_enter"] > before
    wait_for(lambda: not {pid, sleeper.native_id} & open_threads(reader), "their entries to go")


EXEC_IN_A_THREAD = """
import os, threading
def execute():
    print(threading.get_native_id(), flush=True)
    os.execv("/bin/true", ["true"])
threading.Thread(target=execute).start()
threading.Event().wait()
"""


def test_exec_in_a_thread_leaves_nothing(reader: ProbeReader) -> None:
    child = subprocess.Popen([sys.executable, "-c", EXEC_IN_A_THREAD], stdout=subprocess.PIPE)
    told, _ = child.communicate(timeout=LIMIT_SECONDS)
    assert child.returncode == 0
    wait_for(lambda: not {child.pid, int(told)} & open_threads(reader), "their entries to go")
