"""How long signals wait to be delivered: bpf/signal.c."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from signal import SIGRTMIN, Signals
from typing import Any

from irqwatch.base.collector import (
    RUN,
    TIME,
    WAIT,
    Collector,
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
from irqwatch.base.measures import counted, grouped, waits
from irqwatch.base.parts import Naming, Part
from irqwatch.base.reading import Reading, histogram
from irqwatch.base.series import COUNTED_NS, OTHER, Bound, Member, MemberKey
from irqwatch.base.sheet import Exporting, Sheet
from irqwatch.model.histogram import EMPTY, Histogram, merge
from irqwatch.model.snapshot import Snapshot, Worst
from irqwatch.model.view import Source

SHOWN_APART = Bound(1, 4)


@dataclass(frozen=True, slots=True)
class SignalTime:
    """Signals of one name and origin on one CPU. Generated there: ``generated_count``, and
    ``dropped_count`` of those were ignored, already pending, or found no room. Delivered there:
    ``latency`` is generated-to-delivered, and ``worst_latency`` names who got it."""

    signal: str  # "SIGALRM"
    origin: str  # "user", "timer", "exception", "kernel"
    cpu: int
    generated_count: int = 0
    dropped_count: int = 0
    latency: Histogram = EMPTY
    worst_latency: Worst | None = None


SIGNALS = Part(
    "signals",
    SignalTime,
    ("signal", "origin", "cpu"),
    {"signal": Naming.KERNEL, "origin": Naming.KERNEL},
)


def decode(reading: Reading) -> Mapping[str, tuple[Any, ...]]:
    """In the order of the signals' numbers."""
    at = reading.at("signal_times")
    origins = [name.removeprefix("ORIGIN_").lower() for name in reading.layouts.enum("origin")]
    entries = sorted(reading.entries("signals"), key=lambda entry: entry[0])
    return {
        "signals": tuple(
            SignalTime(
                signal=name_of(key.signal),
                origin=origins[key.origin],
                cpu=key.cpu,
                generated_count=value[at.generated_count],
                dropped_count=value[at.dropped_count],
                latency=histogram(value, at.latency),
                worst_latency=reading.worst(value, at.worst, key.cpu),
            )
            for key, value in entries
        )
    }


def name_of(signal: int) -> str:
    """As signal(7) has it: "SIGALRM", "SIGRTMIN+3"; "SIG32" for what libc keeps for itself."""
    try:
        return Signals(signal).name
    except ValueError:
        return f"SIGRTMIN+{signal - SIGRTMIN}" if signal > SIGRTMIN else f"SIG{signal}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalSource(Source):
    """One for each signal and what sent it. What is counted is their generation; they have a
    latency and no time of their own."""

    origin: str
    delivered_count: int
    dropped_count: int  # ignored, already pending, or no room

    @property
    def happened(self) -> bool:
        return bool(self.count or self.delivered_count)

    @property
    def beside(self) -> str | None:
        return self.origin

    def words(self) -> Iterator[str | None]:
        yield from (self.kind, self.name, self.origin)

    def phrases(self) -> Iterator[str]:
        yield f"{self.delivered_count:,} delivered"
        if self.dropped_count:
            yield f"{self.dropped_count:,} ignored or pending already"


def sources(interval: Interval) -> Iterator[Source]:
    """By name and origin."""
    kinds = grouped(SIGNALS.of(interval.probe), lambda part: (part.signal, part.origin))
    for (signal, origin), parts in kinds.items():
        latency = merge(part.latency for part in parts)
        yield SignalSource(
            kind="signal",
            name=signal,
            **counted({part.cpu: part.generated_count for part in parts}, interval.ns),
            origin=origin,
            **waits(latency, (part.worst_latency for part in parts)),
            delivered_count=latency.count,
            dropped_count=sum(part.dropped_count for part in parts),
        )


def export(sheet: Sheet, snapshot: Snapshot, exporting: Exporting) -> None:
    """By signal and origin."""
    probe = snapshot.probe
    if probe is None:
        return
    signals = exporting.groups("signal", "signal", SHOWN_APART, (OTHER, OTHER), probe.attached_ns)
    times = SIGNALS.of(probe)
    members: dict[MemberKey, Member] = {
        (time.signal, time.origin, time.cpu): Member(
            (time.signal, time.origin),
            time.generated_count * COUNTED_NS,
            (time.generated_count, time.dropped_count),
            (time.latency,),
        )
        for time in times
    }
    for labels, total in signals.update(members, exporting.now_ns).items():
        generated, dropped = total.counts
        if generated or total.times[0].count:
            sheet.histograms["irqwatch_signal_latency_seconds"][labels] = total.times[0]
            sheet.values["irqwatch_signals_generated_total"][labels] = generated
            sheet.values["irqwatch_signals_dropped_total"][labels] = dropped
    for time in times:
        labels = signals.shown_as((time.signal, time.origin))
        sheet.note("irqwatch_signal_latency_max_seconds", labels, time.worst_latency)


