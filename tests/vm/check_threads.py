"""Runs in a guest that forces interrupts into threads: their waits and runs are the kernel's own.

The reference is the kernel's trace of wakes and switches (tests/live/recording.py), followed here.
Prints one line of JSON; exits 1 with the reason where something does not hold.
"""

import json
import platform
import sys
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from irqwatch.cli.options import chosen_collectors
from irqwatch.collectors import COLLECTORS
from irqwatch.derive.causes import causes
from irqwatch.model.snapshot import Probe
from irqwatch.parse import thread_name
from tests.live.recording import Interval, Recording, Seen, quiet_interval
from tests.live.recording import record as record_collector
from tests.live.rounds import mostly

EVENTS = ("irq/irq_handler_entry", "irq/irq_handler_exit", "sched/sched_switch")
WAKE_THREAD = 2
INTERRUPTIBLE = 1  # as the trace has it, where the task was not preempted


@dataclass
class Threads:
    """Of the lines with one handler: by thread, its line, and which are woken by the handler."""

    irq_of: dict[int, int]
    first_of: dict[int, int]  # by line

    @classmethod
    def here(cls) -> "Threads":
        names = {p.pid: p.name() for p in psutil.process_iter() if p.ppid() == 2}
        irq_of = {
            pid: parsed.irq
            for pid, name in names.items()
            if (parsed := thread_name.parse(name)) and parsed.irq is not None
        }
        first = {pid: irq for pid, irq in irq_of.items() if f"irq/{irq}-s-" not in names[pid]}
        one = {irq for irq, count in Counter(first.values()).items() if count == 1}
        return cls(
            {pid: irq for pid, irq in irq_of.items() if irq in one},
            {irq: pid for pid, irq in first.items() if irq in one},
        )

    def concerns(self, seen: Seen) -> bool:
        if seen.name == "sched_switch":
            return bool({seen.fields["prev_pid"], seen.fields["next_pid"]} & self.irq_of.keys())
        return seen.fields["irq"] in self.first_of


@dataclass
class Times:
    """By line: how often, and sums. ``slack_ns`` is how far the probe's may be off."""

    waits: Counter[int] = field(default_factory=Counter)
    runs: Counter[int] = field(default_factory=Counter)
    wait_ns: Counter[int] = field(default_factory=Counter)
    run_ns: Counter[int] = field(default_factory=Counter)
    wait_slack_ns: Counter[int] = field(default_factory=Counter)
    run_slack_ns: Counter[int] = field(default_factory=Counter)


@dataclass
class Run:
    """Of a thread, from one wait for an interrupt to the next, without the handlers inside."""

    ns: int = 0
    slack_ns: int = 0


class Follower:
    """Follows the events in their order. The probe looks at each between the two buffers, so what
    it measures is off by no more than the buffers differ at the events that it measures between."""

    def __init__(self, threads: Threads) -> None:
        self.times = Times()
        self.counts = False
        self._threads = threads
        self._known: set[int] = set()
        self._woken: dict[int, tuple[int, int]] = {}  # thread → (when, slack)
        self._on_cpu: dict[int, int] = {}  # CPU → thread
        self._runs: defaultdict[int, Run] = defaultdict(Run)

    def see(self, seen: Seen, slack_ns: int) -> None:
        if seen.name == "irq_handler_entry":
            self._handler(seen, slack_ns, 1)
        elif seen.name == "irq_handler_exit":
            self._handler(seen, slack_ns, -1)
            if seen.fields["ret"] == WAKE_THREAD:
                self._wake(seen, slack_ns)
        else:
            self._leave(seen, slack_ns)
            self._come(seen, slack_ns)

    def _handler(self, seen: Seen, slack_ns: int, sign: int) -> None:
        if seen.cpu in self._on_cpu:
            run = self._runs[self._on_cpu[seen.cpu]]
            run.ns += sign * seen.time_ns
            run.slack_ns += slack_ns

    def _wake(self, seen: Seen, slack_ns: int) -> None:
        irq = int(seen.fields["irq"])
        thread = self._threads.first_of[irq]
        self._known |= {pid for pid, of in self._threads.irq_of.items() if of == irq}
        if thread not in self._on_cpu.values():
            self._woken.setdefault(thread, (seen.time_ns, slack_ns))

    def _leave(self, seen: Seen, slack_ns: int) -> None:
        thread = self._on_cpu.pop(seen.cpu, None)
        if thread is None:
            return
        run = self._runs[thread]
        run.ns += seen.time_ns
        run.slack_ns += slack_ns
        if seen.fields["prev_state"] == INTERRUPTIBLE:
            irq = self._threads.irq_of[thread]
            del self._runs[thread]
            if self.counts:
                self.times.runs[irq] += 1
                self.times.run_ns[irq] += run.ns
                self.times.run_slack_ns[irq] += run.slack_ns

    def _come(self, seen: Seen, slack_ns: int) -> None:
        thread = int(seen.fields["next_pid"])
        if thread not in self._known:
            return
        self._on_cpu[seen.cpu] = thread
        self._runs[thread].ns -= seen.time_ns
        self._runs[thread].slack_ns += slack_ns
        woken_ns, woken_slack_ns = self._woken.pop(thread, (None, 0))
        if woken_ns is not None and self.counts:
            irq = self._threads.irq_of[thread]
            self.times.waits[irq] += 1
            self.times.wait_ns[irq] += seen.time_ns - woken_ns
            self.times.wait_slack_ns[irq] += slack_ns + woken_slack_ns


