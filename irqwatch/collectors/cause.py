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
from irqwatch.base.fold import OTHER, Labels, Vector
from irqwatch.base.measures import NS
from irqwatch.base.sheet import Exporting, Sheet
from irqwatch.model.snapshot import Snapshot

SHOWN_APART = 512
NO_INTERRUPT = "none"


def export(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    """By interrupt, else by device, and what it caused."""
    causes = exporting.groups("cause", SHOWN_APART, ("", OTHER, OTHER, OTHER, OTHER))
    by_line = exporting.detail.by_line
    members: dict[Labels, tuple[Labels, Vector]] = {}
    untimed: set[Labels] = set()
    for part in exporting.follows(snapshot.probe):
        irq = "" if part.irq is None or not by_line else str(part.irq)
        action = (part.cause or NO_INTERRUPT) if part.irq is None or by_line else ""
        group = (irq, action, exporting.device(part.irq), part.kind, part.name)
        way = (str(part.cpu), part.via, part.workqueue or "")
        member = (str(part.irq), part.cause, part.kind, part.name, *way)
        members[member] = group, (part.runs.count, part.runs.ns)
        if not part.is_timed:
            untimed.add(member)
    sums = causes.update(members)
    unknown = {causes.group(member) for member in untimed}
    for labels, (count, ns) in sums.items():
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
            labels=("irq", "action", "device", "kind", "name"),
            help="Softirqs, runs of its thread and work items that an interrupt caused.",
            unit="runs",
            meaning="Softirqs, runs of its thread, and work items that an interrupt caused.",
            example='sum by (action, name) (rate(irqwatch_caused_total{kind="softirq"}[5m]))',
        ),
        Metric(
            name="irqwatch_caused_seconds_total",
            kind="counter",
            labels=("irq", "action", "device", "kind", "name"),
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

- `action` is the handler. Where `irq` is empty it is the vector, or `none`: tasks, loopback
  traffic, and what follows from interrupts that no collector times.
- `kind` is `softirq`, `thread` or `work`.
- `name` is the softirq (`NET_RX`), the action whose thread it is, or the work function.

Sums over all causes are the whole. These two are equal:

```promql
sum by (name) (rate(irqwatch_caused_seconds_total{kind="softirq"}[5m]))
sum by (vector) (rate(irqwatch_softirq_duration_seconds_sum[5m]))
```
""",
        folded=(
            Folded(
                "causes (`irq`, `action`, `device`, `kind`, `name`)",
                f"the first {SHOWN_APART} that are seen, by line or device as hard interrupt times",
                "`other` in each label but `irq`, which is empty",
            ),
        ),
    ),
)
