"""What bpf/napi.c keeps: polls of network devices."""

import struct
from collections.abc import Iterable

from irqwatch.model.snapshot import NapiCount
from irqwatch.source import abi

BACKLOG = "backlog"
NO_NAME = "(none)"  # of the dummies that drivers made themselves, before Linux 6.10
KEY = "=16sII"
WORDS = 3


def counts(entries: Iterable[tuple[bytes, memoryview]]) -> tuple[NapiCount, ...]:
    """One per (device, CPU), sorted, from the entries of ``napis``. Devices of one name (in several
    network namespaces) are counted together."""
    found: dict[tuple[str, int], tuple[int, int, int]] = {}
    for key, value in entries:
        device, cpu = _key(key)
        polls, packets, exhausted = found.get((device, cpu), (0, 0, 0))
        found[device, cpu] = polls + value[0], packets + value[1], exhausted + value[2]
    return tuple(NapiCount(*key, *found[key]) for key in sorted(found))


def _key(key: bytes) -> tuple[str, int]:
    """struct napi_key: the device's name and the CPU."""
    name, cpu, has_device = struct.unpack(KEY, key)
    return (abi.text(name) or NO_NAME) if has_device else BACKLOG, cpu


def losses(parts: Iterable[tuple[int, memoryview]]) -> dict[str, int]:
    """By reason, of all CPUs."""
    return {"map_full": sum(value[0] for _, value in parts)}