def by_the_kernel(recording: Recording, interval: Interval, threads: Threads) -> Times:
    """Of the interval; what comes before says what is under way at its start."""
    second: defaultdict[int, deque[int]] = defaultdict(deque)  # CPU → times, in their order
    for seen in interval.second:
        second[seen.cpu].append(seen.time_ns)
    start_ns, end_ns = interval.first[0].time_ns, interval.first[-1].time_ns
    follower = Follower(threads)
    for seen in recording.first:
        follower.counts = start_ns <= seen.time_ns <= end_ns
        slack_ns = second[seen.cpu].popleft() - seen.time_ns if follower.counts else 0
        assert slack_ns >= 0, "the two buffers do not have the same events"
        follower.see(seen, slack_ns)
    return follower.times


def counted(probe: Probe, threads: Threads) -> Times:
    found = Times()
    for part in probe.parts["irq_threads"]:
        if part.irq in threads.first_of:
            found.waits[part.irq] += part.latency.count
            found.runs[part.irq] += part.run.count
            found.wait_ns[part.irq] += part.latency.sum_ns
            found.run_ns[part.irq] += part.run.sum_ns
    return found


def read_files() -> None:
    """From the host: each is a few interrupts."""
    for path in sorted(Path("/usr/lib/python3/dist-packages").rglob("*.py"))[:150]:
        path.read_bytes()


def of_threads(recording: Recording, threads: Threads) -> Recording:
    return recording._replace(
        first=list(filter(threads.concerns, recording.first)),
        second=list(filter(threads.concerns, recording.second)),
    )


def compare(recording: Recording, interval: Interval, threads: Threads) -> dict[str, object]:
    """Raises AssertionError."""
    kernels = by_the_kernel(recording, interval, threads)
    after, before = counted(interval.after, threads), counted(interval.before, threads)
    waits, runs = after.waits - before.waits, after.runs - before.runs
    assert waits == kernels.waits, f"waits {waits}, the kernel's {kernels.waits}"
    assert runs == kernels.runs, f"runs {runs}, the kernel's {kernels.runs}"
    wait_ns, run_ns = after.wait_ns - before.wait_ns, after.run_ns - before.run_ns
    for irq in runs:
        off_ns = abs(wait_ns[irq] - kernels.wait_ns[irq])
        assert off_ns <= kernels.wait_slack_ns[irq], f"waits of {irq} are off by {off_ns} ns"
        off_ns = abs(run_ns[irq] - kernels.run_ns[irq])
        assert off_ns <= kernels.run_slack_ns[irq], f"runs of {irq} are off by {off_ns} ns"
    return {
        "waits": waits.total(),
        "wait_us": microseconds(wait_ns, waits),
        "kernels_wait_us": microseconds(kernels.wait_ns, waits),
        "wait_slack_us": microseconds(kernels.wait_slack_ns, waits),
        "runs": runs.total(),
        "run_us": microseconds(run_ns, runs),
        "kernels_run_us": microseconds(kernels.run_ns, runs),
        "run_slack_us": microseconds(kernels.run_slack_ns, runs),
    }


def microseconds(ns: Counter[int], counts: Counter[int]) -> float:
    return round(ns.total() / counts.total() / 1e3, 1)


def check_causes(probe: Probe, threads: Threads) -> None:
    caused = causes(probe).by_interrupt
    kinds = {part.kind for (irq, _), parts in caused.items() for part in parts if irq is not None}
    if "thread" not in kinds or not threads.first_of:
        raise SystemExit(f"of lines only {kinds} followed")


def are_forced() -> bool:
    return "thread" in chosen_collectors(dict.fromkeys(COLLECTORS), disable_defaults=False)


def measure() -> dict[str, object]:
    """Raises SystemExit with the reason where something does not hold."""
    if not are_forced():
        raise SystemExit("threads are forced here and not timed by default")
    threads = Threads.here()
    try:
        return mostly(lambda: one_round(threads), "threads")
    except AssertionError as error:
        raise SystemExit(str(error)) from error


def one_round(threads: Threads) -> dict[str, object]:
    """Raises AssertionError, or Disturbed where it was not to be had."""
    recording = of_threads(record_collector("thread", EVENTS, read_files, ["hardirq"]), threads)
    interval = quiet_interval(recording, [event.partition("/")[2] for event in EVENTS])
    found = compare(recording, interval, threads)
    check_causes(interval.after, threads)
    return {**found, "losses": interval.after.losses["thread"]}


def main() -> None:
    print(json.dumps({"kernel": platform.release(), **measure()}), flush=True)


if __name__ == "__main__":
    main()
