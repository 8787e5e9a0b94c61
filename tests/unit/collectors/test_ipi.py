"""What the probe keeps of interrupts that CPUs send each other, merged by name; what faces make of
it."""

import json
import re
from collections.abc import Mapping
from typing import Any

from irqwatch.base.series import Filter, Labels
from irqwatch.base.sheet import Sheet
from irqwatch.collectors import COLLECTORS
from irqwatch.collectors.ipi import (
    SHOWN_APART,
    IpiAsked,
    IpiSender,
    IpiSent,
    IpiSource,
    decode,
    sources,
)
from irqwatch.model.histogram import Histogram
from irqwatch.model.snapshot import SCHEMA, Host, Snapshot, Worst
from irqwatch.model.view import CpuPart, PartRow, Source, View
from irqwatch.sink.prometheus.values import Accountant
from irqwatch.sink.view_json import to_json
from tests.probes import a_probe, an_interval
from tests.unit.collectors.readings import LAYOUTS, entry, reading

KINDS = LAYOUTS.enum("ipi_kind")
CALL, RESCHEDULE, SELF = (KINDS[f"IPI_{name}"] for name in ("CALL", "RESCHEDULE", "SELF"))
ONE, TWO = Histogram({13: 1}, 256), Histogram({13: 1, 25: 1}, 2304)
WORST = Worst(2048, 99, 1, 7, "nginx")


def sent(kind: int, place: tuple[int, int], names: tuple[bytes, bytes], **members: int) -> Any:
    """``place``: the addresses of the function and of the call site."""
    key = {"kind": kind, "function": place[0], "callsite": place[1], "cpu": 0}
    return entry("ipi_sends", key, {"function": names[0], "callsite": names[1], **members})


def asked(kind: int, function: int, name: bytes, cpu: int, count: int) -> Any:
    key = {"kind": kind, "function": function, "cpu": cpu}
    return entry("ipi_targets", key, {"function": name, "asked": count})


def ran(function: int, name: bytes, cpu: int, **members: Any) -> Any:
    key = {"kind": CALL, "function": function, "cpu": cpu}
    return entry("ipi_runs", key, {"function": name, **members})


def test_places_of_one_name_count_together() -> None:
    found = decode(
        reading(
            {
                "ipi_sends": [
                    sent(RESCHEDULE, (0, 0xA10), (b"", b"wakeup"), interrupts=3),
                    sent(RESCHEDULE, (0, 0xA30), (b"", b"wakeup"), interrupts=4),
                    sent(CALL, (0xF0, 0xB10), (b"flush", b"on_each"), calls=5, interrupts=2),
                    sent(SELF, (0xF1, 0xC10), (b"work", b"queue"), interrupts=1),
                ]
            }
        )
    )
    assert found["ipi_sent"] == (
        IpiSent("call", "flush", "on_each", 0, 5, 2),
        IpiSent("reschedule", "", "wakeup", 0, 0, 7),
        IpiSent("self", "work", "queue", 0, 0, 1),
    )


def test_what_was_asked_and_what_ran_are_one() -> None:
    worst = {"slot": {0: {"ns": 2048, "at_ns": 99, "pid": 7, "comm": b"nginx"}}}
    found = decode(
        reading(
            {
                "ipi_targets": [
                    asked(CALL, 0xF0, b"flush", 1, 2),
                    asked(RESCHEDULE, 0, b"", 1, 9),
                ],
                "ipi_runs": [
                    ran(
                        0xF0,
                        b"flush",
                        1,
                        latency={"sum_ns": 2304, "buckets": {13: 1, 25: 1}},
                        run={"sum_ns": 256, "buckets": {13: 1}},
                        worst_latency=worst,
                    )
                ],
            }
        )
    )
    assert found["ipi_asked"] == (
        IpiAsked("call", "flush", 1, 2, TWO, ONE, WORST),
        IpiAsked("reschedule", "", 1, 9),
    )


SENT = (
    IpiSent("call", "flush", "on_each", 0, 2, 1),
    IpiSent("call", "flush", "kick", 0, 1, 0),
    IpiSent("call", "flush", "on_each", 2, 6, 6),
    IpiSent("reschedule", "", "wakeup", 1, 0, 4),
)
ASKED = (
    IpiAsked("call", "flush", 1, 6, TWO, ONE, WORST),
    IpiAsked("call", "flush", 3, 3, ONE, ONE, None, WORST),
    IpiAsked("reschedule", "", 0, 4),
    IpiAsked("self", "work", 0, 0),
)


def some() -> list[Source]:
    found = sources(an_interval(a_probe(COLLECTORS, 0, ipi_sent=SENT, ipi_asked=ASKED), 10**9))
    return [source for source in found if source.happened]


