"""Polls of network devices, as samples."""

from irqwatch.base.fold import Groups, Labels, Vector
from irqwatch.model.snapshot import Probe
from irqwatch.sink.prometheus.sheet import Sheet


def show_napis(sheet: Sheet, probe: Probe, devices: Groups) -> None:
    """By device, as far as ``devices`` keeps them apart."""
    members: dict[Labels, tuple[Labels, Vector]] = {}
    for napi in probe.napis:
        counters = (napi.poll_count, napi.packet_count, napi.exhausted_count)
        members[napi.device, str(napi.cpu)] = (napi.device,), counters
    for labels, (polls, packets, exhausted) in devices.update(members).items():
        sheet.values["irqwatch_napi_polls_total"][labels] = polls
        sheet.values["irqwatch_napi_packets_total"][labels] = packets
        sheet.values["irqwatch_napi_budget_exhausted_total"][labels] = exhausted
