"""What followed from which interrupt, of what all collectors know of it. It has no program of its
own: causes travel in the probe (docs/decisions/008-cause-travels-in-the-probe.md)."""

from irqwatch.base.collector import (
    LINE,
    RUN,
    TIME,
    Collector,
    Folded,
    Metric,
    Probed,
    Shown,
    Words,
)
from irqwatch.base.measures import NS
from irqwatch.base.series import OTHER, Bound, Labels, Member, MemberKey
from irqwatch.base.sheet import Exporting, Sheet
from irqwatch.model.snapshot import Snapshot

SHOWN_APART = Bound(8, 48)
NO_INTERRUPT = "none"


def _other(group: Labels) -> Labels:
    """One of each kind: they are not of one unit."""
    *_, kind, _ = group
    return (OTHER, OTHER, kind, OTHER)


def export(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    """By handler, and what it caused."""
    probe = snapshot.probe
    if probe is None:
        return
    causes = exporting.groups("cause", "cause", SHOWN_APART, _other, probe.attached_ns)
    members: dict[MemberKey, Member] = {}
    untimed: set[MemberKey] = set()
    for part in exporting.follows(probe):
        cause = ("", part.cause or NO_INTERRUPT)
        handler = cause if part.irq is None else exporting.labels.handler(part.irq, part.cause)
        way = (part.cpu, part.via, part.workqueue)
        member = (part.irq, part.cause, part.kind, part.name, *way)
        name = part.name
        if part.kind == "thread" and part.irq is not None:
            name = exporting.labels.handler(part.irq, part.name).action
        counts = (part.runs.count, part.runs.ns)
        members[member] = Member((*handler, part.kind, name), part.runs.ns, counts)
        if not part.is_timed:
            untimed.add(member)
    sums = causes.update(members, exporting.now_ns)
    unknown = {causes.group(member) for member in untimed}
    for labels, total in sums.items():
        count, ns = total.counts
        if count or ns:
            sheet.values["irqwatch_caused_total"][labels] = count
            if labels not in unknown:
                sheet.values["irqwatch_caused_seconds_total"][labels] = ns / NS


COLLECTOR = Collector(
    name="cause",
    what="what interrupts cause",
    is_hidden=True,
    probed=Probed(file=None, losses_in=None),
    export=export,
    metrics=(
        Metric(
            name="irqwatch_caused_total",
            kind="counter",
            labels=("device", "action", "kind", "name"),
            help="Softirqs, runs of its thread and work items that an interrupt caused.",
            unit="runs",
            meaning="Softirqs, runs of its thread, and work items that an interrupt caused.",
            example='sum by (action, name) (rate(irqwatch_caused_total{kind="softirq"}[5m]))',
        ),
        Metric(
            name="irqwatch_caused_seconds_total",
            kind="counter",
            labels=("device", "action", "kind", "name"),
            help=(
                "Run time of the softirqs, the thread and the work items that an interrupt caused."
            ),
            unit="seconds",
            meaning=(
                "Their run time; of work, its time on a CPU. Added to "
                "`irqwatch_hardirq_duration_seconds_sum` it is what a device costs."
            ),
            example=(
                "topk(10, sum by (device, kind, name) (rate(irqwatch_caused_seconds_total[5m])))"
            ),
        ),
    ),
    shown=Shown("interrupts, what followed: WHOLE", digit="6", says=frozenset({LINE, TIME, RUN})),
    words=Words(
        title="Cause",
        event="",
        cost="",
        before="""\
What an interrupt costs beyond its top half. A softirq follows from the interrupt that raised it
(the oldest raise not yet served), and one that was raised by another softirq from that one's cause;
a work item follows from what queued it.

One run of NET_RX may poll the queues of several lines. The run counts for the line that raised it
first. The time of each poll goes to the poll's own line where that is known (by the `napi`
collector, which sees the polls), so a line may have seconds without a run.

- `action` is the handler. Where `device` is empty it may be a vector, or `none`: tasks, loopback
  traffic, and what follows from interrupts that no collector times.
- `kind` is `softirq`, `thread` or `work`.
- `name` is the softirq (`NET_RX`), the action whose thread it is, or the work function.

Sums over all causes are the whole. These two are equal:

```promql
sum by (instance) (rate(irqwatch_caused_seconds_total{kind="softirq"}[5m]))
sum by (instance) (rate(irqwatch_softirq_duration_seconds_sum[5m]))
```
""",
        folded=(Folded("causes (`device`, `action`, `kind`, `name`)", SHOWN_APART),),
    ),
)