def test_a_function_has_its_targets_and_its_senders() -> None:
    flush, _ = some()
    assert isinstance(flush, IpiSource)
    assert (flush.name, flush.beside, flush.count, flush.rate) == ("flush", None, 9, 9.0)
    assert flush.interrupt_count == 7
    assert flush.cpus == {1: CpuPart(6, 256e-9), 3: CpuPart(3, 256e-9)}
    assert (flush.seconds, flush.share) == (512e-9, 512e-9)
    assert flush.latency_max_s == 2048e-9
    assert (flush.worst_latency, flush.worst) == (WORST, WORST)
    assert flush.senders == (
        IpiSender(2, "on_each", 6, 6),
        IpiSender(0, "on_each", 2, 1),
        IpiSender(0, "kick", 1, 0),
    )
    assert list(flush.parts()) == [PartRow("by on_each", 8, 8.0), PartRow("by kick", 1, 1.0)]
    assert list(flush.phrases()) == ["7 interrupts", "from CPUs 0,2"]
    assert {"flush", "call", "on_each", "kick"} <= set(flush.words())


def test_of_a_reschedule_no_time_is_known() -> None:
    _, reschedule = some()
    assert isinstance(reschedule, IpiSource)
    assert (reschedule.name, reschedule.beside, reschedule.count) == ("reschedule", None, 4)
    assert reschedule.cpus == {0: CpuPart(4, None)}
    assert (reschedule.seconds, reschedule.p99_s, reschedule.latency_p99_s) == (None, None, None)


def test_an_irq_work_is_told_from_a_call_of_its_function() -> None:
    parts = (IpiAsked("self", "work", 0, 1), IpiAsked("call", "work", 0, 1))
    found = sources(an_interval(a_probe(COLLECTORS, 0, ipi_asked=parts)))
    assert [source.beside for source in found] == [None, "self"]


def test_json_has_the_senders() -> None:
    view = View(1.0, 1, 1, Host("", "", ""), tuple(some()), (), frozenset(COLLECTORS), None)
    flush, reschedule = json.loads(to_json(view))["sources"]
    assert flush["senders"][0] == {
        "cpu": 2,
        "call_site": "on_each",
        "call_count": 6,
        "interrupt_count": 6,
    }
    assert flush["cpus"] == {"1": 6, "3": 3}
    assert (flush["purpose"], reschedule["purpose"]) == ("call", "reschedule")
    assert reschedule["seconds"] is None


def counts_and_sums(found: Mapping[Labels, Histogram]) -> dict[Labels, tuple[int, int]]:
    return {labels: (one.count, one.sum_ns) for labels, one in found.items()}


def sheet(*samples: tuple[Any, ...], shown: str) -> Sheet:
    """Of the last of these (sent, asked); functions that ``shown`` finds are shown apart."""
    made = [
        Snapshot(
            SCHEMA,
            monotonic_ns=at * 10**9,
            wall_ns=at,
            host=Host("", "", ""),
            probe=a_probe(COLLECTORS, 0, ipi_sent=sent, ipi_asked=asked),
        )
        for at, (sent, asked) in enumerate(samples, 1)
    ]
    accountant = Accountant(made[0], COLLECTORS, {"ipi": Filter(re.compile(shown))})
    return [accountant.update(one, {}) for one in made][-1]


def test_metrics_are_by_function() -> None:
    values = sheet((SENT, ASKED), shown="flush|reschedule|work")
    interrupts = values.values["irqwatch_ipi_interrupts_total"]
    assert interrupts == {("flush",): 7, ("reschedule",): 4}
    assert values.values["irqwatch_ipi_calls_total"] == {("flush",): 9}
    latency = values.histograms["irqwatch_ipi_latency_seconds"]
    assert counts_and_sums(latency) == {("flush",): (3, 2560)}
    run = values.histograms["irqwatch_ipi_duration_seconds"]
    assert counts_and_sums(run) == {("flush",): (2, 512)}
    assert values.values["irqwatch_ipi_latency_max_seconds"] == {("flush",): 2048e-9}
    assert values.values["irqwatch_ipi_duration_max_seconds"] == {("flush",): 2048e-9}


def test_functions_without_end_are_other() -> None:
    room = SHOWN_APART.most
    first = tuple(IpiSent("call", f"f{n}", "on_each", 0, 1, 1) for n in range(room))
    late = (IpiSent("call", "late", "on_each", 0, 3, 2), IpiSent("call", "later", "kick", 1, 1, 1))
    waited = (IpiAsked("call", "late", 1, 3, ONE, ONE, WORST),)
    values = sheet((first, ()), ((*first, *late), waited), shown="")
    assert values.values["irqwatch_ipi_interrupts_total"]["other",] == 3
    assert values.values["irqwatch_ipi_calls_total"]["other",] == 4
    assert len(values.values["irqwatch_ipi_interrupts_total"]) == room + 1
    assert values.histograms["irqwatch_ipi_latency_seconds"].keys() == {("other",)}
    assert values.values["irqwatch_ipi_latency_max_seconds"].keys() == {("other",)}
