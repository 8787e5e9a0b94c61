"""One source in at most three lines: what it did, and the stories of its worst events."""

from collections.abc import Mapping
from datetime import tzinfo

from irqwatch.cells import Line, Span, percent, seconds
from irqwatch.model.snapshot import Worst
from irqwatch.model.view import Source, View
from irqwatch.sink.top.header import clock
from irqwatch.sink.top.table import name, taken_by

PROCESSES_SHOWN = 4
CPUS_SHOWN = 8


def lines(source: Source, view: View, zone: tzinfo | None) -> list[Line]:
    number = "" if source.irq is None else f" {source.irq}"
    device = f" of {source.device}" if source.device else ""
    first = (Span(f"{source.kind}{number} {name(source)}{device}", "title"), Span(_did(source)))
    if source.processes:
        worst = "by: " + _by_process(source)
    elif source.taken_by:
        worst = "by: " + taken_by(source)
    elif source.cpu_latency_p99_s:
        worst = "p99 by CPU: " + _by_cpu(source.cpu_latency_p99_s)
    elif source.packet_count is not None:
        worst = f"packets a poll: {source.packet_count / source.count:.1f}"
    else:
        worst = "worst: " + (story(source.worst, view, zone) if source.worst else "not known")
    stories: list[Line] = [(Span(worst, "dim"),)]
    if source.worst_latency:
        wait = "longest wait: " + story(source.worst_latency, view, zone)
        stories.append((Span(wait, "dim"),))
    return [first, *stories]


def _did(source: Source) -> str:
    parts = [f": {source.count:,} times"]
    if source.seconds is not None:
        parts.append(f"{seconds(source.seconds)} in all")
    if source.not_mine_count:
        parts.append(f"{percent(source.not_mine_count / source.count)} not mine")
    if source.ksoftirqd_count:
        parts.append(f"{percent(source.ksoftirqd_count / source.count)} in ksoftirqd")
    if source.stall_count:
        stalled = f"{source.stall_count:,} held back at max_active"
        parts.append(f"{stalled} for {seconds(source.stall_seconds)}")
    if source.early_count:
        parts.append(f"{percent(source.early_count / source.count)} early")
    if source.packet_count is not None:
        parts.append(f"{source.packet_count:,} packets")
    if source.exhausted_count:
        parts.append(f"{percent(source.exhausted_count / source.count)} to the end of the budget")
    if source.delivered_count is not None:
        parts.append(f"{source.delivered_count:,} delivered")
    if source.dropped_count:
        parts.append(f"{source.dropped_count:,} ignored or pending already")
    return ", ".join(parts)


def _by_cpu(latency_s: Mapping[int, float | None]) -> str:
    """The latest CPUs first: "3 41µs, 0 3µs"."""
    latest = sorted(latency_s, key=lambda cpu: -(latency_s[cpu] or 0.0))
    shown = [f"{cpu} {seconds(latency_s[cpu])}" for cpu in latest[:CPUS_SHOWN]]
    return ", ".join(shown) + (", …" if len(latest) > CPUS_SHOWN else "")


def _by_process(source: Source) -> str:
    """Those with most of it: "cc1[812] 45%, make[700] 20%, others 35%"."""
    shown = source.processes[:PROCESSES_SHOWN]
    parts = [f"{of.comm}[{of.pid}] {percent(of.count / source.count)}" for of in shown]
    others = source.count - sum(of.count for of in shown)
    if others > 0:
        parts.append(f"others {percent(others / source.count)}")
    return ", ".join(parts)


def story(worst: Worst, view: View, zone: tzinfo | None) -> str:
    """When, where, and over whom: "230µs at 14:03:21.123 on CPU 1 over nginx[812]"."""
    at = clock(view.wall_ns - (view.monotonic_ns - worst.at_ns), zone, milliseconds=True)
    task = f"{worst.comm}[{worst.pid}]" if worst.pid else "the idle task"
    return f"{seconds(worst.ns / 1e9)} at {at} on CPU {worst.cpu} over {task}"
