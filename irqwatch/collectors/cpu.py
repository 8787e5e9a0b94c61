"""What interrupts take of each CPU's time, of what all collectors know of it. It has no program of
its own."""

from irqwatch.base.collector import Collector, Metric, Probed, Words
from irqwatch.base.measures import NS
from irqwatch.base.sheet import Exporting, Sheet
from irqwatch.model.snapshot import Snapshot

NAME = "irqwatch_cpu_interrupt_seconds_total"


def export(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    """By CPU and kind, what others have put aside for it in this scrape: it comes after them."""
    if snapshot.probe is None:
        return
    taken, exporting.time_by_cpu = exporting.time_by_cpu, []
    for cpu_and_kind, ns in exporting.cpu_times.update(taken).items():
        if ns:
            sheet.values[NAME][cpu_and_kind] = ns / NS


COLLECTOR = Collector(
    name="cpu",
    what="CPUs' time in interrupts",
    is_hidden=True,
    probed=Probed(file=None, losses_in=None),
    export=export,
    metrics=(
        Metric(
            name=NAME,
            kind="counter",
            labels=("cpu", "kind"),
            help="Time that interrupts took of a CPU: hard ones, or softirqs without those inside.",
            unit="seconds",
            meaning=(
                "Time that interrupts took of a CPU. `kind` is `hardirq` (handlers of lines, those "
                'that answered "not mine" too, and the architecture\'s own, as far as they are '
                "timed) or `softirq` (without the hard interrupts inside; on PREEMPT_RT, where "
                "softirqs can be preempted, wall time). Its rate is a share of the CPU, 0 to 1. On "
                "every host it is of every CPU."
            ),
            example="sum by (instance, cpu) (rate(irqwatch_cpu_interrupt_seconds_total[5m]))",
        ),
    ),
    words=Words(title="CPUs", event="", cost=""),
)
