"""bpf/napi.c: polls of network devices."""

import pytest

from irqwatch.collectors.napi import NapiCount
from irqwatch.model.snapshot import Probe
from tests.native.build import OFFSETS
from tests.native.harness import DEVICE_AT, Native
from tests.native.sequence import IDLE_1, napi_poll


def losses(probe: Probe) -> dict[str, int]:
    return {reason: count for reason, count in probe.losses["napi"].items() if count}


def test_polls_packets_and_budget(native: Native) -> None:
    native.feed([napi_poll("eth0", 3), napi_poll("eth0", 64), napi_poll("eth0", 0)])
    assert native.read().parts["napis"] == (NapiCount("eth0", 0, 3, 67, 1),)


def test_devices_and_cpus_are_apart(native: Native) -> None:
    native.feed([napi_poll("eth0", 1), napi_poll("eth1", 2), napi_poll("eth0", 4, on=IDLE_1)])
    assert native.read().parts["napis"] == (
        NapiCount("eth0", 0, 1, 1, 0),
        NapiCount("eth0", 1, 1, 4, 0),
        NapiCount("eth1", 0, 1, 2, 0),
    )


def test_the_backlog_has_no_device(native: Native) -> None:
    native.feed([napi_poll("", 5)])
    assert native.read().parts["napis"] == (NapiCount("backlog", 0, 1, 5, 0),)


def test_a_device_of_which_the_name_cannot_be_read_is_not_the_backlog(native: Native) -> None:
    event = napi_poll("eth0", 5)
    native.fire(event)
    native.memory(DEVICE_AT + OFFSETS["OFFSET_net_device_name"], b"")
    native.maps.send("event", 2000, event.name, 0xF1000, 7, 64)
    assert {n.device: n.packet_count for n in native.read().parts["napis"]} == {
        "(none)": 7,
        "eth0": 5,
    }


def test_a_device_without_a_name_is_not_the_backlog(native: Native) -> None:
    """The dummies of drivers, before Linux 6.10."""
    native.feed([napi_poll("\0", 5), napi_poll("", 7)])
    assert {n.device: n.packet_count for n in native.read().parts["napis"]} == {
        "(none)": 5,
        "backlog": 7,
    }


def test_what_is_left_of_an_older_name_is_no_part_of_it(native: Native) -> None:
    native.feed([napi_poll("eth0", 1), napi_poll("eth0\0net2", 2)])
    assert native.read().parts["napis"] == (NapiCount("eth0", 0, 2, 3, 0),)


def test_a_name_without_an_end(native: Native) -> None:
    native.feed([napi_poll("e" * 16, 1)])
    assert [napi.device for napi in native.read().parts["napis"]] == ["e" * 16]


@pytest.mark.parametrize(
    ("work_done", "budget", "packets", "exhausted"),
    [(64, 64, 64, 1), (65, 64, 65, 1), (63, 64, 63, 0), (0, 0, 0, 0), (-1, 64, 0, 0)],
)
def test_what_uses_up_a_budget(
    native: Native, work_done: int, budget: int, packets: int, exhausted: int
) -> None:
    """netpoll has a budget of 0: it only sends."""
    native.feed([napi_poll("eth0", work_done, budget)])
    assert native.read().parts["napis"] == (NapiCount("eth0", 0, 1, packets, exhausted),)


def test_full_map(native: Native) -> None:
    native.limit("napis", 1)
    native.feed([napi_poll("eth0", 1), napi_poll("eth1", 1), napi_poll("eth0", 1)])
    probe = native.read()
    assert probe.parts["napis"] == (NapiCount("eth0", 0, 2, 2, 0),)
    assert losses(probe) == {"map_full": 1}