ORIGINS = (
    "`user` (kill() and its like), `timer` (setitimer(), timer_create()), `exception` (the CPU's, "
    "such as a bad page fault for SIGSEGV), `kernel` (the rest, such as the SIGCHLD of a child "
    "that ended)"
)

COLLECTOR = Collector(
    name="signal",
    what="signals",
    probed=Probed(
        file="signal.c",
        hooks=(
            Hook("irqw_sig_deliv", "signal_deliver", ("s32", "struct kernel_siginfo *")),
            Hook(
                "irqw_sig_gen",
                "signal_generate",
                ("s32", "struct kernel_siginfo *", "struct task_struct *", "s32", "s32"),
            ),
        ),
        fields=(
            Field("kernel_siginfo", "si_code", ("s32",)),
            Field("task_struct", "pid", ("s32",)),
            Field("task_struct", "tgid", ("s32",)),
            Field("task_struct", "signal", ("struct signal_struct *",)),
            Field("signal_struct", "group_exit_code", ("s32",)),
        ),
        constants=(("TRACE_SIGNAL_DELIVERED", 0), ("TRACE_SIGNAL_LOSE_INFO", 4)),
        tables=(
            # Those that are never delivered stay until they are old.
            Table("signals_pending", lambda size: 1024, Room.ABANDONED),
            Table("signals", lambda size: max(256, size.on_each_cpu(16))),
        ),
        arrays=("signal_losses",),
        losses_in="signal_losses",
    ),
    parts=(SIGNALS,),
    decode=decode,
    sources=sources,
    export=export,
    chosen_by="signal",
    keys=(
        Key(
            "origin",
            "",
            f"what sent it: {ORIGINS}",
        ),
        Key("latency_p50_s", "seconds", "the median time from generation to delivery"),
        Key("latency_max_s", "seconds", "the longest such wait"),
        Key(
            "delivered_count",
            "events",
            "those that were delivered, which `latency_*` is of. Not signals that sigwait() or "
            "signalfd take: nothing traces that",
        ),
        Key(
            "dropped_count",
            "events",
            "the part of `count` that was ignored, was pending already, or found no room",
        ),
        Key("worst_latency", "", "the event of `latency_max_s`; its task is the one that got it"),
    ),
    metrics=(
        Metric(
            name="irqwatch_signal_latency_seconds",
            kind="histogram",
            labels=("signal", "origin"),
            help="Time from the generation of a signal to its delivery.",
            unit="seconds",
            meaning=(
                "From generation to delivery. A blocked signal waits for as long as it is blocked."
            ),
            example=(
                "histogram_quantile(0.99, sum by (le, signal, origin) "
                "(rate(irqwatch_signal_latency_seconds_bucket[5m])))"
            ),
        ),
        Metric(
            name="irqwatch_signal_latency_max_seconds",
            kind="gauge",
            labels=("signal", "origin"),
            help="Longest wait of a signal seen in the last one to two minutes.",
            unit="seconds",
            meaning="The longest such wait seen in the last one to two minutes.",
            example="topk(5, irqwatch_signal_latency_max_seconds)",
        ),
        Metric(
            name="irqwatch_signals_generated_total",
            kind="counter",
            labels=("signal", "origin"),
            help="Signals generated, by what sent them.",
            unit="signals",
            meaning="Signals generated, delivered or not.",
            example="topk(5, rate(irqwatch_signals_generated_total[5m]))",
        ),
        Metric(
            name="irqwatch_signals_dropped_total",
            kind="counter",
            labels=("signal", "origin"),
            help="Signals that were ignored, were pending already, or found no room in the queue.",
            unit="signals",
            meaning="The part of those that was ignored, was pending already, or found no room.",
            example="topk(5, rate(irqwatch_signals_dropped_total[5m]))",
        ),
    ),
    shown=Shown("LAT99: to delivery", says=frozenset({TIME, RUN, WAIT}), colour="cyan"),
    stimulus="signal",
    words=Words(
        title="Signals",
        event="a signal (generated, delivered)",
        cost="1 µs",
        after=f"""\
`origin` is what sent it: {ORIGINS}.

A signal that ends its process is delivered when the first thread sees it. Signals that sigwait() or
signalfd take have no tracepoint: they are generated and never delivered. Of real-time signals that
queue up, the oldest is timed; those behind it are counted as `deliver_behind_another` in
`irqwatch_lost_events_total`.
""",
        folded=(Folded("signals (`signal`, `origin`); one counts as a microsecond", SHOWN_APART),),
        json="""\
`name` is the signal; there is one source for each signal and origin. `count` is of signals
generated, `cpus` says on which CPU.
""",
    ),
)
