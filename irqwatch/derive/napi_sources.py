"""Polls of network devices as sources: a device each."""

from collections.abc import Iterable

from irqwatch.base.measures import counting, rate
from irqwatch.model.snapshot import NapiCount
from irqwatch.model.view import CpuPart, Source


def napis(counts: Iterable[NapiCount], interval_ns: int) -> list[Source]:
    """One a device, by name. Polls are counted, not timed."""
    devices: dict[str, list[NapiCount]] = {}
    for part in counts:
        devices.setdefault(part.device, []).append(part)
    return [_napi(name, devices[name], interval_ns) for name in sorted(devices)]


def _napi(device: str, parts: list[NapiCount], interval_ns: int) -> Source:
    count = sum(part.poll_count for part in parts)
    return Source(
        kind="napi",
        name=device,
        count=count,
        seconds=None,
        rate=rate(count, interval_ns),
        cpus=counting({part.cpu: CpuPart(part.poll_count, None) for part in parts}),
        packet_count=sum(part.packet_count for part in parts),
        exhausted_count=sum(part.exhausted_count for part in parts),
    )
