"""How late high-resolution timers fire: bpf/timer.c."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from irqwatch.base.collector import (
    WAIT,
    Collector,
    Field,
    Hook,
    Key,
    Metric,
    Probed,
    Shown,
    Words,
)
from irqwatch.base.interval import Interval
from irqwatch.base.measures import counted, grouped, spread, waits
from irqwatch.base.parts import Naming, Part
from irqwatch.base.reading import Reading, histogram
from irqwatch.base.series import Labels
from irqwatch.base.sheet import Exporting, Sheet
from irqwatch.cells import percent, seconds
from irqwatch.model.histogram import EMPTY, Histogram, merge
from irqwatch.model.snapshot import Snapshot, Worst
from irqwatch.model.view import Source

MODES = ("hard", "soft")  # in the order of struct timer_cpu
CPUS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class TimerTime:
    """High-resolution timers on one CPU. ``mode`` is "hard" (they fire in the timer's interrupt) or
    "soft" (in the HRTIMER softirq). ``latency`` is from the expiry to the time at which the kernel
    ran them; those that fired before it, in the slack they allow, are in ``early_count`` only."""

    cpu: int
    mode: str
    latency: Histogram = EMPTY
    early_count: int = 0
    worst_latency: Worst | None = None


TIMERS = Part("timers", TimerTime, ("mode", "cpu"), {"mode": Naming.KERNEL})


def decode(reading: Reading) -> Mapping[str, tuple[Any, ...]]:
    """Of the modes in which a timer fired, by CPU."""
    cpu_at, at = reading.at("timer_cpu"), reading.at("timer")
    found = []
    for cpu, value in reading.each_cpu("timers"):
        for mode, start in zip(MODES, cpu_at.modes, strict=True):
            latency = histogram(value, start + at.latency)
            early_count = value[start + at.early_count]
            if latency.buckets or early_count:
                worst = reading.worst(value, start + at.worst, cpu)
                found.append(TimerTime(cpu, mode, latency, early_count, worst))
    return {"timers": tuple(found)}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerSource(Source):
    """One a mode. They have a latency and no time of their own."""

    early_count: int  # those that fired in their slack
    cpu_latency_p99_s: Mapping[int, float | None]
    cpu_latency_max_s: Mapping[int, float | None]

    def phrases(self) -> Iterator[str]:
        if self.early_count:
            yield f"{percent(self.early_count / self.count)} early"

    def aside(self) -> str | None:
        """The latest CPUs first: "3 41µs, 0 3µs"."""
        if not self.cpu_latency_p99_s:
            return None
        by_cpu = self.cpu_latency_p99_s
        latest = sorted(by_cpu, key=lambda cpu: -(by_cpu[cpu] or 0.0))
        shown = [f"{cpu} {seconds(by_cpu[cpu])}" for cpu in latest[:CPUS_SHOWN]]
        return "p99 by CPU: " + ", ".join(shown) + (", …" if len(latest) > CPUS_SHOWN else "")


def sources(interval: Interval) -> Iterator[Source]:
    """By name."""
    for mode, parts in grouped(TIMERS.of(interval.probe), lambda part: part.mode).items():
        by_cpu = {
            part.cpu: spread(part.latency, part.worst_latency)
            for part in sorted(parts, key=lambda part: part.cpu)
            if part.latency.buckets
        }
        yield TimerSource(
            kind="timer",
            name=mode,
            **counted(
                {part.cpu: part.latency.count + part.early_count for part in parts}, interval.ns
            ),
            **waits(merge(part.latency for part in parts), (part.worst_latency for part in parts)),
            early_count=sum(part.early_count for part in parts),
            cpu_latency_p99_s={cpu: p99_s for cpu, (_, p99_s, _) in by_cpu.items()},
            cpu_latency_max_s={cpu: max_s for cpu, (_, _, max_s) in by_cpu.items()},
        )


def export(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    """By mode: of all CPUs."""
    del exporting
    latency: dict[Labels, list[Histogram]] = {}
    early = sheet.values["irqwatch_timer_early_total"]
    for time in TIMERS.of(snapshot.probe):
        labels: Labels = (time.mode,)
        latency.setdefault(labels, []).append(time.latency)
        early[labels] = early.get(labels, 0) + time.early_count
        sheet.note("irqwatch_timer_latency_max_seconds", labels, time.worst_latency)
    for labels, parts in latency.items():
        sheet.histograms["irqwatch_timer_latency_seconds"][labels] = merge(parts)


COLLECTOR = Collector(
    name="timer",
    what="how late timers fire",
    probed=Probed(
        file="timer.c",
        hooks=(
            Hook("irqw_hrtimer", "hrtimer_expire_entry", ("struct hrtimer *", "s64 *")),
            # Since Linux 7.1.
            Hook(
                "irqw_hrtimer",
                "hrtimer_expire_entry",
                ("struct hrtimer *", "s64"),
                macro="TIMER_NOW_IS_A_VALUE",
            ),
        ),
        fields=(
            Field("hrtimer", "node.expires", ("s64",)),
            Field("hrtimer", "is_soft", ("u8", "bool")),
        ),
        arrays=("timers",),
        losses_in="timers",
    ),
    parts=(TIMERS,),
    decode=decode,
    sources=sources,
    export=export,
    keys=(
        Key(
            "latency_p50_s",
            "seconds",
            "the median of how late they were: from the expiry to when the kernel ran them",
        ),
        Key("latency_max_s", "seconds", "the latest"),
        Key(
            "cpu_latency_p99_s",
            "seconds",
            "CPU number → `latency_p99_s` of that CPU; CPUs on which none was late are left out",
        ),
        Key("cpu_latency_max_s", "seconds", "CPU number → `latency_max_s` of that CPU"),
        Key(
            "early_count",
            "events",
            "the part of `count` that fired before the expiry, within the slack that the timer "
            "allows; `latency_*` is of the others",
        ),
        Key(
            "worst_latency",
            "",
            "the event of `latency_max_s`; its task is the one that was interrupted",
        ),
    ),
    metrics=(
        Metric(
            name="irqwatch_timer_latency_seconds",
            kind="histogram",
            labels=("mode",),
            help=(
                "Time from the expiry of a timer to when the kernel ran it: how late the CPU "
                "answers."
            ),
            unit="seconds",
            meaning=(
                "From a timer's expiry to when the kernel ran it. `mode` is `hard` (it ran in the "
                "timer's interrupt: this is interrupt latency) or `soft` (in the HRTIMER softirq: "
                "that softirq's latency is inside)."
            ),
            example=(
                "histogram_quantile(0.99, sum by (le, instance) "
                '(rate(irqwatch_timer_latency_seconds_bucket{mode="hard"}[5m])))'
            ),
        ),
        Metric(
            name="irqwatch_timer_latency_max_seconds",
            kind="gauge",
            labels=("mode",),
            help="Latest timer seen in the last one to two minutes.",
            unit="seconds",
            meaning="The latest timer seen in the last one to two minutes.",
            example='max by (instance) (irqwatch_timer_latency_max_seconds{mode="hard"})',
        ),
        Metric(
            name="irqwatch_timer_early_total",
            kind="counter",
            labels=("mode",),
            help="Timers that fired before their expiry, in the slack that they allow.",
            unit="timers",
            meaning=(
                "Timers that fired before their expiry, along with another one, within the slack "
                "that they allow (50 µs for a sleep of an ordinary task). They are not in the "
                "latency."
            ),
            example="sum by (mode) (rate(irqwatch_timer_early_total[5m]))",
        ),
    ),
    shown=Shown(
        "one that fires; LAT99 is how late", digit="7", says=frozenset({WAIT}), colour="magenta"
    ),
    slow_kinds=("timer",),
    stimulus="timer",
    words=Words(
        title="Timers",
        event="a timer that fires",
        cost="0.7 µs from idle",
        before="""\
How late the machine answers: a high-resolution timer says when it is due, and the kernel traces
when it runs it. Between the two are the hardware, a hypervisor, and whatever kept interrupts off.
Both times are the kernel's, on the timer's own clock: the probe reads no clock for this.
""",
        after="""\
The kernel reads the time once for all timers that are due, so what the function of one takes is not
in the latency of the next. A timer that is set to a time in the past is late from the start, and so
is one on CLOCK_REALTIME when that clock is set forward, or any after a suspend: that is not the
CPU's doing. On PREEMPT_RT most timers are soft.
""",
        json="""\
`name` is `hard`, timers that fire in the timer's interrupt, or `soft`, those that fire in the
HRTIMER softirq. They have no time of their own, so `seconds`, `share` and `p50_s` to `max_s` are
`null`: it is the latency that counts.
""",
    ),
)
