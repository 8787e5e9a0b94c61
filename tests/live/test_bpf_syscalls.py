"""The kernel's maps as the agent reads them: how large a value is, is the kernel's own word."""

import subprocess
import sys
from pathlib import Path

import pytest

from irqwatch.source import bpf_syscalls
from tests.live.probe import reader

pytestmark = pytest.mark.live

KEY_0 = bytes(4)

# In a mount namespace of its own, where /sys has one CPU less, or three more, than there may be.
SHOWN_ANOTHER = """
mount --bind "$1" /sys/devices/system/cpu/possible
exec "$2" -c "$3"
"""
LOOK = """
from irqwatch.source import bpf_syscalls
from irqwatch.source.slow_events import SlowEvents, WantedEvents
print(bpf_syscalls.possible_cpus())
try:
    SlowEvents(WantedEvents(10**9)).__enter__()
except Exception as error:
    print(error)
"""


def possible_by_sysfs() -> int:
    text = Path("/sys/devices/system/cpu/possible").read_text()
    first, _, last = text.strip().partition("-")
    return int(last or first) - int(first) + 1


def test_the_kernel_says_how_many_parts_a_value_has() -> None:
    assert bpf_syscalls.possible_cpus() == possible_by_sysfs()


@pytest.mark.parametrize("more", [-1, 1])
def test_whatever_sysfs_says(more: int, tmp_path: Path) -> None:
    """A value is never read into less room than the kernel fills, and no CPU is taken for
    another. Of one CPU there are none fewer: then it is three."""
    last = possible_by_sysfs() - 1 + more
    shown = f"0-{last if last >= 0 else 2}"
    fake = tmp_path / "possible"
    fake.write_text(f"{shown}\n")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", SHOWN_ANOTHER, "sh", str(fake), sys.executable, LOOK],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    count, why = done.stdout.splitlines()
    assert int(count) == possible_by_sysfs()
    assert "CPUs are possible here, and /sys has" in why


def test_a_per_cpu_value_has_a_part_for_each_cpu() -> None:
    with reader("softirq") as probe_reader:
        fd = probe_reader.loaded.maps["cpus"]
        shape = bpf_syscalls.map_shape(fd)
        assert shape.is_per_cpu
        value = bpf_syscalls.lookup(fd, KEY_0)
        assert len(value) == shape.value_bytes * bpf_syscalls.possible_cpus()
        epochs = probe_reader.loaded.maps["epochs"]
        assert len(bpf_syscalls.lookup(epochs, KEY_0)) == 4
