"""The probe on the running kernel, without the command line."""

import contextlib
from collections.abc import Callable, Iterator

from irqwatch import clock
from irqwatch.source import bpf_syscalls, loader
from irqwatch.source.probe import ProbeReader


@contextlib.contextmanager
def reader(
    *collectors: str, now_ns: Callable[[], int] = clock.monotonic_ns
) -> Iterator[ProbeReader]:
    """Of these collectors, all of which the kernel must have. ``now_ns`` is the reader's clock."""
    cpus = bpf_syscalls.possible_cpus()
    loaded, unavailable = loader.load(collectors, loader.sizes(64, range(cpus)))
    assert not unavailable
    probe_reader = ProbeReader(loaded, tuple(range(cpus)), now_ns=now_ns)
    try:
        yield probe_reader
    finally:
        probe_reader.close()
