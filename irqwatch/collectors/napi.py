"""Polls of network devices: bpf/napi.c."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from irqwatch.base.collector import (
    Collector,
    Column,
    Field,
    Folded,
    Hook,
    Key,
    Metric,
    Probed,
    Room,
    Shown,
    Table,
    Words,
)
from irqwatch.base.interval import Interval
from irqwatch.base.measures import counted, grouped
from irqwatch.base.parts import Naming, Part
from irqwatch.base.reading import Reading, text
from irqwatch.base.series import COUNTED_NS, OTHER, Bound, Member, MemberKey
from irqwatch.base.sheet import Exporting, Sheet
from irqwatch.cells import count, percent
from irqwatch.model.snapshot import Snapshot
from irqwatch.model.view import Source

BACKLOG = "backlog"
NO_NAME = "(none)"  # of the dummies that drivers made themselves, before Linux 6.10


SHOWN_APART = Bound(4, 32)


@dataclass(frozen=True, slots=True)
class NapiCount:
    """Polls of one network device on one CPU; ``device`` is "backlog" for the queue that has none.
    ``exhausted_count`` are the polls that used up their budget."""

    device: str
    cpu: int
    poll_count: int = 0
    packet_count: int = 0
    exhausted_count: int = 0


NAPIS = Part("napis", NapiCount, ("device", "cpu"), {"device": Naming.DEVICE})


def decode(reading: Reading) -> Mapping[str, tuple[Any, ...]]:
    """Sorted. Devices of one name (in several network namespaces) are counted together."""
    at = reading.at("napi")
    found = (
        NapiCount(
            device=(text(key.device) or NO_NAME) if key.has_device else BACKLOG,
            cpu=key.cpu,
            poll_count=value[at.polls],
            packet_count=value[at.packets],
            exhausted_count=value[at.exhausted],
        )
        for key, value in reading.entries("napis")
    )
    return {"napis": tuple(sorted(NAPIS.merged(found), key=lambda one: (one.device, one.cpu)))}


@dataclass(frozen=True, slots=True, kw_only=True)
class NapiSource(Source):
    """One a device. Polls are counted, not timed."""

    packet_count: int
    exhausted_count: int  # polls that used up their budget

    def phrases(self) -> Iterator[str]:
        yield f"{self.packet_count:,} packets"
        if self.exhausted_count:
            yield f"{percent(self.exhausted_count / self.count)} to the end of the budget"

    def aside(self) -> str | None:
        return f"packets a poll: {self.packet_count / self.count:.1f}"


def sources(interval: Interval) -> Iterator[Source]:
    """By name."""
    for device, parts in grouped(NAPIS.of(interval.probe), lambda part: part.device).items():
        yield NapiSource(
            kind="napi",
            name=device,
            **counted({part.cpu: part.poll_count for part in parts}, interval.ns),
            packet_count=sum(part.packet_count for part in parts),
            exhausted_count=sum(part.exhausted_count for part in parts),
        )


def export(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    """By device."""
    probe = snapshot.probe
    if probe is None:
        return
    devices = exporting.groups("napi", "napi", SHOWN_APART, (OTHER,), probe.attached_ns)
    members: dict[MemberKey, Member] = {
        (napi.device, napi.cpu): Member(
            (napi.device,),
            napi.packet_count * COUNTED_NS,
            (napi.poll_count, napi.packet_count, napi.exhausted_count),
        )
        for napi in NAPIS.of(probe)
    }
    found = {member.group for member in members.values()}
    always = found if len(found) <= devices.limit else ()
    for labels, total in devices.update(members, exporting.now_ns, always).items():
        polls, packets, exhausted = total.counts
        sheet.values["irqwatch_napi_polls_total"][labels] = polls
        sheet.values["irqwatch_napi_packets_total"][labels] = packets
        sheet.values["irqwatch_napi_budget_exhausted_total"][labels] = exhausted


def _packet_rate(source: NapiSource) -> str:
    return count(source.rate * source.packet_count / source.count)


def _exhausted_share(source: NapiSource) -> str:
    return percent(source.exhausted_count / source.count)


NO_DEVICE = (
    "`backlog` is the queue that each CPU has without a device: packets over loopback and those "
    "that RPS steers. `(none)` is devices without a name: before Linux 6.10 some drivers (mostly "
    "of wifi) had dummies."
)

COLLECTOR = Collector(
    name="napi",
    what="polls of network devices",
    probed=Probed(
        file="napi.c",
        hooks=(Hook("irqw_napi_poll", "napi_poll", ("struct napi_struct *", "s32", "s32")),),
        fields=(
            Field("napi_struct", "dev", ("struct net_device *",)),
            Field("net_device", "name", ("char[]",)),
        ),
        tables=(Table("napis", lambda size: max(64, size.on_each_cpu(32)), Room.IDLE),),
        arrays=("napi_losses",),
        losses_in="napi_losses",
    ),
    parts=(NAPIS,),
    decode=decode,
    sources=sources,
    export=export,
    chosen_by="device",
    keys=(
        Key("packet_count", "packets", "what the polls did, in packets as the driver counts them"),
        Key(
            "exhausted_count",
            "events",
            "the part of `count` that used up the budget: there was more to do",
        ),
    ),
    metrics=(
        Metric(
            name="irqwatch_napi_polls_total",
            kind="counter",
            labels=("device",),
            help="Polls of a network device.",
            unit="polls",
            meaning=(f"Polls of a network device, on all of its queues. {NO_DEVICE}"),
            example="topk(5, rate(irqwatch_napi_polls_total[5m]))",
        ),
        Metric(
            name="irqwatch_napi_packets_total",
            kind="counter",
            labels=("device",),
            help=(
                "Work that the polls of a network device did, in packets as its driver counts them."
            ),
            unit="packets",
            meaning=(
                "What the polls did, in packets as the driver counts them: those received, and in "
                "some drivers those whose sending was completed. Divided by polls, it says how "
                "well packets are batched."
            ),
            example="rate(irqwatch_napi_packets_total[5m]) / rate(irqwatch_napi_polls_total[5m])",
        ),
        Metric(
            name="irqwatch_napi_budget_exhausted_total",
            kind="counter",
            labels=("device",),
            help="Polls of a network device that used up their budget: there was more to do.",
            unit="polls",
            meaning=(
                "Polls that used up their budget (mostly 64 packets): there was more to do, and "
                "the device is polled again without an interrupt."
            ),
            example=(
                "rate(irqwatch_napi_budget_exhausted_total[5m]) / "
                "rate(irqwatch_napi_polls_total[5m])"
            ),
        ),
    ),
    shown=Shown(
        "polls of devices",
        digit="9",
        says=frozenset(),
        columns=(
            Column("PKTS/S", 6, _packet_rate),
            Column("FULL", 6, _exhausted_share, from_width=48),
        ),
        colour="blue",
    ),
    stimulus="packet",
    words=Words(
        title="Network polls",
        event="a poll of a network device",
        cost="0.2 µs",
        after="""\
Devices of the same name in several network namespaces are counted together.
""",
        json=f"""\
`name` is the network device; `count` is of its polls, which are not timed.
{NO_DEVICE}
""",
        folded=(
            Folded(
                "polls of network devices (`device`)",
                SHOWN_APART,
                "all, where the host has no more of them; a packet counts as a microsecond",
            ),
        ),
    ),
)
