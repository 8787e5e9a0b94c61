"""The exception collector against what the kernel counts for a process."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from irqwatch.collectors.exception import ProcessFaults
from irqwatch.model.snapshot import Probe
from irqwatch.source import bpf_syscalls, loader
from irqwatch.source.probe import ProbeReader
from tests.live.rounds import mostly

pytestmark = pytest.mark.live

PAGES = 3000

# Touches fresh pages when told to, and says what the kernel counted.
TOUCHES = f"""
import mmap, resource, sys
def faults():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_minflt + usage.ru_majflt
pages = mmap.mmap(-1, {PAGES} * 4096)
pages.madvise(mmap.MADV_NOHUGEPAGE)
faults()
print("ready", flush=True)
sys.stdin.readline()
before = faults()
for page in range({PAGES}):
    pages[page * 4096] = 1
print(faults() - before, flush=True)
sys.stdin.readline()
"""


@contextmanager
def reading() -> Iterator[ProbeReader]:
    cpus = bpf_syscalls.possible_cpus()
    loaded, unavailable = loader.load(["exception"], loader.sizes(64, range(cpus)))
    assert not unavailable
    reader = ProbeReader(loaded, tuple(range(cpus)))
    try:
        yield reader
    finally:
        reader.close()


def of(probe: Probe, pid: int) -> ProcessFaults:
    found = [process for process in probe.parts["faulting"] if process.pid == pid]
    return found[0] if found else ProcessFaults(pid, "")


def user_faults(probe: Probe) -> int:
    return sum(
        sum(counted.cpus.values())
        for counted in probe.parts["exceptions"]
        if counted.exception == "page_fault_user"
    )


def check_a_fault_a_fresh_page() -> None:
    with (
        reading() as reader,
        subprocess.Popen(
            [sys.executable, "-c", TOUCHES],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as child,
    ):
        assert child.stdin and child.stdout
        assert child.stdout.readline() == "ready\n"
        probe = reader.read()
        before, all_before = of(probe, child.pid), user_faults(probe)
        child.stdin.write("\n")
        child.stdin.flush()
        by_the_kernel = int(child.stdout.readline())
        probe = reader.read()
        after = of(probe, child.pid)
        child.stdin.close()
        assert after.comm == Path(f"/proc/{child.pid}/comm").read_text().strip()
        seen = after.user_count - before.user_count
        # Around the loop the interpreter itself may touch a page or two.
        assert PAGES <= by_the_kernel <= seen <= by_the_kernel + 20
        assert user_faults(probe) - all_before >= seen


def test_a_fault_a_fresh_page_as_the_kernel_counts_them() -> None:
    mostly(check_a_fault_a_fresh_page, "faults")


def test_nothing_of_the_machine_is_in_no_ones() -> None:
    """All faults of a second belong to a process, while there is room for all."""
    with reading() as reader:
        subprocess.run(["sh", "-c", "true | cat"], check=True)
        probe = reader.read()
        by_process = sum(process.user_count for process in probe.parts["faulting"])
        assert by_process
        assert user_faults(reader.read()) >= by_process
        assert user_faults(probe) <= sum(p.user_count for p in reader.read().parts["faulting"])
