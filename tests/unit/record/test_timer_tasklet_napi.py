"""Timers, tasklets and polls, in a recording that may be shown to others."""

from irqwatch.model.snapshot import Probe
from irqwatch.record.anonymize import Anonymizer
from tests import hosts


def anonymous() -> Probe:
    host = hosts.busier(3)
    assert host.probe
    probe = Anonymizer(b"k" * 64).snapshot(host).probe
    assert probe
    return probe


def test_no_process_keeps_its_name() -> None:
    probe = anonymous()
    worsts = [of.worst_latency for of in probe.parts["timers"]] + [
        of.worst for of in probe.parts["tasklets"]
    ]
    comms = {worst.comm for worst in worsts if worst}
    assert comms.isdisjoint({"nginx"}) and "ksoftirqd/0" in comms


def test_a_device_is_called_what_it_is_called_elsewhere_in_the_recording() -> None:
    host = Anonymizer(b"k" * 64).snapshot(hosts.busier(3))
    assert {napi.device for napi in anonymous().parts["napis"]} == {
        "backlog",
        host.devices[0].device,
    }
    assert host.devices[0].device != "eth0"
